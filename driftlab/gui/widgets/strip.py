"""A strip of the last values of a number, with zero and the places where the decision changed."""

from __future__ import annotations

from collections import deque
from typing import Final

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from driftlab.gui import theme

__all__ = ["Strip"]

LENGTH: Final = 240


class Strip(QWidget):
    """The newest value is on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._values: deque[tuple[float, bool]] = deque(maxlen=LENGTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Margin over the last answers")
        self.setToolTip("The margin of the last answers; a line marks where the decision changed")

    def add(self, value: float, flipped: bool) -> None:
        """One more value."""
        self._values.append((value, flipped))
        self.update()

    def clear(self) -> None:
        """Forget them."""
        self._values.clear()
        self.update()

    def sizeHint(self) -> QSize:
        """A line high."""
        return QSize(200, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line of values from the left, flips upright."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = self.height() - 3.0
        painter.setPen(QPen(theme.color("line"), 1))
        painter.drawLine(QPointF(0, bottom), QPointF(self.width(), bottom))
        if self._values:
            highest = max(max(value for value, _ in self._values), 1e-9)
            step = self.width() / LENGTH
            points = []
            for index, (value, flipped) in enumerate(self._values):
                x = self.width() - 4 - (len(self._values) - 1 - index) * step
                points.append(QPointF(x, bottom - max(value, 0) / highest * (self.height() - 8)))
                if flipped:
                    painter.setPen(QPen(theme.color("violated"), 1.5))
                    painter.drawLine(QPointF(x, 2), QPointF(x, bottom))
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF(points))
            painter.setBrush(theme.color("accent"))
            painter.drawEllipse(points[-1], 2.5, 2.5)
        painter.end()
