"""A key that does something for as long as it is held down, wherever in a window the focus is.

A shortcut tells that it is pressed; only then are the application's events looked through for its release. To look
through all of them all the time would cost a drag a part of its pictures.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

__all__ = ["HeldKey"]


class HeldKey(QObject):
    """Belongs to a window, and ends with it."""

    changed = Signal(bool)  # whether it is down

    def __init__(self, key: Qt.Key, window: QWidget) -> None:
        super().__init__(window)
        self._key, self._down = key, False
        shortcut = QShortcut(QKeySequence(key), window)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(self._press)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The release, or another program that takes the keyboard away."""
        released = isinstance(event, QKeyEvent) and event.key() == self._key and not event.isAutoRepeat()
        if event.type() == QEvent.Type.ApplicationDeactivate or (event.type() == QEvent.Type.KeyRelease and released):
            self.release()
        return False

    def _press(self) -> None:
        if not self._down:
            self._down = True
            QGuiApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
            self.changed.emit(True)

    def release(self) -> None:
        """As if it were let go."""
        if self._down:
            self._down = False
            QGuiApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
            self.changed.emit(False)
