"""A value that is read at a glance and typed with arithmetic: `2.1`, `x*1.1`, `3 EV`. Escape takes back the typing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QLineEdit

from driftlab.gui import theme
from driftlab.gui.numbers import evaluate, plain, written

__all__ = ["ValueEdit"]


class ValueEdit(QLineEdit):
    """Shows a number with its unit; with the focus, the number with all its digits."""

    typed = Signal(float)
    stepped = Signal(int)
    reset_asked = Signal()

    def __init__(self, unit: str, places: int, hard: tuple[float, float], *, integer: bool = False) -> None:
        super().__init__()
        self._unit, self._places, self._hard, self._integer = unit, places, hard, integer
        self._value = 0.0
        self._compact = False
        self._help = ""
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFont(theme.numeric(self.font()))
        self.editingFinished.connect(self._take)

    def fit(self, *values: float) -> None:
        """Be as wide as the longest of these values."""
        metrics = QFontMetrics(self.font())
        widths = [metrics.horizontalAdvance(written(value, self._places, self._unit)) for value in values]
        self.setFixedWidth(max(*widths, 40) + 14)

    def compact(self) -> None:
        """Write nothing smaller than the decimals: there is little room."""
        self._compact = True

    def show_value(self, value: float) -> None:
        """The number in force."""
        self._value = value
        self._mark("")
        if not self.isModified():
            self._write()

    def setToolTip(self, text: str) -> None:
        """What is shown unless what is typed is wrong."""
        self._help = text
        super().setToolTip(text)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """All digits, ready to be typed over."""
        super().focusInEvent(event)
        self._write()
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Rounded again."""
        super().focusOutEvent(event)
        self.setModified(False)
        self._mark("")
        self._write()

    def event(self, event: QEvent) -> bool:
        """Escape is its own while something is typed, whatever it is a shortcut for elsewhere."""
        own = (Qt.Key.Key_Escape, Qt.Key.Key_Up, Qt.Key.Key_Down)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in own:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down step, Escape takes back."""
        steps: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Up: lambda: self.stepped.emit(1),
            Qt.Key.Key_Down: lambda: self.stepped.emit(-1),
            Qt.Key.Key_Escape: self._take_back,
        }
        if event.key() in steps:
            steps[event.key()]()
        else:
            super().keyPressEvent(event)

    def _take_back(self) -> None:
        self.setModified(False)
        self._mark("")
        self._write()
        self.selectAll()

    def _take(self) -> None:
        if not self.isModified():
            return
        try:
            value = evaluate(self.text(), self._value, self._unit)
            if self._integer:
                value = float(round(value))
            low, high = self._hard
            if not low <= value <= high:
                raise ValueError(f"{plain(value)} is out of range: give {plain(low)} to {plain(high)} {self._unit}.")
        except ValueError as error:
            self._mark(str(error))
            return
        self.setModified(False)
        self._mark("")
        if value != self._value:
            self.typed.emit(value)
        self._write()

    def _write(self) -> None:
        shown = plain(self._value) if self.hasFocus() else written(self._value, self._places, self._unit)
        if not self.hasFocus() and self._compact and abs(self._value) < 0.5 * 10**-self._places:
            shown = "0" if self._value == 0 else "≈\u20090"
        self.setText(shown)
        self.setCursorPosition(0)

    def _mark(self, wrong: str) -> None:
        if bool(self.property("wrong")) != bool(wrong):
            self.setProperty("wrong", bool(wrong))
            self.style().unpolish(self)
            self.style().polish(self)
        super().setToolTip(wrong or self._help)
