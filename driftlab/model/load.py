"""Loading a task model: where its card is, whether it is trusted, and the steps from a file to a TaskModel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from driftlab.model.card import CardSource, ModelError
from driftlab.model.card_file import check_card, read_card
from driftlab.model.formats import open_network
from driftlab.model.probe import settle
from driftlab.model.source import Source, find
from driftlab.model.task_model import TaskModel

__all__ = ["find_source", "load_model", "needs_trust"]

#: What a card is given as: a file, or its content. Label files in a mapping are relative to the current folder.
CardLike: TypeAlias = str | Path | Mapping[str, Any]


def load_model(
    model: str | Path,
    *,
    trust: bool = False,
    weights: str | Path | None = None,
    card: CardLike | None = None,
    flags: Mapping[str, Any] | None = None,
) -> TaskModel:
    """Load a task model.

    `model` is a TorchScript, torch.export, ONNX, safetensors or state_dict file, a Hugging Face folder, a built-in
    architecture or `package.module:factory`; the last two take `weights`. Its card is `card`, or else
    `<file>.json` or `<stem>.json` beside it; `flags` override single keys of it.

    `trust` is consent to run the code of formats that hold any; see `needs_trust`. Raises ModelError, one sentence
    that names the mend, for anything that keeps the model from being used.
    """
    claims, home = _claims(model, weights, card, flags)
    source = _find(model, weights, claims)
    if source.risk and not trust:
        raise ModelError(f"{source.name} is not loaded without --trust: {source.risk}, so trust only what you know.")
    network = open_network(source)
    settled, batch = settle(network, {**claims, CardSource.FILE: network.claims}, source.name, home)
    return TaskModel(network, settled, source, batch)


def needs_trust(model: str | Path, *, weights: str | Path | None = None, card: CardLike | None = None) -> str | None:
    """Why loading `model` can run code, as a clause for a sentence, or None where it cannot. Runs nothing of it."""
    return find_source(model, weights=weights, card=card).risk


def find_source(
    model: str | Path,
    *,
    weights: str | Path | None = None,
    card: CardLike | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Source:
    """What `load_model` would load: format, files, sha256 and risk. Runs nothing of it. Raises ModelError likewise."""
    claims, _ = _claims(model, weights, card, flags)
    return _find(model, weights, claims)


def _find(model: str | Path, weights: str | Path | None, claims: Mapping[CardSource, Mapping[str, Any]]) -> Source:
    named = (claims[source].get("architecture") for source in (CardSource.FLAG, CardSource.CARD))
    return find(model, weights, next(filter(None, named), None))


def _claims(
    model: str | Path, weights: str | Path | None, card: CardLike | None, flags: Mapping[str, Any] | None
) -> tuple[dict[CardSource, dict[str, Any]], str]:
    """What flags and card say, checked, and the name of the file where a card for this model is or belongs."""
    file = Path(weights if weights is not None else model)
    beside = (file.with_name(f"{file.name}.json"), file.with_suffix(".json"))
    if card is None and file.exists():
        card = next((path for path in beside if path.is_file()), None)
    if card is None:
        said, home = {}, beside[1].name
    elif isinstance(card, Mapping):
        said, home = check_card(card, "The model card", Path.cwd()), "the model card"
    else:
        said, home = read_card(Path(card)), Path(card).name
    return {CardSource.FLAG: check_card(flags or {}, "A flag", Path.cwd()), CardSource.CARD: said}, home
