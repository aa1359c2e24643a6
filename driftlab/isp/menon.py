"""Directional demosaicing of a Bayer mosaic with a posteriori decision.

D. Menon, S. Andriani, G. Calvagno: Demosaicing with directional filtering and a posteriori decision. IEEE Transactions
on Image Processing 16(1), 2007. Green is found along rows and along columns; the direction whose color differences
are smoother wins, pixel by pixel; red and blue follow its edges; a refining step smooths the differences along them.
The decisions are steps without a derivative; within them everything is linear.
"""

from __future__ import annotations

import torch
from torch import Tensor

from driftlab.isp.bayer import site_masks
from driftlab.isp.correlate import correlate, padded
from driftlab.raw.frame import CFA

__all__ = ["menon2007"]

_NEXT = (0.5, 0.0, 0.5)
_MEAN = (1 / 3, 1 / 3, 1 / 3)
_GREEN = (-0.25, 0.5, 0.5, 0.5, -0.25)
# How rough the differences are around a pixel: its own side counts most (figure 4 of the paper).
_ROUGHNESS = ((1, 0, 1, 0, 0), (0, 1, 0, 0, 0), (3, 0, 3, 0, 0), (0, 1, 0, 0, 0), (1, 0, 1, 0, 0))


def _across(image: Tensor, taps: tuple[float, ...]) -> Tensor:
    return correlate(padded(image, 0, len(taps) // 2), image.new_tensor([taps]))


def _down(image: Tensor, taps: tuple[float, ...]) -> Tensor:
    return correlate(padded(image, len(taps) // 2, 0), image.new_tensor([taps]).T)


def menon2007(mosaic: Tensor, cfa: CFA) -> Tensor:
    """`[B, 1, H, W]` -> `[B, 3, H, W]`."""
    at_red, at_green, at_blue = (mask.bool() for mask in site_masks(cfa, mosaic).split(1, 1))
    red_rows = at_red.any(-1, keepdim=True).expand_as(at_red)
    green, level = _green(mosaic, at_green)

    def one_way(image: Tensor, taps: tuple[float, ...]) -> Tensor:
        """Filtered along the direction that was decided for the pixel."""
        return torch.where(level, _across(image, taps), _down(image, taps))

    def along(image: Tensor, rows: Tensor) -> Tensor:
        """The mean of the two neighbors: in the row where `rows` holds, else in the column."""
        return torch.where(rows, _across(image, _NEXT), _down(image, _NEXT))

    zero = mosaic.new_zeros(())
    # Red and blue at the green sites, where one has its neighbors in the row and the other in the column.
    sampled_red, sampled_blue = torch.where(at_red, mosaic, zero), torch.where(at_blue, mosaic, zero)
    red = torch.where(at_green, green + along(sampled_red, red_rows) - along(green, red_rows), sampled_red)
    blue = torch.where(at_green, green + along(sampled_blue, ~red_rows) - along(green, ~red_rows), sampled_blue)
    # Then each at the other's sites.
    red = torch.where(at_blue, blue + one_way(red, _NEXT) - one_way(blue, _NEXT), red)
    blue = torch.where(at_red, red + one_way(blue, _NEXT) - one_way(red, _NEXT), blue)

    # Refining: the differences to green, then those between red and blue, are smoothed along the edges.
    at_other = torch.where(at_red, red - one_way(red - green, _MEAN), blue - one_way(blue - green, _MEAN))
    green = torch.where(at_green, green, at_other)
    red = torch.where(at_green, green + along(red - green, red_rows), red)
    blue = torch.where(at_green, green + along(blue - green, ~red_rows), blue)
    red = torch.where(at_blue, blue + one_way(red - blue, _MEAN), red)
    blue = torch.where(at_red, red - one_way(red - blue, _MEAN), blue)
    return torch.cat([red, green, blue], 1)


def _green(mosaic: Tensor, at_green: Tensor) -> tuple[Tensor, Tensor]:
    """Green at every pixel, and whether it was found along the row."""
    across = torch.where(at_green, mosaic, _across(mosaic, _GREEN))
    down = torch.where(at_green, mosaic, _down(mosaic, _GREEN))
    with torch.no_grad():
        rough_across = _rough(mosaic - across, vertical=False)
        rough_down = _rough(mosaic - down, vertical=True)
        level = rough_down >= rough_across
    return torch.where(level, across, down), level


def _rough(difference: Tensor, *, vertical: bool) -> Tensor:
    """Weighted sum of the steps of a color difference between next samples of one color."""
    if vertical:
        return _rough(difference.transpose(-1, -2), vertical=False).transpose(-1, -2)
    step = (difference - padded(difference, 0, 2)[..., 4:]).abs()
    return correlate(padded(step, 2, 2, "constant"), step.new_tensor(_ROUGHNESS))
