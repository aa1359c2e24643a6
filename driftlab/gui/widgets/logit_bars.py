"""Bars of logits: now over nominal, with value, change and probability in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from driftlab.gui import theme
from driftlab.gui.numbers import change, written

__all__ = ["BarRow", "LogitBars"]

ROW: Final = 26
SWATCH: Final = 10


@dataclass(frozen=True)
class BarRow:
    """One class: its value now and nominally, and what else is said of it on the right."""

    label: str
    now: float
    nominal: float | None
    note: str = ""
    color: QColor | None = None  # of its swatch, where it has one elsewhere too


class LogitBars(QWidget):
    """Rows of bars on one scale that holds zero."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[BarRow, ...] = ()
        self._places = 2
        self._stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[BarRow], *, places: int = 2, stale: bool = False) -> None:
        """These rows, in their order."""
        if len(rows) != len(self._rows):
            self.updateGeometry()
        self._rows, self._places, self._stale = tuple(rows), places, stale
        self.setAccessibleDescription("; ".join(f"{row.label} {written(row.now, places)}" for row in rows))
        self.update()

    def show_stale(self, stale: bool) -> None:
        """Whether what is shown is of earlier settings."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(360, max(len(self._rows), 3) * ROW)

    def minimumSizeHint(self) -> QSize:
        """Narrower."""
        return QSize(280, max(len(self._rows), 3) * ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Label, bars, numbers."""
        if not self._rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = theme.numeric(self.font())
        painter.setFont(font)
        metrics = QFontMetrics(font)
        values = [value for row in self._rows for value in (row.now, row.nominal) if value is not None]
        low, high = min(*values, 0.0), max(*values, 1e-9)
        swatch = SWATCH + 6 if any(row.color is not None for row in self._rows) else 0
        widest = max(metrics.horizontalAdvance(row.label) for row in self._rows)
        label_width = min(widest + swatch + 12, self.width() * 0.34)
        number = metrics.horizontalAdvance("−00.00") + 8
        note = max((metrics.horizontalAdvance(row.note) for row in self._rows), default=0) + 12
        bars = QRectF(label_width + 8, 0, max(self.width() - label_width - 2 * number - note - 24, 40), ROW)
        for index, row in enumerate(self._rows):
            self._draw_row(painter, row, index * ROW, bars, (low, high), number, note, metrics)
        painter.end()

    def _draw_row(
        self,
        painter: QPainter,
        row: BarRow,
        top: float,
        bars: QRectF,
        span: tuple[float, float],
        number: float,
        note: float,
        metrics: QFontMetrics,
    ) -> None:
        def x(value: float) -> float:
            return bars.left() + (value - span[0]) / (span[1] - span[0]) * bars.width()

        def bar(value: float, y: float, height: float) -> QRectF:
            left, right = sorted((x(0.0), x(value)))
            return QRectF(left, top + y, max(right - left, 1), height)

        middle = Qt.AlignmentFlag.AlignVCenter
        text = theme.color("dim" if self._stale else "text")
        painter.setPen(text)
        start = 4.0
        if row.color is not None:
            painter.fillRect(QRectF(4, top + (ROW - SWATCH) / 2, SWATCH, SWATCH), row.color)
            start += SWATCH + 6
        label = metrics.elidedText(row.label, Qt.TextElideMode.ElideRight, int(bars.left() - start - 8))
        painter.drawText(QRectF(start, top, bars.left() - start - 4, ROW), middle, label)
        painter.setPen(Qt.PenStyle.NoPen)
        if row.nominal is not None:
            painter.setBrush(theme.color("nominal", 0.5 if self._stale else 0.85))
            painter.drawRect(bar(row.nominal, ROW - 9, 4))
        painter.setBrush(theme.color("nominal" if self._stale else "accent", 0.6 if self._stale else 1.0))
        painter.drawRect(bar(row.now, 5, ROW - 15))
        right = middle | Qt.AlignmentFlag.AlignRight
        painter.setPen(text)
        left = bars.right() + 4
        painter.drawText(QRectF(left, top, number, ROW), right, written(row.now, self._places))
        if row.nominal is not None and not self._stale:
            moved = row.now - row.nominal
            shown = change(moved, self._places)
            flat = abs(moved) < 0.5 * 10**-self._places
            painter.setPen(theme.color("dim" if flat else "increase" if moved > 0 else "decrease"))
            painter.drawText(QRectF(left + number, top, number + 4, ROW), right, "" if flat else shown)
        painter.setPen(text)
        painter.drawText(QRectF(left + 2 * number + 4, top, note, ROW), right, row.note)
