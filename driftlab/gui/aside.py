"""A search that is done aside: begun, held while something else matters more, gone on with, ended. One a kind of job.

Lives in the GUI's thread; what it searches runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QObject, Signal

from driftlab.gui.resumable import Resumable
from driftlab.gui.worker import Worker

__all__ = ["Aside"]

#: Of no request: what is held or ended delivers nothing more.
NONE = -1


class Aside(QObject):
    """The one search of its kind."""

    delivered = Signal(object)
    failed = Signal(object)  # exception
    #: It is over: complete (True), or ended by whoever canceled it (False).
    ended = Signal(bool)

    def __init__(self, worker: Worker, kind: str) -> None:
        super().__init__()
        self._worker, self._kind = worker, kind
        self._search: Resumable[Any] | None = None
        self._generation = NONE
        worker.delivered.connect(self._deliver)
        worker.finished.connect(self._finish)
        worker.dropped.connect(self._drop)
        worker.failed.connect(self._fail)

    @property
    def running(self) -> bool:
        """Whether it is on its way, waits for its turn, or is held."""
        return self._search is not None

    def begin(self, make: Callable[[], Iterator[Any]]) -> None:
        """Search anew; what was on its way is over."""
        self._search = Resumable(make, lambda: bool(self._worker.busy - {self._kind}))
        self.go_on()

    def hold(self) -> None:
        """Let go of the worker's thread until `go_on`."""
        if self._search is not None:
            self._generation = NONE
            self._worker.cancel(self._kind)

    def go_on(self) -> None:
        """From where it stopped."""
        if self._search is not None:
            self._generation = self._worker.submit(self._kind, self._search)

    def stop(self) -> None:
        """End it; nothing is told of it."""
        self.hold()
        self._search = None

    def _is_mine(self, kind: str, generation: int) -> bool:
        return kind == self._kind and generation == self._generation

    def _deliver(self, kind: str, generation: int, item: Any) -> None:
        if item is not None and self._is_mine(kind, generation):
            self.delivered.emit(item)

    def _finish(self, kind: str, generation: int) -> None:
        if not self._is_mine(kind, generation) or self._search is None:
            return
        if self._search.done:
            self._search = None
            self.ended.emit(True)
        else:
            self.go_on()  # after those that waited

    def _drop(self, kind: str, generation: int) -> None:
        if self._is_mine(kind, generation):
            self._search = None
            self.ended.emit(False)

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if self._is_mine(kind, generation):
            self._search = None
            self.failed.emit(error)
