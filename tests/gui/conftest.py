"""The window under test: on no screen, with settings of its own, and nothing left behind."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

pytest.importorskip("PySide6", reason="the window needs PySide6: install the extra gui")
pytest.importorskip("pytestqt", reason="the window's tests need pytest-qt")

from PySide6.QtCore import QEvent, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from driftlab import resource
from driftlab.gui import theme
from driftlab.gui.garbage import GarbageCollector, collect_in_this_thread
from driftlab.gui.loading import import_steps
from driftlab.gui.main_window import MainWindow
from driftlab.gui.worker import Worker
from tests.patience import PATIENCE

DEMO = resource("demo")


@pytest.fixture(scope="session")
def imported(qapp: QApplication) -> None:
    """All that the window imports on the way is there, and not looked through for what a test has left."""
    for _ in import_steps():
        pass
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left(qapp: QApplication, imported: None) -> Iterator[None]:
    """No widget, thread or running timer outlives its test, in which garbage is collected as the program does it."""
    collect_in_this_thread()
    widgets = set(map(id, QApplication.topLevelWidgets()))
    yield
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.processEvents()
    for collector in qapp.findChildren(GarbageCollector):
        collector.close()
    gc.collect()
    left = [widget for widget in QApplication.topLevelWidgets() if id(widget) not in widgets and widget.isVisible()]
    assert not left, f"widgets left: {left}"
    threads = [
        thread.name for thread in threading.enumerate() if thread.name in ("driftlab compute", "driftlab preview")
    ]
    assert not threads, f"threads left: {threads}"
    timers = [timer for timer in gc.get_objects() if issubclass(type(timer), QTimer) and _runs(timer)]
    assert not timers, f"timers left: {timers}"


def _runs(timer: QTimer) -> bool:
    try:
        return timer.isActive()
    except RuntimeError:  # its C++ half is gone
        return False


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(("frame", "model", "logits", "heatmap"), "compute", finishing=("logits",))
    yield made
    made.close()


@pytest.fixture
def window(qapp: QApplication, store: QSettings) -> Iterator[MainWindow]:
    theme.apply(qapp)
    made = MainWindow(store)
    made.resize(1280, 800)
    made.show()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def opened(window: MainWindow, qtbot: object, until: Callable[..., None]) -> MainWindow:
    """The window with a frame of the example and its network, all of it current."""
    window.opening.open([DEMO / "leukocyte_net.safetensors", DEMO / "eosinophil-03.dng"])
    until(lambda: window.document.frame is not None and window.document.model is not None)
    until(lambda: window.computing.answer is not None and window.current)
    return window


@pytest.fixture
def until(qtbot: object) -> Callable[..., None]:
    """Waits until something is so, with events going on."""

    def wait(condition: Callable[[], bool], timeout: int = PATIENCE * 1000) -> None:
        qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)  # type: ignore[attr-defined]

    return wait
