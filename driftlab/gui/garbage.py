"""Collects Python's cyclic garbage in the GUI's thread, and in no other.

Python collects in whichever thread happens to allocate. Where that is the worker's, widgets, table items and graphics
items that lie in a cycle are destroyed there while the GUI's thread is at work in Qt, which guards neither side: the
process ends with a segmentation fault (seen with PySide6 6.8, 6.10 and 6.11).
"""

from __future__ import annotations

import gc
import threading
from typing import Final

from PySide6.QtCore import QCoreApplication, QObject, QTimerEvent

__all__ = ["GarbageCollector", "collect_in_this_thread"]

#: Between two looks, in ms: seldom enough to cost nothing, often enough that a look takes a few milliseconds at most.
PERIOD: Final = 200
#: Young collections to a middle one, and middle ones to the question whether a full one is due.
MIDDLE: Final = 5
FULL: Final = 5
#: Growth of what the last full collection left, from which on the next one is due: Python's own rule. It looks at the
#: objects of every module too, which takes a tenth of a second.
GROWTH: Final = 1.25


def collect_in_this_thread() -> None:
    """Collect garbage in this thread, which is the GUI's, until the application ends; further calls change nothing."""
    app = QCoreApplication.instance()
    assert app is not None
    if app.findChild(GarbageCollector) is None:
        GarbageCollector(app)


class GarbageCollector(QObject):
    """Takes the place of Python's automatic collection while it lives, from a timer.

    A collection that somebody asks for in another thread, by `gc.collect()`, does nothing.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = threading.get_ident()
        self._young = self._middle = 0  # collections since the last larger one
        self._old = 0  # objects that the last full collection left
        self._collect = gc.collect
        gc.collect = self._collect_here
        gc.disable()
        self.startTimer(PERIOD)

    def close(self) -> None:
        """Leave collecting to Python again."""
        gc.collect = self._collect
        gc.enable()
        self.setParent(None)
        self.deleteLater()

    def timerEvent(self, event: QTimerEvent) -> None:
        """Look whether anything is due."""
        self.look()

    def look(self) -> None:
        """Collect what is due."""
        gc.disable()  # somebody may have switched it on again
        if gc.get_count()[0] <= gc.get_threshold()[0]:
            return
        self._young += 1
        if self._young < MIDDLE:
            self._collect(0)
            return
        self._young, self._middle = 0, self._middle + 1
        if self._middle >= FULL:
            self._middle = 0
            if len(gc.get_objects(2)) > GROWTH * self._old:
                self._collect()
                self._old = len(gc.get_objects(2))
                return
        self._collect(1)

    def _collect_here(self, generation: int = 2) -> int:
        return self._collect(generation) if threading.get_ident() == self._thread else 0
