"""A mask on the pixels that a task model is given: of the whole picture, of the region, or of the frame's samples."""

from __future__ import annotations

import torch
from torch import Tensor

from driftlab.data.errors import DataError
from driftlab.isp.develop import Region, picture_size
from driftlab.isp.settings import Settings
from driftlab.raw.frame import RawFrame

__all__ = ["fits", "mask_on"]


def fits(
    size: tuple[int, ...], frame: RawFrame, settings: Settings, region: Region | None = None
) -> tuple[Region, tuple[int, int]]:
    """The region that a mask `[H, W]` of this size is for, and the picture's size.

    It is of the region's size, of the picture's, or of the frame's where demosaic makes one pixel of several samples.
    Raises DataError where it is of none of these.
    """
    picture = picture_size(frame, settings)
    part = region.within(picture) if region else Region(0, 0, picture[1], picture[0])
    if size not in (picture, frame.size, (part.height, part.width)):
        of_region = f", and the region {part.width} × {part.height}" if region else ""
        raise DataError(
            f"The mask has {size[1]} × {size[0]} pixels, but the picture {picture[1]} × {picture[0]}{of_region}: "
            "give one of its size."
        )
    return part, picture


def mask_on(mask: Tensor, frame: RawFrame, settings: Settings, region: Region | None = None) -> Tensor:
    """Class indices `[H, W]` -> those of the region's pixels (of the whole picture without one), `[h, w]`.

    `mask` is of a size that `fits`; where demosaic makes one pixel of several samples, and the mask has one for each,
    a pixel has the class at its middle.
    """
    size = (int(mask.shape[0]), int(mask.shape[1]))
    part, picture = fits(size, frame, settings, region)
    if size not in (picture, frame.size):
        return mask
    if size != picture:
        side = frame.size[0] // picture[0]
        rows, columns = (torch.arange(length) * side + side // 2 for length in picture)
        mask = mask[rows][:, columns]
    return mask[part.top : part.top + part.height, part.left : part.left + part.width]
