"""One thread for work: one mailbox slot a kind, the newest request wins, and work stops at its next yield.

`submit`, `cancel` and `close` are called from the GUI's thread, where the signals arrive too; a job runs in the
worker's thread and touches no widget. A job is a function that gives an iterator: what it yields is delivered, but for
None, which is a place to stop and nothing else.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from PySide6.QtCore import QObject, Signal

__all__ = ["Job", "Worker"]

Job = Callable[[], Iterator[object]]


class Worker(QObject):
    """A thread that does the newest request of the most urgent kind.

    Of a job that a newer one of its kind has superseded nothing more is delivered, and it ends at its next yield. Of
    the kinds in `finishing` what is begun is delivered all the same, unless it is canceled: a picture half drawn is
    worth finishing, or an unbroken drag would show none.
    """

    started = Signal(str, int)  # kind, generation
    delivered = Signal(str, int, object)  # kind, generation, item
    finished = Signal(str, int)
    dropped = Signal(str, int)
    failed = Signal(str, int, object)  # kind, generation, exception
    _given_back = Signal()

    def __init__(self, kinds: Sequence[str], name: str, finishing: Iterable[str] = ()) -> None:
        super().__init__()
        self._kinds = tuple(kinds)  # the most urgent first
        self._finishing = frozenset(finishing)
        self._waiting: dict[str, tuple[int, Job]] = {}
        self._newest = dict.fromkeys(self._kinds, 0)
        self._canceled = dict.fromkeys(self._kinds, 0)  # up to which generation
        self._running: str | None = None
        self._wake = threading.Condition()
        self._stopping = False
        # A job may hold the last reference to something of Qt's, which must not be destroyed in the worker's thread.
        self._over: deque[Job] = deque()
        self._given_back.connect(self._let_go)
        # A daemon: where a window can't be made nobody closes it, and the process is to end all the same.
        self._thread = threading.Thread(target=self._loop, name=f"driftlab {name}", daemon=True)
        self._thread.start()

    def submit(self, kind: str, job: Job) -> int:
        """Ask for `job()`; whatever of this kind waits or runs is superseded. The generation of the request."""
        with self._wake:
            self._newest[kind] += 1
            self._waiting[kind] = (self._newest[kind], job)
            self._wake.notify()
            return self._newest[kind]

    def cancel(self, kind: str) -> None:
        """Drop what waits of this kind and end what runs of it."""
        with self._wake:
            self._newest[kind] += 1
            self._canceled[kind] = self._newest[kind]
            waiting = self._waiting.pop(kind, None)
        if waiting is not None:
            self.dropped.emit(kind, waiting[0])

    def is_newest(self, kind: str, generation: int) -> bool:
        """Whether nothing newer of this kind has been asked for; what is not is stale, though delivered."""
        return generation == self._newest[kind]

    @property
    def busy(self) -> frozenset[str]:
        """The kinds that wait or run."""
        with self._wake:
            return frozenset(self._waiting) | ({self._running} if self._running else set())

    def close(self) -> None:
        """End what runs at its next yield, and the thread with it."""
        with self._wake:
            self._stopping = True
            self._waiting.clear()
            self._wake.notify()
        self._thread.join()

    def _next(self) -> tuple[str, int, Job] | None:
        with self._wake:
            self._running = None
            self._wake.wait_for(lambda: self._waiting or self._stopping)
            if self._stopping:
                return None
            kind = next(kind for kind in self._kinds if kind in self._waiting)
            self._running = kind
            return kind, *self._waiting.pop(kind)

    def _is_over(self, kind: str, generation: int) -> bool:
        superseded = kind not in self._finishing and generation != self._newest[kind]
        return self._stopping or superseded or generation <= self._canceled[kind]

    def _loop(self) -> None:
        while (request := self._next()) is not None:
            kind, generation, job = request
            self.started.emit(kind, generation)
            try:
                over = self._run(kind, generation, job)
            except Exception as error:  # the GUI must hear of it, and the thread must live
                self._idle()
                self.failed.emit(kind, generation, error)
            else:
                self._idle()
                (self.dropped if over else self.finished).emit(kind, generation)
            finally:
                self._over.append(job)
                del request, job
                self._given_back.emit()

    def _run(self, kind: str, generation: int, job: Job) -> bool:
        """Deliver what a job yields; whether it was superseded before its end."""
        items = job()
        for item in items:
            if self._is_over(kind, generation):
                if hasattr(items, "close"):
                    items.close()  # now, in this thread, so that what it holds is given back
                return True
            if item is not None:
                self.delivered.emit(kind, generation, item)
        return self._is_over(kind, generation)

    def _let_go(self) -> None:
        self._over.popleft()  # this one alone: of the next, the worker may not have let go yet

    def _idle(self) -> None:
        """Before the end is told, so that whoever hears of it does not find the kind busy."""
        with self._wake:
            self._running = None
