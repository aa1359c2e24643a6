"""The paper's parametrised model transcribed line by line into plain torch: the baseline that `bench isp` is held to.

Formulas: Oala et al., Data Models for Dataset Drift Controls in Machine Learning With Optical Images, TMLR 2023,
section "parametrised data model"; RGGB, raw values from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["plain_paper_model"]

_YUV = ((0.299, 0.587, 0.114), (-0.14714119, -0.28886916, 0.43601035), (0.61497538, -0.51496512, -0.10001026))


def plain_paper_model(raw: Tensor, theta: Mapping[str, Tensor]) -> Tensor:
    """`raw` `[B, H, W]` -> display RGB `[B, 3, H, W]`.

    `theta` holds `black` [4], `green` and `red_blue` [3, 3], `gains` [3], `matrix` [3, 3], `sharpen` [3, 3],
    `denoise` [5, 5] and `gamma`.
    """
    black = theta["black"]
    sites = [(0, 0), (0, 1), (1, 0), (1, 1)]
    planes = raw.new_zeros(raw.shape[0], 4, *raw.shape[1:])
    for k, (i, j) in enumerate(sites):
        planes[:, k, i::2, j::2] = raw[:, i::2, j::2] - black[k]
    colors = [planes[:, :1], planes[:, 1:2] + planes[:, 2:3], planes[:, 3:]]
    kernels = [theta["red_blue"], theta["green"], theta["red_blue"]]
    rgb = torch.cat(
        [
            F.conv2d(F.pad(plane, (1, 1, 1, 1), mode="reflect"), kernel[None, None])
            for plane, kernel in zip(colors, kernels, strict=True)
        ],
        1,
    )
    rgb = torch.einsum("bchw,c->bchw", rgb, theta["gains"])
    rgb = torch.einsum("bchw,kc->bkhw", rgb, theta["matrix"])
    for name in ("sharpen", "denoise"):
        rgb = _filtered_luma(rgb, theta[name])
    return torch.exp(torch.log(rgb.clamp(1e-5, 1)) / theta["gamma"])


def _filtered_luma(rgb: Tensor, kernel: Tensor) -> Tensor:
    """RGB to YUV, one convolution of Y, and back."""
    to_yuv = rgb.new_tensor(_YUV)
    yuv = torch.einsum("bchw,kc->bkhw", rgb, to_yuv)
    luma = F.conv2d(yuv[:, :1], kernel[None, None], padding=kernel.shape[0] // 2)
    return torch.einsum("bchw,kc->bkhw", torch.cat([luma, yuv[:, 1:]], 1), torch.linalg.inv(to_yuv))
