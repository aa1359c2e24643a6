"""The target: the one number of a task model's answer whose sensitivity is asked for.

It is fixed at the nominal answer: the margin goes on comparing the same two classes, and soft Dice the same mask, when
the settings drift.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.model.card import Task
from driftlab.model.framing import Framing
from driftlab.model.task_model import TaskModel

__all__ = ["Target", "soft_dice", "target_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One differentiable number of an answer.

    `name` is "margin", "soft Dice" or the label of the logit; `classes` are the labels it is made of: the top class and
    the runner-up, the class of the logit, or those whose Dice is averaged. `of` maps logits `[B, K]`, or `[B, K, h, w]`
    for segmentation, to `[B]`.
    """

    name: str
    classes: tuple[str, ...]
    of: Callable[[Tensor], Tensor]

    def __str__(self) -> str:
        if self.name == "margin":
            return f"margin of {self.classes[0]} over {self.classes[1]}"
        return f"soft Dice of {', '.join(self.classes)}" if self.name == "soft Dice" else f"logit of {self.name}"


def target_of(
    model: TaskModel, logits: Tensor, framing: Framing, *, name: str | None = None, mask: Tensor | None = None
) -> Target:
    """The target at the nominal answer `logits`, `[1, K]` or `[1, K, h, w]`, of a picture framed by `framing`.

    By default it is the margin; for segmentation soft Dice against `mask`, class indices `[H, W]` on the picture's
    pixels (others are left out), or against the nominal mask: the mean over its classes. `name`, a label or the index
    of an output, picks a logit, or for segmentation the only class that counts.
    """
    count = logits.shape[1]
    labels = model.labels or tuple(str(index) for index in range(count))
    index = None if name is None else _index(name, labels)
    if model.task is Task.SEGMENTATION:
        truth = logits[0].argmax(0) if mask is None else _as_seen(mask, framing).to(logits.device)
        found = [value for value in truth.unique().tolist() if 0 <= value < count]
        if not found or (index is not None and index not in found):
            what = "none of the model's classes" if index is None else f"no '{labels[index]}'"
            raise AnalysisError(f"The mask holds {what}: soft Dice needs a class that it holds.")
        chosen = found if index is None else [index]
        return Target("soft Dice", tuple(labels[k] for k in chosen), lambda z: _soft_dice(z, truth, chosen))
    if mask is not None:
        raise AnalysisError(f"A mask is for segmentation, and this model does {model.task}: leave it out.")
    if index is None and model.task is Task.CLASSIFICATION:
        first, second = logits[0].topk(2).indices.tolist()
        return Target("margin", (labels[first], labels[second]), lambda z: z[:, first] - z[:, second])
    if index is None and count > 1:
        raise AnalysisError(f"A model for {model.task} has no margin: name one of its {count} outputs with --target.")
    only = index or 0
    return Target(labels[only], (labels[only],), lambda z: z[:, only])


def soft_dice(logits: Tensor, mask: Tensor, framing: Framing) -> Tensor:
    """Logits `[B, K, h, w]` against class indices `[H, W]` on the picture's pixels -> `[B]`: the mean over its classes.

    Pixels of no class are left out. Raises AnalysisError where the mask is of another size, or holds no class.
    """
    truth = _as_seen(mask, framing).to(logits.device)
    classes = [value for value in truth.unique().tolist() if 0 <= value < logits.shape[1]]
    if not classes:
        raise AnalysisError("The mask holds none of the model's classes: soft Dice needs a class that it holds.")
    return _soft_dice(logits, truth, classes)


def _index(name: str, labels: tuple[str, ...]) -> int:
    if name in labels:
        return labels.index(name)
    if name.isdecimal() and int(name) < len(labels):
        return int(name)
    near = difflib.get_close_matches(name, labels, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"give a label or a number from 0 to {len(labels) - 1}."
    raise AnalysisError(f"The model has no output '{name}': {hint}")


def _soft_dice(logits: Tensor, truth: Tensor, classes: list[int]) -> Tensor:
    """Milletari et al., V-Net, 3DV 2016, with plain sums: `[B, K, h, w]` against `[h, w]` -> the mean over classes."""
    known = (truth >= 0) & (truth < logits.shape[1])
    probabilities = logits.softmax(1) * known
    scores = []
    for index in classes:
        here, there = probabilities[:, index], (truth == index).to(logits)
        scores.append(2 * (here * there).sum((1, 2)) / (here.sum((1, 2)) + there.sum()))
    return torch.stack(scores).mean(0)


def _as_seen(mask: Tensor, framing: Framing) -> Tensor:
    """A mask `[H, W]` on the picture's pixels -> `[h, w]` on those that the logits are for, by the nearest."""
    if mask.shape != framing.picture:
        height, width = framing.picture
        raise AnalysisError(f"The mask is {list(mask.shape)}, but the picture {[height, width]}: give one of its size.")
    top, left, bottom, right = framing.seen
    rows, columns = (
        ((torch.arange(first, last) + 0.5) * framing.picture[axis] / framing.scaled[axis]).long()
        for axis, (first, last) in enumerate(((top, bottom), (left, right)))
    )
    return mask.long()[rows][:, columns]
