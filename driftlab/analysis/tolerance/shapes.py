"""Shapes: the families of regions around nominal that a joint search grows, as boxes and balls in shares of the axes.

A shape has every size from 0, which is the nominal point, to `largest`, and lies within the searched ranges. Points are
rows of shares (see `Axis.to_share`), float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

__all__ = ["Ball", "Box", "Shape"]

#: What rounding may take from a size.
_SLACK: Final = 1e-12
#: What is no length.
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """From `center` − size · `below` to `center` + size · `above`, each `[P]`; size 1 is the widest.

    An axis without width stays at nominal. `spread` turns even points into even ones.
    """

    center: Tensor
    below: Tensor
    above: Tensor

    @property
    def largest(self) -> float:
        """The size at which it has all that it may have."""
        return 1.0

    @property
    def free(self) -> list[int]:
        """The axes along which it has any width."""
        return [int(axis) for axis in (self.below + self.above).nonzero()]

    def only(self, axes: Sequence[int]) -> Box:
        """The same along these axes, with all others at nominal."""
        kept = torch.zeros_like(self.center)
        kept[list(axes)] = 1.0
        return Box(self.center, self.below * kept, self.above * kept)

    def ends(self, size: float) -> tuple[Tensor, Tensor]:
        """Low and high of every axis, `[P]` each."""
        return self.center - size * self.below, self.center + size * self.above

    def size_of(self, points: Tensor) -> Tensor:
        """`[N, P]` -> the size of the smallest region that holds each point, `[N]`; infinite where none does."""
        away = points - self.center
        width = torch.where(away < 0, self.below, self.above)
        sizes = torch.where(away.abs() <= _SLACK, 0.0, away.abs() / width)
        return sizes.amax(1)

    def lowest(self, slopes: Tensor, size: float) -> Tensor:
        """Where in the region a linear function of each of these slopes `[N, P]` is lowest, `[N, P]`."""
        low, high = self.ends(size)
        return torch.where(slopes > 0, low, torch.where(slopes < 0, high, self.center))

    def stepped(self, points: Tensor, slopes: Tensor, size: float, step: float) -> Tensor:
        """Points `[N, P]` moved downhill along every axis by a share `step` of its width, and back into the box."""
        low, high = self.ends(size)
        return self.into(points - step * (high - low) * slopes.sign(), size)

    def into(self, points: Tensor, size: float) -> Tensor:
        """The nearest points of the box, `[N, P]`."""
        low, high = self.ends(size)
        return torch.maximum(torch.minimum(points, high), low)

    def spread(self, unit: Tensor, size: float) -> Tensor:
        """Points `[N, P + 1]` of the unit cube -> `[N, P]`; the last coordinate is left out."""
        low, high = self.ends(size)
        return low + (high - low) * unit[:, :-1]

    def corners(self, signs: Tensor, size: float) -> Tensor:
        """The corners in these directions, −1 or 1, `[N, P]`."""
        low, high = self.ends(size)
        return torch.where(signs < 0, low, high)


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """All points no further from `center` than the size, in shares of the searched ranges, which cut it off."""

    center: Tensor

    @property
    def largest(self) -> float:
        """The distance of the farthest corner."""
        return float(torch.maximum(self.center, 1 - self.center).norm())

    @property
    def free(self) -> list[int]:
        """The axes along which it has any width."""
        return list(range(len(self.center)))

    def size_of(self, points: Tensor) -> Tensor:
        """`[N, P]` -> the distance from the center, `[N]`."""
        distances: Tensor = (points - self.center).norm(dim=1)
        return distances

    def lowest(self, slopes: Tensor, size: float) -> Tensor:
        """Where in the region a linear function of each of these slopes `[N, P]` is lowest, `[N, P]`."""
        # Down the slope as far as the ends let it, every axis by itself; the factor is the one that meets the sphere.
        steepest = slopes.abs().amax(1, keepdim=True).clamp_min(_TINY)
        low, high = torch.full_like(steepest, _SLACK), torch.full_like(steepest, 1 / _SLACK)
        for _ in range(100):
            middle = (low * high).sqrt()
            outside = self.size_of((self.center - middle * slopes / steepest).clamp(0, 1))[:, None] > size
            low, high = torch.where(outside, low, middle), torch.where(outside, middle, high)
        return self.into(self.center - low * slopes / steepest, size)

    def stepped(self, points: Tensor, slopes: Tensor, size: float, step: float) -> Tensor:
        """Points `[N, P]` moved down the slope by a share `step` of the diameter, and back into the ball."""
        out = ((points <= 0) & (slopes > 0)) | ((points >= 1) & (slopes < 0))
        return self.into(points - step * 2 * size * _unit(torch.where(out, 0.0, slopes)), size)

    def into(self, points: Tensor, size: float) -> Tensor:
        """Within the ranges first, then straight toward the center, `[N, P]`."""
        away = points.clamp(0, 1) - self.center
        back: Tensor = self.center + away * (size / away.norm(dim=1, keepdim=True).clamp_min(_SLACK)).clamp_max(1)
        return back

    def spread(self, unit: Tensor, size: float) -> Tensor:
        """Points `[N, P + 1]` of the unit cube -> `[N, P]`: the last coordinate is how far, the others are whither."""
        directions = _unit(torch.special.ndtri(unit[:, :-1].clamp(1e-9, 1 - 1e-9)))
        return self.into(self.center + size * directions * unit[:, -1:] ** (1 / len(self.center)), size)


Shape = Box | Ball


def _unit(vectors: Tensor) -> Tensor:
    """`[N, P]` of length 1; zero stays zero."""
    turned: Tensor = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(_TINY)
    return turned
