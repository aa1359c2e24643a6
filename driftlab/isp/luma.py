"""Luma: the brightness that denoise and sharpen work on, with the weights of ITU-R BT.601, as in the paper."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

__all__ = ["WEIGHTS", "luma_of"]

WEIGHTS: Final = (0.299, 0.587, 0.114)


def luma_of(image: Tensor) -> Tensor:
    """`[B, 3, H, W]` -> `[B, 1, H, W]`."""
    luma = torch.matmul(image.new_tensor([WEIGHTS]), image.flatten(2))
    return luma.reshape(-1, 1, *image.shape[2:])
