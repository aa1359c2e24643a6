"""Dropping files on the window: says what a drop will do while it hovers, and does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from driftlab.gui.sorting import Sorted

__all__ = ["Dropping"]


class Dropping(QObject):
    """Takes the drags and drops of a widget; lives in the GUI's thread."""

    hovered = Signal(str)  # what a drop would do or why it would do nothing; empty when there is none any more
    dropped = Signal(object)  # the paths, as a list

    def __init__(self, target: QWidget, sort: Callable[[list[Path]], Sorted]) -> None:
        super().__init__(target)
        self._sort = sort
        target.setAcceptDrops(True)
        target.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Drags and drops alone."""
        if isinstance(event, QDragEnterEvent):
            found = self._sort(_paths(event))
            self.hovered.emit(found.sentence())
            event.setAccepted(found.opens)
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.hovered.emit("")
            return True
        if event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            self.hovered.emit("")
            event.acceptProposedAction()
            self.dropped.emit(_paths(event))
            return True
        return False


def _paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
