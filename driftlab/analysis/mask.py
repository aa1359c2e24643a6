"""A mask on the pixels that a task model is given: of the whole picture, of the region, or of the frame's samples."""

from __future__ import annotations

import torch
from torch import Tensor

from driftlab.analysis.target import AnalysisError
from driftlab.isp.develop import Region, picture_size
from driftlab.isp.settings import Settings
from driftlab.raw.frame import RawFrame

__all__ = ["mask_on"]


def mask_on(mask: Tensor, frame: RawFrame, settings: Settings, region: Region | None = None) -> Tensor:
    """Class indices `[H, W]` -> those of the region's pixels (of the whole picture without one), `[h, w]`.

    `mask` is of the region's size, of the picture's, or of the frame's where demosaic makes one pixel of several
    samples: then each pixel has the class at its middle. Raises AnalysisError where it is of none of these.
    """
    picture = picture_size(frame, settings)
    part = region.within(picture) if region else Region(0, 0, picture[1], picture[0])
    size = (int(mask.shape[0]), int(mask.shape[1]))
    if size not in (picture, frame.size):
        if region and size == (part.height, part.width):
            return mask
        of_region = f", and the region {part.width} × {part.height}" if region else ""
        raise AnalysisError(
            f"The mask has {size[1]} × {size[0]} pixels, but the picture {picture[1]} × {picture[0]}{of_region}: "
            "give one of its size."
        )
    if size != picture:
        side = frame.size[0] // picture[0]
        rows, columns = (torch.arange(length) * side + side // 2 for length in picture)
        mask = mask[rows][:, columns]
    return mask[part.top : part.top + part.height, part.left : part.left + part.width]
