"""Axes: the parameters that a search moves, over which range, and in which unit.

Where the pictures share one nominal value an axis is in the parameter's own unit. Where every picture has its own (as
shot), one number for all would be no displacement: the axis is then a factor of nominal, or an offset from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.isp.linearized import Active, actives
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Gradient, Param

__all__ = ["Axis", "axes_of", "parse_ranges"]

Kind = Literal["value", "factor", "offset"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the range of its positions, `low` to `high`, in `unit`, with `nominal` within it.

    A position is the parameter's value, or a factor of each picture's nominal value, or an offset from it. `steps` of
    the range are equal in `to_share`, which is logarithmic where the parameter's slider is.
    """

    key: str
    param: Param
    kind: Kind
    nominal: float
    low: float
    high: float
    gradient: Gradient

    @property
    def unit(self) -> str:
        """Of the positions: the parameter's own, or "× nominal"."""
        return "× nominal" if self.kind == "factor" else self.param.unit

    @property
    def log(self) -> bool:
        """Whether equal steps are equal factors."""
        return self.param.log and self.kind != "offset" and self.low > 0

    def to_share(self, position: float) -> float:
        """Where in the range a position lies, 0 at `low` to 1 at `high`."""
        if self.log:
            return math.log(position / self.low) / math.log(self.high / self.low)
        return (position - self.low) / (self.high - self.low)

    def at_share(self, share: float) -> float:
        """The position at a share of the range; the ends and, for whole numbers, the nearest are met exactly."""
        if share <= 0 or share >= 1:
            return self.low if share <= 0 else self.high
        between = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        return float(round(between)) if self.param.integer else between

    def rate(self, position: float) -> float:
        """D position / d share."""
        return position * math.log(self.high / self.low) if self.log else self.high - self.low

    def values(self, positions: Tensor, nominal: float) -> Tensor:
        """The parameter's values at `positions`, for a picture of this nominal value."""
        if self.kind == "value":
            return positions
        moved = positions * nominal if self.kind == "factor" else positions + nominal
        return moved.clamp(*self.param.hard)  # a rounding beyond the end

    def slope(self, nominal: float) -> float:
        """D value / d position."""
        return nominal if self.kind == "factor" else 1.0


def axes_of(nominals: Sequence[Settings], wanted: Mapping[str, tuple[float, float] | None] | None = None) -> list[Axis]:
    """The axes of a search over pictures with these nominal settings, in the order of the pipeline.

    `wanted` gives for each key the range of its positions, or None for the usual range of its slider, widened to the
    nominal value; without it all active parameters are taken but single weights and whole numbers. Raises AnalysisError
    for a key that has no effect under these settings, or whose range leaves out the nominal value; IspError for one
    that the pipeline lacks.
    """
    pipeline = nominals[0].pipeline
    if any(each.pipeline is not pipeline for each in nominals):
        raise AnalysisError("The pictures have settings of several pipelines: give all of them one with --pipeline.")
    found = _common(nominals)
    if wanted is None:
        usual = (each for each in found.values() if not (each.param.advanced or each.param.integer))
        return [_axis(each, nominals, None) for each in usual]
    for key in wanted:
        if key not in pipeline.keys:
            nominals[0].changed({key: 0.0})  # says what is near
        if not isinstance(pipeline.keys[key], Param):
            raise AnalysisError(f"'{key}' is a choice, which has no range: name a parameter with numbers.")
        if key not in found:
            raise AnalysisError(
                f"'{key}' has no effect under these settings: choose another parameter, or switch its stage on."
            )
    return [_axis(each, nominals, wanted[key]) for key, each in found.items() if key in wanted]


def parse_ranges(texts: Iterable[str]) -> dict[str, tuple[float, float] | None]:
    """`KEY=LO:HI` or `KEY` -> what `axes_of` takes. Raises AnalysisError."""
    ranges: dict[str, tuple[float, float] | None] = {}
    for text in texts:
        key, equals, span = (part.strip() for part in text.partition("="))
        if key in ranges:
            raise AnalysisError(f"'{key}' is given twice: give each parameter once.")
        if not equals:
            ranges[key] = None
            continue
        try:
            low, high = (float(part) for part in span.split(":"))
        except ValueError:
            low = high = math.nan
        if not -math.inf < low < high < math.inf:
            raise AnalysisError(f"'{text}' is no range: write it as KEY=LO:HI, for example white_balance.r=1.5:2.5.")
        ranges[key] = low, high
    return ranges


def _common(nominals: Sequence[Settings]) -> dict[str, Active]:
    """The parameters that are active for all pictures."""
    first, *others = ({each.key: each for each in actives(settings)} for settings in nominals)
    return {key: each for key, each in first.items() if all(key in other for other in others)}


def _axis(active: Active, nominals: Sequence[Settings], span: tuple[float, float] | None) -> Axis:
    key, param = active.key, active.param
    values = [settings.number(key) for settings in nominals]
    kind: Kind = "value"
    if min(values) != max(values):
        whole = param.low > 0 and min(values) > 0 and (param.log or not param.unit)
        kind = "factor" if whole else "offset"
    nominal = {"value": values[0], "factor": 1.0, "offset": 0.0}[kind]
    usual, hard = (
        (
            max(_position(kind, low, value) for value in values),
            min(_position(kind, high, value) for value in values),
        )
        for low, high in ((param.low, param.high), param.hard)
    )
    if span is None:
        span = min(usual[0], nominal), max(usual[1], nominal)
    unit = "× nominal" if kind == "factor" else param.unit
    if not hard[0] <= span[0] < span[1] <= hard[1]:
        raise AnalysisError(
            f"{key} can't be searched from {span[0]:g} to {span[1]:g}: give a range within "
            f"{hard[0]:g}:{hard[1]:g}{' ' + unit if unit else ''}."
        )
    if not span[0] <= nominal <= span[1]:
        raise AnalysisError(
            f"{key} is nominally {nominal:g}{' ' + unit if unit else ''}, outside {span[0]:g}:{span[1]:g}: "
            f"give a range that holds it."
        )
    return Axis(key, param, kind, nominal, *span, active.kind)


def _position(kind: Kind, value: float, nominal: float) -> float:
    return {"value": value, "factor": value / nominal if nominal else 0.0, "offset": value - nominal}[kind]


def positions_of(axes: Sequence[Axis]) -> Tensor:
    """The nominal position of every axis, `[P]`."""
    return torch.tensor([axis.nominal for axis in axes], dtype=torch.float64)


def spread(axes: Sequence[Axis], shares: Tensor) -> Iterator[list[float]]:
    """Shares `[N, P]` of the axes' ranges -> positions, a row at a time."""
    for row in shares.tolist():
        yield [axis.at_share(share) for axis, share in zip(axes, row, strict=True)]
