"""The pictures of a search, its model and its nominal settings, as words of a shell command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.errors import DriftlabError
from driftlab.gui.command import value_text
from driftlab.gui.document import Document
from driftlab.gui.picked import Picked

if TYPE_CHECKING:
    from driftlab.data.cases import Case
    from driftlab.isp.stage import Value

__all__ = ["CommandError", "case_words", "model_words"]


class CommandError(DriftlabError):
    """What can't be told by one command; the message is one sentence that says why."""


def model_words(document: Document) -> list[str]:
    """The model that is open, and what was said of it."""
    path = document.model_path or ""
    words = ["--model", path, *document.model_words]
    if document.model is not None and document.model.ran_code and "--trust" not in words:
        words.append("--trust")
    return words


def case_words(
    model: Sequence[str], pictures: Sequence[Picked], cases: Sequence[Case], table: Path | None
) -> list[str]:
    """DATA, model and settings as `tolerance` and `attack` take them; `table` is where labels come from.

    Raises CommandError where the pictures differ in what a command takes for all of them.
    """
    described = {tuple(each.description.words()) if each.description else () for each in pictures}
    regions = {case.region for case in cases}
    changes = [_changes(case) for case in cases]
    if len(described) > 1 or len(regions) > 1 or any(each != changes[0] for each in changes):
        raise CommandError(
            "No one command says this: the frames have nominal settings, regions or descriptions of their own; "
            "take out of the list those that differ."
        )
    words = [*_data(pictures, table), *described.pop(), *model]
    if region := regions.pop():
        words += ["--crop", f"{region.left},{region.top},{region.width},{region.height}"]
    pipeline = cases[0].settings.pipeline.name
    if pipeline != "camera":
        words += ["--pipeline", pipeline]
    for key, value in changes[0].items():
        words += ["--set", f"{key}={value_text(value)}"]
    return words


def _data(pictures: Sequence[Picked], table: Path | None) -> list[str]:
    from driftlab.data.entries import entries_of

    paths = [each.path.absolute() for each in pictures]
    if not any(each.truth for each in pictures):
        return [str(path) for path in paths]
    if table is not None and [entry.path.absolute() for entry in entries_of([table])] == paths:
        return [str(table)]
    raise CommandError("No one command says this: there is no one table of what just these pictures show.")


def _changes(case: Case) -> dict[str, Value]:
    shot = case.settings.pipeline.settings(case.frame)
    return {key: value for key, value in case.settings.items() if value != shot[key]}
