"""Curves and maps told apart, without the classes that need torch, and what they say at a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from driftlab.gui.numbers import written

if TYPE_CHECKING:
    from driftlab.analysis.axes import Axis
    from driftlab.analysis.sweep import Curve, Map

__all__ = ["answer_at", "axes_in", "is_curve", "is_map"]


def is_map(found: Curve | Map) -> TypeGuard[Map]:
    """Whether it is over two parameters."""
    return hasattr(found, "across")


def is_curve(found: Curve | Map) -> TypeGuard[Curve]:
    """Whether it is along one."""
    return hasattr(found, "axis")


def axes_in(found: Curve | Map) -> tuple[Axis, ...]:
    """Its one axis, or its two."""
    if is_curve(found):
        return (found.axis,)
    return (found.across, found.up) if is_map(found) else ()


def answer_at(found: Curve | Map, places: tuple[float, ...]) -> str:
    """The point or cell that is nearest to these positions, in words."""
    if is_map(found):
        row, column = (
            min(range(len(at)), key=lambda number: abs(at[number] - place))
            for at, place in ((found.up_at, places[1]), (found.across_at, places[0]))
        )
        return _told(found, int(found.tops[row, column]), float(found.scores[row, column]))
    if not is_curve(found):
        return ""
    point = min(found.points, key=lambda each: abs(each.position - places[0]))
    if len(point.scores) == 1:
        return _told(found, point.tops[0], point.scores[0])
    return f"{written(point.metric, 3)}, surely {written(point.low, 3)} to {written(point.high, 3)}"


def _told(found: Curve | Map, top: int, score: float) -> str:
    if score != score:
        return "not known yet"
    return f"{f'{found.labels[top]}, margin' if top >= 0 else 'IoU'} {written(score, 2)}"
