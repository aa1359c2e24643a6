"""What is known of every picture's score along one axis, and what may be expected of it in between and beyond.

Places are shares of the axis's range. Expectations only say where to look next and whom to ask first; nothing is
reported of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from driftlab.analysis.axes import Axis

__all__ = ["Margins", "Place"]


@dataclass(slots=True, eq=False)
class Place:
    """One position of an axis: `scores` `[N]` are not a number where a picture has not been asked, `tops` −1."""

    share: float
    position: float
    scores: Tensor
    tops: Tensor

    @property
    def asked(self) -> Tensor:
        """Which pictures have been asked, `[N]`."""
        return ~self.scores.isnan()


@dataclass(slots=True, eq=False)
class Margins:
    """The places of an axis that were looked at, and where it is known d score / d share at the nominal one, `[N]`."""

    axis: Axis
    nominal: Place
    slopes: Tensor | None
    places: dict[float, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places[self.nominal.position] = self.nominal

    def at(self, share: float) -> Place:
        """The place nearest to a share of the range, made where there is none."""
        position = self.axis.at_share(share)
        if position not in self.places:
            unknown = torch.full_like(self.nominal.scores, torch.nan)
            tops = torch.full_like(self.nominal.tops, -1)
            self.places[position] = Place(self.axis.to_share(position), position, unknown, tops)
        return self.places[position]

    def sorted(self) -> list[Place]:
        """The places by their positions."""
        return [self.places[position] for position in sorted(self.places)]

    def expected(self, share: float) -> Tensor:
        """The scores `[N]` to expect: what is known there; else by a parabola through what is known around, or a line.

        Of several parabolas it is the straightest, which does not reach across a kink (Harten et al., Uniformly high
        order accurate essentially non-oscillatory schemes, 1987). Beyond what is known it goes on as steeply as it
        came, or as the nominal slope says.
        """
        place = self.places.get(self.axis.at_share(share))
        below, above = ([_Near.nowhere(self.nominal.scores) for _ in range(2)] for _ in range(2))
        for each in self.sorted():
            if each.share < share:
                below = [_Near.of(each, below[0]), below[1].where(each, below[0])]
        for each in reversed(self.sorted()):
            if each.share > share:
                above = [_Near.of(each, above[0]), above[1].where(each, above[0])]
        found = self._between(share, below, above)
        return found if place is None else torch.where(place.asked, place.scores, found)

    def _between(self, share: float, below: list[_Near], above: list[_Near]) -> Tensor:
        (a2, a), (b, b2) = (below[1], below[0]), (above[0], above[1])
        apart = b.share - a.share
        secant = (b.score - a.score) / apart
        bends = [_second_difference(a, b, third) for third in (a2, b2)]
        if self.slopes is not None:
            bends.append(torch.where(a.share == self.nominal.share, (secant - self.slopes) / apart, torch.nan))
            bends.append(torch.where(b.share == self.nominal.share, (self.slopes - secant) / apart, torch.nan))
        bend = _smallest(bends)
        found = a.score + secant * (share - a.share) + bend * (share - a.share) * (share - b.share)
        for near, far in ((a, a2), (b, b2)):
            steep = (near.score - far.score) / (near.share - far.share)
            if self.slopes is not None:
                steep = torch.where(near.share == self.nominal.share, self.slopes, steep)
            beyond = near.score + steep.nan_to_num(0.0) * (share - near.share)
            found = torch.where(found.isnan(), beyond, found)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """The nearest known place of every picture, its share and its score `[N]`; not a number where there is none."""

    share: Tensor
    score: Tensor

    @classmethod
    def nowhere(cls, like: Tensor) -> _Near:
        return cls(torch.full_like(like, torch.nan), torch.full_like(like, torch.nan))

    @classmethod
    def of(cls, place: Place, before: _Near) -> _Near:
        share = torch.full_like(place.scores, place.share)
        return cls(torch.where(place.asked, share, before.share), torch.where(place.asked, place.scores, before.score))

    def where(self, place: Place, nearest: _Near) -> _Near:
        """The second nearest, once `place` is the nearest of those that were asked there."""
        return _Near(
            torch.where(place.asked, nearest.share, self.share), torch.where(place.asked, nearest.score, self.score)
        )

    @property
    def known(self) -> Tensor:
        return ~self.score.isnan()


def _second_difference(a: _Near, b: _Near, c: _Near) -> Tensor:
    """The divided difference of three places: half the second derivative of the parabola through them."""
    first = (b.score - a.score) / (b.share - a.share)
    second = (c.score - b.score) / (c.share - b.share)
    return (second - first) / (c.share - a.share)


def _smallest(bends: Sequence[Tensor]) -> Tensor:
    """Of several numbers `[N]` the smallest in size, none where none is known."""
    found = torch.stack([*bends])
    sizes = found.abs().nan_to_num(torch.inf)
    return found.gather(0, sizes.argmin(0, keepdim=True))[0].nan_to_num(0.0)
