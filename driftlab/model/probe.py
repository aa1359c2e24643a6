"""What only a running model can tell: the size it takes, whether it takes a batch, what its numbers are.

A probe claims a key only where the model's answers leave no doubt; what stays unknown is asked for by name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.model.card import Card, CardSource, Layout, ModelError, Output, Task
from driftlab.model.card_file import assemble, flag
from driftlab.model.inference import normalize, raw_output, run
from driftlab.model.network import Network

__all__ = ["settle"]

#: Makes the error that asks for a key of the card, with the reason.
Ask: TypeAlias = Callable[[str, str], ModelError]

#: The square input sizes, in pixels, that pretrained vision models commonly take. A network that takes a small one and
#: a large one takes another small one too, so that the large, slow ones are tried only where no small one fits.
COMMON_SIZES: Final = (
    (28, 32, 48, 64, 96, 112, 128, 160, 192, 224, 240, 256, 260, 288, 299, 300, 320),
    (331, 336, 380, 384, 416, 448, 480, 512, 513, 518, 520, 528, 560, 600, 640),
)

#: The most inputs given to a model at once that takes more than one.
BATCH: Final = 16

#: The side, in pixels, of the pictures that a model of any size is probed with.
ANY_SIZE: Final = 224


def settle(network: Network, claims: Mapping[CardSource, Mapping[str, Any]], name: str, home: str) -> tuple[Card, int]:
    """The complete card of a network and the most inputs it takes at once.

    `claims` is what flags, card and file say; `name` and `home` (where a card for it belongs) are for the sentences.
    Raises ModelError for what cannot be found out, naming the key to give, and for claims that the model belies.
    """
    known: dict[str, Any] = {}
    claims = {**claims, CardSource.PROBED: known, CardSource.DEFAULT: {"task": Task.CLASSIFICATION}}

    def ask(key: str, why: str) -> ModelError:
        return ModelError(f"{name} {why}: give {flag(key)} or '{key}' in {home}.")

    with torch.no_grad():
        if assemble(claims).sources["input_size"] is CardSource.DEFAULT:
            known["input_size"] = _size(network, assemble(claims), ask)
        card = assemble(claims)
        inputs = normalize(_pictures(2, card.input_size or (ANY_SIZE, ANY_SIZE)), card)
        answers = [raw_output(network, card, one) for one in inputs.split(1)]
        if not all(bool(answer.isfinite().all()) for answer in answers):
            raise ModelError(f"{name} gives outputs that are not finite (NaN or infinity) for a plain picture.")
        batch = BATCH if _takes_batch(network, card, inputs, answers) else 1

        if card.sources["task"] is CardSource.DEFAULT:
            known |= _task(answers[0], card, ask)
            card = assemble(claims)
        if card.sources["output"] is CardSource.DEFAULT:
            known |= _output(answers, card, ask)
            card = assemble(claims)
        if card.output is Output.MASK and not card.labels:
            raise ask("labels", "gives class indices, which do not tell how many classes there are")
        count = run(network, card, inputs[:1], batch).shape[1]

    if card.labels and len(card.labels) != count:
        raise ModelError(
            f"{name} gives {count} outputs, but 'labels' ({card.sources['labels']}) has {len(card.labels)} names: "
            f"give as many as there are outputs."
        )
    if not card.labels and card.task in (Task.CLASSIFICATION, Task.SEGMENTATION):
        card = replace(card, labels=tuple(f"class {index}" for index in range(count)))
    return card, batch


def _pictures(count: int, size: tuple[int, int]) -> Tensor:
    """Plain pictures `[count, 3, H, W]` in 0..1, all different: soft blotches of color with a little grain."""
    generator = torch.Generator().manual_seed(0)
    blotches = torch.rand(count, 3, 5, 5, generator=generator)
    smooth = F.interpolate(blotches, size, mode="bilinear", align_corners=False)
    return 0.9 * smooth + 0.1 * torch.rand(count, 3, *size, generator=generator)


def _size(network: Network, card: Card, ask: Ask) -> tuple[int, int]:
    """The one common size that the network takes; with any other, its shapes do not fit."""

    def fits(side: int) -> bool:
        try:
            return len(raw_output(network, card, normalize(_pictures(1, (side, side)), card))) == 1
        except ModelError:
            return False

    for sizes in COMMON_SIZES:
        fitting = list(itertools.islice(filter(fits, sizes), 2))
        if len(fitting) == 2:
            raise ask("input_size", f"takes pictures of several sizes ({fitting[0]} and {fitting[1]} among them)")
        if fitting:
            return (fitting[0], fitting[0])
    raise ask("input_size", "takes none of the common square sizes")


def _takes_batch(network: Network, card: Card, inputs: Tensor, answers: list[Tensor]) -> bool:
    """Whether two inputs at once give what they give one by one: some models fail, others mix them up silently."""
    alone = torch.cat(answers).double()
    try:
        together = raw_output(network, card, inputs).double()
    except ModelError:
        return False
    tolerance = (1e-2 if answers[0].dtype is torch.float16 else 1e-3) * float(alone.abs().max())
    return together.shape == alone.shape and bool((together - alone).abs().max() <= tolerance)


def _task(answer: Tensor, card: Card, ask: Ask) -> dict[str, Any]:
    """Numbers per pixel are a segmentation, a single number may be anything, a row of them is left to the default."""
    if answer.ndim >= 3 and answer.numel() > max(answer.shape):
        return {"task": Task.SEGMENTATION}
    if answer.numel() == 1:
        raise ask("task", "gives a single number, which may be a regression or the logit of one class")
    return {}


def _output(answers: list[Tensor], card: Card, ask: Ask) -> dict[str, Any]:
    """Whole numbers per pixel are a mask; numbers in 0..1 that sum to 1 over the classes are probabilities."""
    values = torch.cat(answers)
    if card.task is Task.SEGMENTATION and not values.is_floating_point():
        return {"output": Output.MASK}
    if card.task not in (Task.CLASSIFICATION, Task.SEGMENTATION) or values.min() < 0 or values.max() > 1:
        return {}
    axis = -1 if values.ndim < 3 or card.layout is Layout.NHWC else 1
    if values.shape[axis] == 1:
        raise ask("output", "gives one number in 0..1, which may be a probability or a logit")
    sums = values.double().sum(axis)
    return {"output": Output.PROBABILITIES} if bool((sums - 1).abs().max() < 1e-2) else {}
