"""A hand on the window: opens, drags sliders by mouse events, cancels, and notes when what was there, to be measured.

Events come at the times at which a mouse would send them, whether the window is ready for them or not; what came while
it was busy is handed over as one, as Qt does with a real mouse, and has waited since its own time.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QEventLoop,
    QMimeData,
    QObject,
    QPoint,
    QPointF,
    QSettings,
    Qt,
    QTimer,
    QUrl,
)
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication

from driftlab.errors import DriftlabError
from driftlab.gui import theme
from driftlab.gui.gpu_engine import best_engine
from driftlab.gui.main_window import MainWindow
from driftlab.gui.widgets.track import MARGIN, Track
from driftlab.gui.worker import Worker

__all__ = ["Drag", "Hand", "hand"]

#: Seconds between two events of a mouse.
PACE: Final = 1 / 60
#: Seconds after which what is waited for will not come.
PATIENCE: Final = 120.0


@dataclass
class Drag:
    """What happened while a slider was dragged. Times are those of `time.perf_counter`, in seconds."""

    key: str
    #: When each value was set, in order, whether the window had time for it or not.
    inputs: list[float] = field(default_factory=list)
    #: Up to which input the settings in force are after each value that was handed over, by their identity.
    reached: dict[int, int] = field(default_factory=dict)
    #: When a draft was painted, and up to which input it is.
    painted: list[tuple[float, int]] = field(default_factory=list)
    #: When an answer of the model was shown, and up to which input it is.
    answered: list[tuple[float, int]] = field(default_factory=list)
    released: float = 0.0
    _kept: list[object] = field(default_factory=list)  # the settings themselves, or an identity might be another's

    def delays(self, shown: Sequence[tuple[float, int]]) -> list[float]:
        """Seconds from every input to the first of `shown` that is of it or of a newer one."""
        found, at = [], 0
        for number, given in enumerate(self.inputs):
            while at < len(shown) and shown[at][1] < number:
                at += 1
            if at == len(shown):
                break  # released before: the exact picture comes instead
            found.append(shown[at][0] - given)
        return found


class Hand:
    """Moves what is on a window, and waits as a person does: with events going on."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> float:
        """Wait until something is so; the time at which it was. Raises DriftlabError where it does not come."""
        end = time.perf_counter() + seconds
        pulse = QTimer(interval=2)  # conditions are not always told by a signal
        pulse.start()
        while not condition():
            if time.perf_counter() > end:
                pulse.stop()
                problems = "; ".join(message.text for message in self.window.messages.messages)
                raise DriftlabError(f"The window did not come to rest within {seconds:.0f} s. {problems}".strip())
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        pulse.stop()
        return time.perf_counter()

    def rest(self) -> float:
        """Wait until everything on the window is current."""
        return self.until(lambda: self.window.current)

    def canvas(self, width: int, height: int) -> None:
        """Make the window so large that the preview has this size."""
        view = self.window.preview.view
        for _ in range(3):  # docks take their share
            self.window.resize(
                self.window.width() + width - view.width(), self.window.height() + height - view.height()
            )
            QCoreApplication.processEvents()

    def open(self, *paths: Path) -> None:
        """Open files and wait for all that follows."""
        self.window.opening.open(list(paths))
        self.until(lambda: self.window.opening.idle)
        self.rest()

    def drop(self, *paths: Path) -> float:
        """Drop files on the window: the seconds until the first picture of one of them is painted."""
        window, painted = self.window, list[float]()
        before, data = window.document.frame, QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton

        def paint() -> None:
            shown = window.preview.view.exact
            if shown is not None and shown.frame is not before:
                painted.append(time.perf_counter())

        painting = window.preview.view.painted.connect(paint)
        start = time.perf_counter()
        copy = Qt.DropAction.CopyAction
        QCoreApplication.sendEvent(window, QDragEnterEvent(QPoint(50, 50), copy, data, left, none))
        QCoreApplication.sendEvent(window, QDropEvent(QPointF(50, 50), copy, data, left, none))
        self.until(lambda: painted)
        QObject.disconnect(painting)
        return painted[0] - start

    def track(self, key: str) -> Track:
        """The slider of a key, in sight."""
        self.window.stages.reveal(key)
        return self.window.stages.groups[key.partition(".")[0]].rows[key].track

    def drag(self, key: str, shares: Sequence[float], pace: float = PACE) -> Drag:
        """Press on a slider, go to these places of its track (0 to 1) one by one, and let go."""
        window, track, drag = self.window, self.track(key), Drag(key)

        def paint() -> None:
            shown = window.preview.view.draft or window.preview.view.exact  # a draft of a small frame is exact
            if shown is not None and id(shown.settings) in drag.reached:
                drag.painted.append((time.perf_counter(), drag.reached[id(shown.settings)]))

        def answer(item: Any) -> None:
            if item is not None and id(item.question.settings) in drag.reached:
                drag.answered.append((time.perf_counter(), drag.reached[id(item.question.settings)]))

        window.preview.view.painted.connect(paint)
        window.computing.answer_changed.connect(answer)
        start = time.perf_counter() + pace
        _send(track, QEvent.Type.MouseButtonPress, shares[0])
        try:
            while len(drag.inputs) < len(shares):
                due = start + len(drag.inputs) * pace
                if time.perf_counter() < due:
                    self._wait_for(due)
                    continue
                while len(drag.inputs) < len(shares) and start + len(drag.inputs) * pace <= time.perf_counter():
                    drag.inputs.append(start + len(drag.inputs) * pace)
                _send(track, QEvent.Type.MouseMove, shares[len(drag.inputs) - 1])
                drag._kept.append(window.document.settings)
                drag.reached[id(window.document.settings)] = len(drag.inputs) - 1
        finally:
            drag.released = time.perf_counter()
            _send(track, QEvent.Type.MouseButtonRelease, shares[-1])
            window.preview.view.painted.disconnect(paint)
            window.computing.answer_changed.disconnect(answer)
        return drag

    def wander(self, chance: random.Random, moves: int) -> None:
        """So many moves of sliders taken at random, in short drags one after another, as fast as the window takes them.

        Between them now and then a step back, a reset, another region or another zoom.
        """
        window, document = self.window, self.window.document
        rows = [row for group in window.stages.groups.values() for row in group.rows.values()]
        while moves > 0:
            row = chance.choice([each for each in rows if each.isVisibleTo(window) and each.isEnabledTo(window)])
            begun, length = chance.random(), min(chance.randint(5, 40), moves)
            self.drag(row.key, [abs(begun + step / 200) % 1 for step in range(length)], pace=1 / 500)
            moves -= length
            asides: list[Callable[[], object]] = [
                document.undo,
                document.undo,
                document.redo,
                document.reset,
                window.preview.view.fit,
                lambda: window.preview.view.zoom_to(chance.choice((0.3, 1.0, 2.0))),
                lambda: self._wait_for(time.perf_counter() + 0.3),  # long enough for a job to begin
            ]
            chance.choice(asides)()

    def cancel(self, worker: Worker, kind: str, begin: Callable[[], object], after: float) -> float | None:
        """Begin a job and cancel it so many seconds after it has started: the seconds until its thread is free.

        None where it was over before it could be canceled.
        """
        with _watched(worker, kind) as (started, over):
            begin()
            self.until(lambda: started)
            self._wait_for(time.perf_counter() + after)
            if started[-1] in over:
                return None
            asked = time.perf_counter()
            worker.cancel(kind)
            return self.until(lambda: started[-1] in over) - asked

    def run(self, worker: Worker, kind: str, begin: Callable[[], object]) -> float:
        """Begin a job and let it come to its end: the seconds it runs."""
        with _watched(worker, kind) as (started, over):
            begin()
            start = self.until(lambda: started)
            return self.until(lambda: started[-1] in over) - start

    def _wait_for(self, due: float) -> None:
        """Let events go on until this time."""
        loop, timer = QEventLoop(), QTimer(singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(loop.quit)
        timer.start(max(round((due - time.perf_counter()) * 1000), 0))
        loop.exec()


@contextmanager
def hand(store: Path) -> Iterator[Hand]:
    """A hand on a new window, whose settings are kept in this file; the window is gone in the end.

    On no screen, unless there is an application already. It draws with what it finds fastest, as the program does.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication(["driftlab"])
    assert isinstance(app, QApplication)
    theme.apply(app)
    window = MainWindow(QSettings(str(store), QSettings.Format.IniFormat))
    window.show()
    window.opening.warm_up()
    window.source.look_for(best_engine)
    user = Hand(window)
    try:
        user.until(lambda: window.source.idle and not window.worker.busy)
        yield user
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@contextmanager
def _watched(worker: Worker, kind: str) -> Iterator[tuple[list[int], set[int]]]:
    """The generations of this kind that have begun, and those that are over."""
    begun, over = list[int](), set[int]()

    def begin(name: str, generation: int) -> None:
        if name == kind:
            begun.append(generation)

    def end(name: str, generation: int, *rest: object) -> None:
        if name == kind:
            over.add(generation)

    told = [worker.started.connect(begin)]
    told += [signal.connect(end) for signal in (worker.finished, worker.dropped, worker.failed)]
    try:
        yield begun, over
    finally:
        for each in told:
            QObject.disconnect(each)


def _send(track: Track, kind: QEvent.Type, share: float) -> None:
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    point = QPointF(MARGIN + share * (track.width() - 2 * MARGIN), track.height() / 2)
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    at = QPointF(track.mapToGlobal(point.toPoint()))
    event = QMouseEvent(kind, point, at, button, held, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.sendEvent(track, event)
