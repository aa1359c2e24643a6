"""What is painted over a picture: badges, the divider, the region, the model's frames. In widget coordinates."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from driftlab.gui import theme

__all__ = ["badge", "banner", "draw_boxes", "draw_divider", "draw_region"]

SHADE = QColor(0, 0, 0, 150)
LIGHT = QColor(255, 255, 255, 230)


def badge(painter: QPainter, corner: QPointF, text: str, *, right: bool = False, bottom: bool = False) -> None:
    """A word on a dark ground, with its top left (or right, or bottom) corner here."""
    size = painter.fontMetrics().size(0, text)
    rect = QRectF(corner.x(), corner.y(), size.width() + 12, size.height() + 6)
    if right:
        rect.moveRight(corner.x())
    if bottom:
        rect.moveBottom(corner.y())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(SHADE)
    painter.drawRoundedRect(rect, 4, 4)
    painter.setPen(LIGHT)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def banner(painter: QPainter, width: float, lines: Sequence[str], *, faded: bool = False) -> None:
    """A strip along the upper edge that says what is shown instead of the picture; the first line weighs more."""
    metrics, font = painter.fontMetrics(), painter.font()
    high = metrics.height()
    painter.fillRect(QRectF(0, 0, width, len(lines) * high + 12), theme.color("base"))
    painter.fillRect(QRectF(0, len(lines) * high + 12, width, 2), theme.color("violated"))
    painter.setPen(theme.color("dim" if faded else "text"))
    for number, line in enumerate(lines):
        heavy = painter.font()
        heavy.setBold(number == 0)
        painter.setFont(heavy)
        shown = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, int(width - 24))
        painter.drawText(QRectF(12, 6 + number * high, width - 24, high), Qt.AlignmentFlag.AlignVCenter, shown)
    painter.setFont(font)


def draw_divider(painter: QPainter, x: float, height: float) -> None:
    """The line between nominal and now, with a grip."""
    painter.setPen(QPen(SHADE, 3))
    painter.drawLine(QPointF(x, 0), QPointF(x, height))
    painter.setPen(QPen(LIGHT, 1))
    painter.drawLine(QPointF(x, 0), QPointF(x, height))
    painter.setBrush(LIGHT)
    painter.setPen(QPen(SHADE, 1))
    painter.drawRoundedRect(QRectF(x - 4, height / 2 - 14, 8, 28), 4, 4)


def draw_region(painter: QPainter, rect: QRectF, active: bool, text: str) -> None:
    """The part that the model is given; with grips where it can be dragged."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(SHADE, 3))
    painter.drawRect(rect)
    painter.setPen(QPen(theme.color("accent") if active else LIGHT, 1.5))
    painter.drawRect(rect)
    if active:
        painter.setBrush(LIGHT)
        painter.setPen(QPen(SHADE, 1))
        for corner in (rect.topLeft(), rect.topRight(), rect.bottomLeft(), rect.bottomRight()):
            painter.drawRect(QRectF(corner.x() - 4, corner.y() - 4, 8, 8))
        badge(painter, rect.topLeft() - QPointF(0, 6), text, bottom=True)


def draw_boxes(painter: QPainter, boxes: Sequence[QRectF]) -> None:
    """Where the model looks, dashed."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for box in boxes:
        painter.setPen(QPen(SHADE, 2.5))
        painter.drawRect(box)
        painter.setPen(QPen(LIGHT, 1, Qt.PenStyle.DashLine))
        painter.drawRect(box)
