"""Linear demosaicing of a Bayer mosaic: small kernels over the samples of every color."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from driftlab.isp.correlate import correlate, padded
from driftlab.isp.stage import Pass, Passes
from driftlab.raw.frame import CFA

__all__ = [
    "BILINEAR_GREEN",
    "BILINEAR_RED_BLUE",
    "malvar2004",
    "malvar2004_wgsl",
    "site_masks",
    "zero_filled",
    "zero_filled_wgsl",
]

BILINEAR_GREEN: Final = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
BILINEAR_RED_BLUE: Final = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))

# Malvar, He & Cutler 2004, figure 2, in eighths.
_GREEN: Final = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
_ALONG: Final = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
_OPPOSITE: Final = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))


def site_masks(cfa: CFA, like: Tensor) -> Tensor:
    """1 at the sites of red, green and blue, 0 elsewhere: `[1, 3, H, W]` of the size of `like`."""
    return _masks(cfa, like.shape[-2], like.shape[-1], like.dtype, like.device)[:, :3]


def _channel_masks(cfa: CFA, like: Tensor) -> Tensor:
    """1 at the sites of r, g1, g2, b: `[4, H, W]`."""
    return _masks(cfa, like.shape[-2], like.shape[-1], like.dtype, like.device)[0, 3:]


@lru_cache(maxsize=16)
def _masks(cfa: CFA, height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    colors, channels = torch.tensor(cfa.colors()), torch.tensor(cfa.channels())
    tile = torch.stack([*(colors == c for c in range(3)), *(channels == c for c in range(4))]).to(device, dtype)
    rows, columns = colors.shape
    with torch.inference_mode(False):  # the cache outlives the mode of whoever asked first
        return tile.clone().repeat(1, -(-height // rows), -(-width // columns))[None, :, :height, :width].contiguous()


def zero_filled(mosaic: Tensor, green: Tensor, red_blue: Tensor, cfa: CFA) -> Tensor:
    """The planes of every color, zero where another was sampled, correlated with a 3×3 kernel each.

    `mosaic` is `[B, 1, H, W]`, the kernels are `[3, 3]` or `[B, 3, 3]`; the result is `[B, 3, H, W]`. With the bilinear
    kernels it is bilinear interpolation, and samples come through unchanged.
    """
    wide = padded(mosaic, 1, 1)
    planes = wide * site_masks(cfa.shifted(-1, -1), wide)
    red, middle, blue = planes.split(1, 1)
    colors = [correlate(red, red_blue), correlate(middle, green), correlate(blue, red_blue)]
    batch = max(map(len, colors))  # one of the kernels may be a batch, and the other not
    return torch.cat([color.expand(batch, -1, -1, -1) for color in colors], 1)


def malvar2004(mosaic: Tensor, cfa: CFA) -> Tensor:
    """`[B, 1, H, W]` -> `[B, 3, H, W]`: bilinear, corrected by the Laplacian of the color that is known."""
    wide = padded(mosaic, 2, 2)
    # The four kernels (`_GREEN`, `_ALONG` and its transpose, `_OPPOSITE`) share the sums of opposite neighbors.
    next_pair, far_pair = mosaic.new_tensor([[1, 0, 1]]), mosaic.new_tensor([[1, 0, 0, 0, 1]])
    beside = correlate(wide[..., 1:-1, 1:-1], next_pair)
    diagonal, beside = beside[..., :-2, :] + beside[..., 2:, :], beside[..., 1:-1, :]
    above = correlate(wide[..., 1:-1, 2:-2], next_pair.T)
    far_beside, far_above = correlate(wide[..., 2:-2, :], far_pair), correlate(wide[..., 2:-2], far_pair.T)
    far = far_beside + far_above
    middle = (mosaic * 0.5).add(beside + above, alpha=0.25).sub(far, alpha=0.125)
    opposite = (mosaic * 0.75).add(diagonal, alpha=0.25).sub(far, alpha=0.1875)
    shared = (mosaic * 0.625).sub(diagonal, alpha=0.125)
    side = shared.add(beside, alpha=0.5).sub(far_beside, alpha=0.125).add(far_above, alpha=0.0625)
    upright = shared.add(above, alpha=0.5).sub(far_above, alpha=0.125).add(far_beside, alpha=0.0625)
    r, g1, g2, b = _channel_masks(cfa, mosaic)
    red = (mosaic * r).addcmul_(side, g1).addcmul_(upright, g2).addcmul_(opposite, b)
    green = torch.where((g1 + g2).bool(), mosaic, middle)
    blue = (mosaic * b).addcmul_(upright, g1).addcmul_(side, g2).addcmul_(opposite, r)
    return torch.cat([red, green, blue], 1)


def zero_filled_wgsl(weight: Callable[[str, int, int], str]) -> Passes:
    """The same as a shader; `weight` writes that of a plane ("g" or "rb") at a row and column of its kernel."""
    lines = ["var total = vec3f(0.0);"]
    for i in range(3):
        for j in range(3):
            place = f"at + vec2i({j - 1}, {i - 1})"
            kernels = f"vec3f({weight('rb', i, j)}, {weight('g', i, j)}, {weight('rb', i, j)})"
            lines.append(f"total += load(mirrored({place}), 0) * only(color({place})) * {kernels};")
    return Passes((Pass("\n".join((*lines, "return total;")), 3),))


def malvar2004_wgsl() -> Passes:
    """The same as a shader."""
    upright = [[_ALONG[j][i] for j in range(5)] for i in range(5)]
    places = [(i, j) for i in range(5) for j in range(5) if abs(i - 2) + abs(j - 2) <= 2]
    samples = " ".join(f"let s{i}{j} = load(mirrored(at + vec2i({j - 2}, {i - 2})), 0);" for i, j in places)
    names = {"middle": _GREEN, "side": _ALONG, "upright": upright, "opposite": _OPPOSITE}
    sums = [
        f"let {name} = ({' + '.join(f'{kernel[i][j] / 8} * s{i}{j}' for i, j in places if kernel[i][j])});"
        for name, kernel in names.items()
    ]
    # What is sampled at each of r, g1, g2, b, and how the other two colors are found there.
    body = f"""
    {samples}
    {" ".join(sums)}
    let known = s22;
    switch (site(at, 0)) {{
        case 0: {{ return vec3f(known, middle, opposite); }}
        case 1: {{ return vec3f(side, known, upright); }}
        case 2: {{ return vec3f(upright, known, side); }}
        default: {{ return vec3f(opposite, middle, known); }}
    }}"""
    return Passes((Pass(body, 3),))
