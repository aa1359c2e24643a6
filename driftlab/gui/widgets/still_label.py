"""A label whose room is that of its widest text: another text moves nothing, and costs no layout of the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLabel

__all__ = ["StillLabel"]


class StillLabel(QLabel):
    """For what changes many times a second."""

    def __init__(self, widest: str) -> None:
        super().__init__()
        self._widest = widest
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another font needs another room."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
        super().changeEvent(event)

    def _fit(self) -> None:
        size = self.fontMetrics().size(0, self._widest)
        # Qt lays nothing out anew for a widget that has only one size.
        self.setFixedSize(size.width() + 4, size.height() + 2)
