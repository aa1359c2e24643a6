"""What a model's logits say of one picture: the top classes and their margin, or a mask with its areas and its IoU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from driftlab.model.card import ModelError, Task
from driftlab.model.framing import Framing

__all__ = ["UNSEEN", "Area", "Choice", "Prediction", "Segmentation", "iou", "rank", "segment"]

#: The value of a mask where there is no class: outside the model's frame, or unlabeled.
UNSEEN = -1


@dataclass(frozen=True, slots=True)
class Choice:
    """One class of a prediction; `probability` is its softmax, 0..1."""

    label: str
    index: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one picture; `logits` is `[K]`. Regression and embedding have no top classes and no margin."""

    logits: Tensor
    top: tuple[Choice, ...]
    #: Top logit minus runner-up.
    margin: float | None


@dataclass(frozen=True, slots=True)
class Area:
    """One class of a segmentation; `share` is its part of the pixels the model has seen, 0..1."""

    label: str
    index: int
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The mask of one picture: `mask` is int64 `[H, W]` on the picture's pixels, `UNSEEN` where the model saw none."""

    mask: Tensor
    labels: tuple[str, ...]

    @property
    def areas(self) -> tuple[Area, ...]:
        """The classes that occur, largest first."""
        counts = torch.bincount(self.mask[self.mask != UNSEEN], minlength=len(self.labels)).double()
        shares = (counts / counts.sum()).tolist()
        found = [Area(self.labels[index], index, share) for index, share in enumerate(shares) if share > 0]
        return tuple(sorted(found, key=lambda area: -area.share))

    def iou(self, truth: Tensor) -> Tensor:
        """IoU per class against a mask `[H, W]`: `[K]` in 0..1, NaN where neither mask has the class."""
        return iou(self.mask, truth, len(self.labels))


def rank(logits: Tensor, task: Task, labels: Sequence[str], count: int = 5) -> Prediction:
    """Logits `[K]` of one picture -> the `count` most probable classes and the margin."""
    logits = logits.detach()
    if task is not Task.CLASSIFICATION:
        return Prediction(logits, (), None)
    probabilities = logits.double().softmax(0)
    best = logits.topk(min(max(count, 2), len(logits))).indices.tolist()
    top = tuple(Choice(labels[index], index, float(probabilities[index])) for index in best[:count])
    return Prediction(logits, top, float(logits[best[0]] - logits[best[1]]))


def segment(logits: Tensor, framing: Framing, labels: tuple[str, ...]) -> Segmentation:
    """Per-pixel logits `[K, h, w]` of one picture, as `TaskModel` gives them -> the mask on the picture's pixels."""
    logits = logits.detach()
    # Class by class: all classes of a large picture at once would take gigabytes.
    best = framing.to_picture(logits[0])
    mask = torch.where(best.isnan(), UNSEEN, 0)
    for index in range(1, len(logits)):
        rival = framing.to_picture(logits[index])
        mask[rival > best] = index
        best = torch.maximum(best, rival)
    return Segmentation(mask, labels)


def iou(mask: Tensor, truth: Tensor, count: int) -> Tensor:
    """Intersection over union per class of two masks `[H, W]` -> `[count]`, NaN where neither has the class.

    Pixels whose class is outside 0..count-1 in either mask (unseen, or an "ignore" label such as 255) are left out.
    Raises ModelError when the masks differ in size.
    """
    if mask.shape != truth.shape:
        raise ModelError(
            f"The masks differ in size, {list(mask.shape)} and {list(truth.shape)}: give one of equal size."
        )
    known = (mask >= 0) & (mask < count) & (truth >= 0) & (truth < count)
    pairs = torch.bincount(mask[known].long() * count + truth[known].long(), minlength=count * count)
    confusion = pairs.reshape(count, count).double()
    shared = confusion.diagonal()
    return shared / (confusion.sum(0) + confusion.sum(1) - shared)
