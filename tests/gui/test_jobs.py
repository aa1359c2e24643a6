"""The jobs of the compute thread: what is told of them, and that each can be ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from driftlab import resource
from driftlab.errors import DriftlabError
from driftlab.gui.jobs import KINDS, Jobs, State, make_worker
from driftlab.gui.main_window import MainWindow
from driftlab.gui.panels.jobs import JobsPopup
from driftlab.gui.worker import Worker
from tests.patience import PATIENCE

DEMO = resource("demo")


@dataclass
class Part:
    share: float


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a job waits for between its parts; open in the end, whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def compute() -> Iterator[Worker]:
    made = make_worker()
    yield made
    made.close()


def parts(gate: threading.Event) -> Iterator[Part]:
    yield Part(0.25)
    gate.wait(PATIENCE)
    yield Part(0.5)


def fails() -> Iterator[None]:
    yield None
    raise DriftlabError("The file is empty: choose another.")


def test_what_is_told_of_a_job(compute: Worker, gate: threading.Event, until: Any) -> None:
    jobs = Jobs(compute)
    compute.submit("heatmap", lambda: parts(gate))
    until(lambda: jobs.running is not None and jobs.running.share == 0.25)
    record = jobs.records["heatmap"]
    assert record.runs and record.state == State.RUNNING and record.kind.title == "Sensitivities and heatmaps"
    first = record.seconds
    until(lambda: record.seconds > first)
    gate.set()
    until(lambda: jobs.records["heatmap"].state == State.DONE)
    assert jobs.running is None
    done = jobs.records["heatmap"]
    assert not done.runs and done.seconds > first


def test_a_canceled_job_and_a_superseded_one(compute: Worker, gate: threading.Event, until: Any) -> None:
    jobs = Jobs(compute)
    compute.submit("heatmap", lambda: parts(gate))
    until(lambda: jobs.running is not None)
    jobs.cancel("heatmap")
    assert jobs.records["heatmap"].state == State.ENDING
    gate.set()
    until(lambda: jobs.records["heatmap"].state == State.CANCELED)
    gate.clear()
    compute.submit("heatmap", lambda: parts(gate))
    until(lambda: jobs.running is not None)
    compute.cancel("heatmap")  # not by hand: other settings
    gate.set()
    until(lambda: jobs.records["heatmap"].state == State.SUPERSEDED)


def test_a_job_that_waits_can_be_ended_too(compute: Worker, gate: threading.Event, until: Any, qtbot: Any) -> None:
    jobs = Jobs(compute)
    compute.submit("heatmap", lambda: parts(gate))
    until(lambda: jobs.running is not None)
    generation = compute.submit("analysis", lambda: parts(gate))
    with qtbot.waitSignal(compute.dropped, timeout=PATIENCE * 1000) as told:
        jobs.cancel("analysis")
    assert told.args == ["analysis", generation]
    gate.set()
    until(lambda: not compute.busy)
    assert "analysis" not in jobs.records, "what was ended before it began has run"


def test_the_popup_lists_cancels_and_copies(window: MainWindow, gate: threading.Event, until: Any, qtbot: Any) -> None:
    window.worker.submit("analysis", fails)
    until(lambda: window.status.list.text() == "Jobs: 1 failed")
    window.worker.submit("heatmap", lambda: parts(gate))
    until(lambda: window.status.bar.isVisible() and window.status.bar.value() == 25)
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, JobsPopup)
    assert list(popup.rows) == ["heatmap", "analysis"]
    failed, running = popup.rows["analysis"], popup.rows["heatmap"]
    assert failed.sentence.text() == "The file is empty: choose another." and not failed.cancel.isVisible()
    failed.copy.click()
    assert "Traceback" in QGuiApplication.clipboard().text()
    assert running.bar.value() == 25 and running.cancel.isVisible() and not running.sentence.isVisible()
    running.cancel.setFocus()
    qtbot.keyClick(running.cancel, Qt.Key.Key_Space)
    gate.set()
    until(lambda: running.state.text().startswith("canceled"))
    assert not running.bar.isVisible()
    qtbot.keyClick(popup, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize("fail", [False, True])
def test_the_popup_has_room_for_all_its_rows(window: MainWindow, until: Any, fail: bool) -> None:
    for name in ("frame", "heatmap"):
        window.worker.submit(name, fails if fail else lambda: iter([Part(1.0)]))
    until(lambda: len(window.jobs.records) == 2 and window.jobs.running is None)
    window.show_jobs()
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, JobsPopup)
    until(lambda: all(row.visibleRegion().boundingRect() == row.rect() for row in popup.rows.values()))
    for row in popup.rows.values():
        assert row.height() >= row.sizeHint().height() and row.sentence.isVisible() == fail
    popup.close()


def test_with_nothing_done_the_popup_says_so(window: MainWindow) -> None:
    window.show_jobs()
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, JobsPopup)
    assert popup._empty.isVisible() and popup.height() > popup._empty.height()
    popup.close()


def test_loading_can_be_canceled(opened: MainWindow, gate: threading.Event, until: Any) -> None:
    before = opened.document.frame
    opened.worker.submit("heatmap", lambda: parts(gate))
    until(lambda: opened.jobs.running is not None)
    opened.opening.open([DEMO / "basophil-01.dng"])  # waits for what runs
    assert not opened.opening.idle
    opened.cancel_jobs()
    assert opened.opening.idle
    gate.set()
    until(lambda: not opened.worker.busy)
    assert opened.document.frame is before


def test_every_kind_has_words_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len({kind.title for kind in KINDS}) == len(KINDS)
