"""Collects Python's cyclic garbage in the GUI's thread, and in no other.

Python collects in whichever thread happens to allocate. Where that is the worker's, widgets, table items and graphics
items that lie in a cycle are destroyed there while the GUI's thread is at work in Qt, which guards neither side: the
process ends with a segmentation fault (seen with PySide6 6.8, 6.10 and 6.11).
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QObject, QTimerEvent

__all__ = ["GarbageCollector", "collect_in_this_thread"]

#: Between two looks, in ms: seldom enough to cost nothing, often enough that a look takes a few milliseconds at most.
PERIOD: Final = 200


def collect_in_this_thread() -> None:
    """Collect garbage in this thread, which is the GUI's, until the application ends; further calls change nothing."""
    app = QCoreApplication.instance()
    assert app is not None
    if app.findChild(GarbageCollector) is None:
        GarbageCollector(app)


class GarbageCollector(QObject):
    """Takes the place of Python's automatic collection while it lives.

    Collects by Python's own thresholds, but from a timer. A collection that somebody asks for in another thread
    (`gc.collect()` in a library) finds nothing.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = threading.get_ident()
        self._old = 0  # objects that the last full collection left
        gc.disable()
        gc.callbacks.append(self._guard)
        self.startTimer(PERIOD)

    def close(self) -> None:
        """Leave collecting to Python again."""
        gc.callbacks.remove(self._guard)
        gc.enable()
        self.setParent(None)
        self.deleteLater()

    def timerEvent(self, event: QTimerEvent) -> None:
        """Collect what is due."""
        young, middle, old = (count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True))
        # A full collection looks at every module's objects too, for a fifth of a second: as Python does, only when
        # there is a quarter more than was left by the last one.
        if old and len(gc.get_objects(2)) > 1.25 * self._old:
            gc.collect()
            self._old = len(gc.get_objects(2))
        elif middle or old:
            gc.collect(1)
        elif young:
            gc.collect(0)

    def _guard(self, phase: str, info: Mapping[str, Any]) -> None:
        """Hide everything from a collection in another thread."""
        if threading.get_ident() != self._thread:
            gc.freeze() if phase == "start" else gc.unfreeze()
