"""A hand on the window: opens, drags sliders by mouse events and notes when what was painted, for whoever measures it.

Events come at the times at which a mouse would send them, whether the window is ready for them or not; what came while
it was busy is handed over as one, as Qt does with a real mouse, and has waited since its own time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPointF, QSettings, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from driftlab.errors import DriftlabError
from driftlab.gui import theme
from driftlab.gui.main_window import MainWindow
from driftlab.gui.widgets.track import MARGIN, Track

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

    def _wait_for(self, due: float) -> None:
        """Let events go on until this time."""
        loop, timer = QEventLoop(), QTimer(singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(loop.quit)
        timer.start(max(round((due - time.perf_counter()) * 1000), 0))
        loop.exec()


@contextmanager
def hand(store: QSettings) -> Iterator[Hand]:
    """A hand on a new window; on no screen unless there is an application already. The window is gone in the end."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication(["driftlab"])
    assert isinstance(app, QApplication)
    theme.apply(app)
    window = MainWindow(store)
    window.show()
    try:
        yield Hand(window)
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _send(track: Track, kind: QEvent.Type, share: float) -> None:
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    point = QPointF(MARGIN + share * (track.width() - 2 * MARGIN), track.height() / 2)
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    at = QPointF(track.mapToGlobal(point.toPoint()))
    event = QMouseEvent(kind, point, at, button, held, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.sendEvent(track, event)
