"""A slider's track: the soft range, the tolerance, a tick at nominal, the handle; linear or logarithmic.

Click anywhere sets, Shift is ten times and Ctrl a tenth as far, the wheel only where the slider has the focus.
"""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider
from superqt.utils import signals_blocked

from driftlab.gui import theme
from driftlab.gui.widgets.band import Band, draw_band

__all__ = ["Track"]

#: Positions of the QSlider that screen readers and the keyboard of the platform see.
STEPS: Final = 1000
MARGIN: Final = 8
STEP_KEYS: Final = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_PageDown: -10,
    Qt.Key.Key_PageUp: 10,
}
OWN_KEYS: Final = frozenset({*STEP_KEYS, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Backspace, Qt.Key.Key_Delete})


class Track(QSlider):
    """A slider over numbers from `low` to `high`; values beyond them are shown at the end they lie behind."""

    moved = Signal(float)
    drag_began = Signal()
    drag_over = Signal()
    reset_asked = Signal()

    def __init__(self, low: float, high: float, *, log: bool = False, integer: bool = False) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._low, self._high, self._log, self._integer = low, high, log and low > 0, integer
        self._value = self._nominal = low
        self._sensitivity: float | None = None
        self.band: Band | None = None
        self._from: tuple[float, float] | None = None  # where a drag is: pointer, share of the track
        self.setRange(0, STEPS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.valueChanged.connect(self._step_to)

    def show_value(self, value: float, nominal: float) -> None:
        """Move the handle and the tick, without announcing it."""
        self._value, self._nominal = value, nominal
        with signals_blocked(self):
            self.setValue(round(self.share(value) * STEPS))
        self.update()

    def show_sensitivity(self, share: float | None) -> None:
        """The thin bar below: from −1 to 1 of the strongest, or None for not known."""
        if share != self._sensitivity:
            self._sensitivity = share
            self.update()

    def show_band(self, band: Band | None) -> None:
        """The tolerance on the track, or None where there is none."""
        if band != self.band:
            self.band = band
            self.update()

    def share(self, value: float) -> float:
        """Where on the track a value lies, 0 to 1."""
        if self._log:
            found = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        else:
            found = (value - self._low) / (self._high - self._low)
        return min(max(found, 0.0), 1.0)

    def at(self, share: float) -> float:
        """The value at a place of the track."""
        share = min(max(share, 0.0), 1.0)
        value = (
            self._low * (self._high / self._low) ** share if self._log else self._low + share * (self._high - self._low)
        )
        if self._integer:
            return float(round(value))
        # Not more digits than the track can tell apart: what is set is what is read.
        span = value if self._log else self._high - self._low
        return float(round(value, max(0, 4 - math.ceil(math.log10(abs(span) or 1.0)))))

    def sizeHint(self) -> QSize:
        """Wide enough to be set by hand."""
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        """Narrow, but still a track."""
        return QSize(56, 24)

    def _set(self, share: float) -> None:
        value = self.at(share)
        if value != self._value:
            self.show_value(value, self._nominal)
            self.moved.emit(value)

    def _step_to(self, position: int) -> None:
        """The platform (a screen reader, say) has moved the slider."""
        self._set(position / STEPS)

    def nudge(self, steps: float, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Step by hundredths of the track, with Shift tenths, with Ctrl thousandths."""
        scale = 10.0 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        scale *= 0.1 if modifiers & Qt.KeyboardModifier.ControlModifier else 1.0
        if self._integer:
            target = self._value + math.copysign(max(abs(steps) * scale, 1.0), steps)
            self._set(self.share(target))
        else:
            self._set(self.share(self._value) + steps * scale / 100)

    def event(self, event: QEvent) -> bool:
        """Its keys are its own while it has the focus, whatever they are shortcuts for elsewhere."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in OWN_KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows and pages step, Home and End go to the ends, Backspace resets."""
        key = Qt.Key(event.key())
        if key in STEP_KEYS:
            self.nudge(STEP_KEYS[key], event.modifiers())
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._set(float(key == Qt.Key.Key_End))
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.reset_asked.emit()
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the panel, unless this slider has the focus."""
        if not self.hasFocus():
            event.ignore()
            return
        turn = event.angleDelta().y() or event.angleDelta().x()
        self.nudge(turn / 120, event.modifiers())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag where the pointer is."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.drag_began.emit()
        x, share = event.position().x(), self.share(self._value)
        on_handle = abs(x - self._x(share)) <= 8
        fine = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if not on_handle and not fine:
            share = (x - MARGIN) / self._length()
            self._set(share)
        self._from = (x, share)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer; with Ctrl a tenth as far, with Shift ten times."""
        if self._from is None:
            return
        x, share = event.position().x(), self._from[1]
        modifiers = event.modifiers()
        scale = 0.1 if modifiers & Qt.KeyboardModifier.ControlModifier else 1.0
        scale *= 10.0 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        share += (x - self._from[0]) / self._length() * scale
        self._from = (x, share)
        self._set(share)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        if self._from is not None:
            self._from = None
            self.drag_over.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to nominal."""
        self.reset_asked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tolerance, groove, the way from nominal, tick, handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        middle = self.height() / 2 - 1
        nominal, handle = self._x(self.share(self._nominal)), self._x(self.share(self._value))
        if self.band is not None:
            draw_band(painter, self.band, lambda value: self._x(self.share(value)), middle)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("groove"))
        painter.drawRoundedRect(QRectF(MARGIN, middle - 1.5, self._length(), 3), 1.5, 1.5)
        painter.setBrush(theme.color("accent"))
        left, right = sorted((nominal, handle))
        painter.drawRect(QRectF(left, middle - 1.5, right - left, 3))
        painter.setPen(QPen(theme.color("nominal"), 2))
        painter.drawLine(QPointF(nominal, middle - 6), QPointF(nominal, middle + 6))
        outside = not self._low <= self._value <= self._high
        edge = theme.color("violated" if outside else "accent" if self.hasFocus() else "dim")
        painter.setPen(QPen(edge, 2 if self.hasFocus() or outside else 1))
        painter.setBrush(theme.color("accent" if self._from is not None else "handle"))
        painter.drawEllipse(QPointF(handle, middle), 5.5, 5.5)
        if self._sensitivity:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("increase" if self._sensitivity > 0 else "decrease"))
            width = abs(self._sensitivity) * self._length()
            painter.drawRect(QRectF(MARGIN, self.height() - 3, width, 2))
        painter.end()

    def _length(self) -> float:
        return max(self.width() - 2 * MARGIN, 1)

    def _x(self, share: float) -> float:
        return MARGIN + share * self._length()
