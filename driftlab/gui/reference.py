"""What the mask of an answer is held against: a mask from a file, or else the mask at the nominal settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftlab.gui.computing import Answer, is_segmentation
from driftlab.gui.document import Mask

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Reference", "reference_for"]


@dataclass(frozen=True, eq=False)
class Reference:
    """Class indices `[H, W]` on the pixels that an answer is of, what they are called, and why there are none."""

    mask: Tensor | None
    name: str
    trouble: str = ""


def reference_for(answer: Answer, nominal: Answer | None, mask: Mask | None) -> Reference:
    """The reference for this answer, which is a segmentation."""
    if mask is not None:
        return _of_file(answer, mask)
    if nominal is not None and is_segmentation(nominal.prediction) and is_segmentation(answer.prediction):
        found = nominal.prediction.mask
        if found.shape == answer.prediction.mask.shape:
            return Reference(found, "nominal")
    return Reference(None, "nominal")


def _of_file(answer: Answer, mask: Mask) -> Reference:
    import torch

    from driftlab.data.mask import mask_on
    from driftlab.errors import DriftlabError

    question = answer.question
    if question.draft:
        return Reference(None, mask.path.name)
    try:
        there = mask_on(torch.from_numpy(mask.indices), question.frame, question.settings, question.region)
    except DriftlabError as error:
        return Reference(None, mask.path.name, str(error))
    return Reference(there, mask.path.name)
