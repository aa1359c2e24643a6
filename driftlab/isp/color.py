"""Linear mixes of color planes, and the luma that denoise and sharpen work on."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

__all__ = ["LUMA", "luma_of", "mixed"]

#: ITU-R BT.601, as in the paper.
LUMA: Final = (0.299, 0.587, 0.114)


def mixed(image: Tensor, matrix: Tensor) -> Tensor:
    """Every pixel times a matrix: `image` `[B, C, H, W]`, `matrix` `[1 or B, K, C]` -> `[B, K, H, W]`."""
    batch = max(len(image), len(matrix))
    # bmm, for matmul would lay the whole image out anew to make one product of it.
    planes = torch.bmm(matrix.expand(batch, -1, -1), image.flatten(2).expand(batch, -1, -1))
    return planes.view(batch, -1, *image.shape[2:])


def luma_of(image: Tensor) -> Tensor:
    """`[B, 3, H, W]` -> `[B, 1, H, W]`."""
    return mixed(image, image.new_tensor([[LUMA]]))
