"""Bars of sensitivities to either side of zero, one a parameter; a click chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from driftlab.gui import theme

__all__ = ["SensitivityBar", "SensitivityBars"]

ROW: Final = 22


@dataclass(frozen=True)
class SensitivityBar:
    """One parameter: its share of the longest bar, −1 to 1, its number as text, and what a tooltip says."""

    key: str
    label: str
    share: float
    number: str
    help: str


class SensitivityBars(QWidget):
    """The bars, the longest first."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[SensitivityBar, ...] = ()
        self._selected = ""
        self.stale = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Sensitivities")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def show_rows(self, rows: Sequence[SensitivityBar]) -> None:
        """These bars, in their order."""
        self.rows, self.stale = tuple(rows), False
        self.setAccessibleDescription("; ".join(f"{row.label} {row.number}" for row in rows[:10]))
        self.updateGeometry()
        self.update()

    def show_selected(self, key: str) -> None:
        """Which one is chosen."""
        self._selected = key
        self.update()

    def show_stale(self) -> None:
        """What is shown is of earlier settings."""
        if not self.stale:
            self.stale = True
            self.update()

    def sizeHint(self) -> QSize:
        """As high as the rows."""
        return QSize(360, max(len(self.rows), 1) * ROW + 4)

    def minimumSizeHint(self) -> QSize:
        """Narrower."""
        return QSize(240, max(len(self.rows), 1) * ROW + 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        self._choose(int(event.position().y()) // ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down choose."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.key() in steps:
            keys = [row.key for row in self.rows]
            at = keys.index(self._selected) if self._selected in keys else -1
            self._choose(at + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """A tooltip a row."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = event.pos().y() // ROW
            QToolTip.showText(event.globalPos(), self.rows[index].help if 0 <= index < len(self.rows) else "", self)
            return True
        return super().event(event)

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self.rows):
            self.chosen.emit(self.rows[index].key)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Label, bar, number."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = theme.numeric(self.font())
        painter.setFont(font)
        metrics = QFontMetrics(font)
        labels = min(max((metrics.horizontalAdvance(row.label) for row in self.rows), default=0) + 8, self.width() // 2)
        numbers = max((metrics.horizontalAdvance(row.number) for row in self.rows), default=0) + 8
        bars = QRectF(8 + labels, 0, max(self.width() - labels - numbers - 24, 20), ROW)
        zero = bars.center().x()
        middle = Qt.AlignmentFlag.AlignVCenter
        for index, row in enumerate(self.rows):
            top = index * ROW
            if row.key == self._selected:
                painter.fillRect(QRectF(0, top, self.width(), ROW), theme.color("button"))
                painter.fillRect(QRectF(0, top, 3, ROW), theme.color("accent"))
            painter.setPen(theme.color("dim" if self.stale else "text"))
            label = metrics.elidedText(row.label, Qt.TextElideMode.ElideRight, labels)
            painter.drawText(QRectF(8, top, labels, ROW), middle, label)
            painter.drawText(
                QRectF(bars.right() + 8, top, numbers, ROW), middle | Qt.AlignmentFlag.AlignRight, row.number
            )
            name = "nominal" if self.stale else "increase" if row.share > 0 else "decrease"
            width = row.share * bars.width() / 2
            painter.fillRect(QRectF(min(zero, zero + width), top + 5, abs(width), ROW - 10), theme.color(name))
        painter.setPen(QPen(theme.color("line"), 1))
        painter.drawLine(QPointF(zero, 0), QPointF(zero, len(self.rows) * ROW))
        painter.end()
