"""Searches done aside: begun a moment after their question came up, held while a slider moves, gone on with.

One of these for each kind of job. Lives in the GUI's thread; what it searches runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, Self, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from driftlab.gui.resumable import Resumable
from driftlab.gui.worker import Worker

__all__ = ["Aside"]

#: Of no request: what is held or ended delivers nothing more.
NONE = -1


class Asked(Protocol):
    """What a search is an answer to."""

    def same(self, other: Self | None) -> bool:
        """Whether the answer is the same."""


Q = TypeVar("Q", bound=Asked)


class _Signals(QObject):
    """Those of an `Aside`, which as a generic class can't be a QObject itself."""

    delivered = Signal(object)
    failed = Signal(object)  # exception
    changed = Signal()  # begun, ended or canceled


class Aside(Generic[Q]):
    """The one search of its kind, `make(question)`, and what has become of it."""

    def __init__(
        self, parent: QObject, worker: Worker, kind: str, pause: int, make: Callable[[Q], Iterator[Any]]
    ) -> None:
        self.signals = _Signals(parent)
        self.asked: Q | None = None
        self.failure: Exception | None = None
        self._worker, self._kind, self._make = worker, kind, make
        self._search: Resumable[Any] | None = None
        self._stopped: Q | None = None
        self._generation = NONE
        self._later = QTimer(parent, singleShot=True, interval=pause)
        self._later.timeout.connect(self._begin_or_go_on)
        self._next: Q | None = None
        worker.delivered.connect(self._deliver)
        worker.finished.connect(self._finish)
        worker.dropped.connect(self._drop)
        worker.failed.connect(self._fail)

    @property
    def running(self) -> bool:
        """Whether it is on its way, waits for its turn, or is held."""
        return self._search is not None

    def is_over(self, question: Q) -> bool:
        """Whether nothing more is done for this question: it has failed, or somebody has stopped it."""
        failed = self.failure is not None and question.same(self.asked)
        return not self.running and (failed or question.same(self._stopped))

    def follow(self, question: Q | None, *, busy: bool, wanted: bool) -> None:
        """The question in force, whether a slider moves, and whether it is to be searched without being asked for."""
        self._next = question
        # The same search goes on where it stopped; but others come first.
        same = self.running and question is not None and question.same(self.asked)
        self._hold()
        if not same:
            self._search = None
        if not busy and (same or (wanted and question is not None and not self.is_over(question))):
            self._later.start()
        else:
            self._later.stop()

    def begin(self, question: Q) -> None:
        """Search now; what was on its way is over."""
        self._later.stop()
        self.asked, self._stopped, self.failure = question, None, None
        self._search = Resumable(lambda: self._make(question), lambda: bool(self._worker.busy - {self._kind}))
        self._generation = self._worker.submit(self._kind, self._search)
        self.signals.changed.emit()

    def stop(self) -> None:
        """End it; what has been delivered stays."""
        self._later.stop()
        self._hold()
        self._end(stopped=True)

    def close(self) -> None:
        """End it for good; for those whose owner goes before the worker."""
        self.stop()
        self._worker.delivered.disconnect(self._deliver)
        self._worker.finished.disconnect(self._finish)
        self._worker.dropped.disconnect(self._drop)
        self._worker.failed.disconnect(self._fail)

    def _hold(self) -> None:
        if self._search is not None:
            self._generation = NONE
            self._worker.cancel(self._kind)

    def _begin_or_go_on(self) -> None:
        if self._search is not None:
            self._generation = self._worker.submit(self._kind, self._search)
        elif self._next is not None:
            self.begin(self._next)

    def _end(self, *, stopped: bool) -> None:
        self._search = None
        if stopped:
            self._stopped = self.asked
        self.signals.changed.emit()

    def _is_mine(self, kind: str, generation: int) -> bool:
        return kind == self._kind and generation == self._generation

    def _deliver(self, kind: str, generation: int, item: Any) -> None:
        if item is not None and self._is_mine(kind, generation):
            self.signals.delivered.emit(item)

    def _finish(self, kind: str, generation: int) -> None:
        if self._is_mine(kind, generation) and self._search is not None:
            if self._search.done:
                self._end(stopped=False)
            else:  # after those that waited
                self._generation = self._worker.submit(self._kind, self._search)

    def _drop(self, kind: str, generation: int) -> None:
        if self._is_mine(kind, generation):
            self._end(stopped=True)

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if self._is_mine(kind, generation):
            self.failure = error
            self._end(stopped=False)
            self.signals.failed.emit(error)
