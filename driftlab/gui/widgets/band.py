"""The tolerance of one parameter, drawn on its slider's track. Knows numbers, and nothing of how they were found.

Filled where it holds, hatched where nobody has looked yet or the search ended first, a line where it was first seen to
fail, small ends where the searched range ends; gray all over where it is of something else than what is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from driftlab.gui import theme

__all__ = ["Band", "draw_band"]

#: Half the height of the band.
HALF: Final = 4.0


@dataclass(frozen=True)
class Band:
    """A tolerance in the parameter's own values, and what a tooltip says of it.

    `safe` is None while nothing is known but that `searched` will be. `fails` are the nearest values below and above
    that were seen to fail; between them and `safe` nobody has looked. `again` are intervals beyond, where it was seen
    to hold again. `sure` is False where the search ended before it was done.
    """

    searched: tuple[float, float]
    safe: tuple[float, float] | None = None
    fails: tuple[float | None, float | None] = (None, None)
    again: tuple[tuple[float, float], ...] = ()
    sure: bool = True
    stale: bool = False
    help: str = ""


def draw_band(painter: QPainter, band: Band, x: Callable[[float], float], middle: float) -> None:
    """Draw it around the line at height `middle`; `x` is where a value lies."""
    holds = theme.color("nominal" if band.stale else "holds")
    low, high = x(band.searched[0]), x(band.searched[1])

    def fill(left: float, right: float, brush: QBrush) -> None:
        if right > left:
            painter.fillRect(QRectF(left, middle - HALF, right - left, 2 * HALF), brush)

    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    if band.safe is None:
        fill(low, high, _hatched(holds))
    else:
        first, last = x(band.safe[0]), x(band.safe[1])
        below, above = (end if fails is None else x(fails) for end, fails in zip((low, high), band.fails, strict=True))
        fill(first, last, QBrush(_pale(holds, 0.55)))
        if not band.sure:
            fill(first, last, _hatched(theme.color("window")))
        fill(below, first, _hatched(holds))
        fill(last, above, _hatched(holds))
        for begin, end in band.again:
            fill(x(begin), x(end), QBrush(_pale(holds, 0.25)))
    painter.setPen(QPen(theme.color("dim"), 1))
    for at in (low, high):
        painter.drawLine(QPointF(at, middle - HALF), QPointF(at, middle + HALF))
    painter.setPen(QPen(theme.color("nominal" if band.stale else "violated"), 2))
    for fails in band.fails:
        if fails is not None:
            painter.drawLine(QPointF(x(fails), middle - HALF - 3), QPointF(x(fails), middle + HALF + 3))
    painter.restore()


def _pale(color: QColor, alpha: float) -> QColor:
    color.setAlphaF(alpha)
    return color


def _hatched(color: QColor) -> QBrush:
    return QBrush(_pale(QColor(color), 0.6), Qt.BrushStyle.BDiagPattern)
