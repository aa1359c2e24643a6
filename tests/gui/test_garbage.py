"""Garbage is collected in the GUI's thread alone, whoever asks for it; the rest of the time as Python would."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from driftlab.gui.garbage import FULL, MIDDLE, GarbageCollector, collect_in_this_thread
from driftlab.gui.worker import Worker
from tests.patience import PATIENCE

SHOWN = 60


class Ring:
    """Garbage as soon as nobody else holds it."""

    def __init__(self) -> None:
        self.me = self


def ring() -> weakref.ref[Ring]:
    return weakref.ref(Ring())


def elsewhere(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_no_other_thread_collects(qapp: QApplication) -> None:
    lost = ring()
    elsewhere(gc.collect)
    assert lost() is not None
    elsewhere(lambda: [[] for _ in range(10 * gc.get_threshold()[0])])
    assert lost() is not None
    gc.collect()
    assert lost() is None


def test_what_is_garbage_is_collected_soon(qapp: QApplication, until) -> None:
    lost = ring()
    held = [[] for _ in range(2 * gc.get_threshold()[0])]
    until(lambda: lost() is None)
    assert held


def test_old_garbage_is_collected_too(qapp: QApplication) -> None:
    (collector,) = qapp.findChildren(GarbageCollector)
    kept = Ring()
    lost = weakref.ref(kept)
    gc.collect()
    del kept
    held: list[Any] = []
    for _ in range(MIDDLE * FULL):
        assert lost() is not None, "it is old: only a full collection finds it"
        held += [[] for _ in range(2 * gc.get_threshold()[0])]
        collector.look()
    assert lost() is None


def test_without_growth_there_is_no_full_collection(qapp: QApplication) -> None:
    (collector,) = qapp.findChildren(GarbageCollector)
    full = list[int]()
    gc.callbacks.append(note := lambda phase, info: full.append(1) if info["generation"] == 2 else None)
    try:
        for _ in range(3 * MIDDLE * FULL):
            held = [[] for _ in range(2 * gc.get_threshold()[0])]
            collector.look()
            del held
    finally:
        gc.callbacks.remove(note)
    assert len(full) <= 2, "begin and end of the first one, which knows of no other"


def test_a_collection_elsewhere_never_finds_what_the_gui_makes(qapp: QApplication) -> None:
    """Rings are made and lost in this thread as fast as it can, beside one that collects without a pause."""
    here, wrong, over = threading.get_ident(), list[int](), threading.Event()

    class Told(Ring):
        def __del__(self) -> None:
            if threading.get_ident() != here:
                wrong.append(1)

    def collect() -> None:
        while not over.is_set():
            gc.collect(0)

    thread = threading.Thread(target=collect)
    thread.start()
    for _ in range(100_000):
        Told()
    over.set()
    thread.join()
    gc.collect()
    assert not wrong


def test_what_switches_collecting_on_again_does_so_until_the_next_look(qapp: QApplication) -> None:
    (collector,) = qapp.findChildren(GarbageCollector)
    gc.enable()
    collector.look()
    assert not gc.isenabled()


def test_it_is_made_once_and_python_takes_over_after_it(qapp: QApplication) -> None:
    collect_in_this_thread()
    collect_in_this_thread()
    (collector,) = qapp.findChildren(GarbageCollector)
    assert not gc.isenabled()
    collector.close()
    assert gc.isenabled() and not qapp.findChildren(GarbageCollector)
    lost = ring()
    elsewhere(gc.collect)
    assert lost() is None


def test_a_job_lets_go_of_widgets_in_the_gui_thread(qapp: QApplication, worker: Worker, qtbot, until) -> None:
    ended: list[int] = []
    widget = QWidget()
    weakref.finalize(widget, lambda: ended.append(threading.get_ident()))

    def work(held: list[QWidget] = [widget]) -> Iterator[int]:  # noqa: B006
        yield len(held)

    with qtbot.waitSignal(worker.finished, timeout=PATIENCE * 1000):
        worker.submit("heatmap", work)
        del work, widget
    until(lambda: ended)
    assert ended == [threading.get_ident()]


def test_the_next_job_is_not_let_go_of_too_early(qapp: QApplication, worker: Worker, until) -> None:
    """The GUI hears of the job before while the worker still holds this one."""
    ended, both, gate = list[int](), threading.Event(), threading.Event()

    class Slow(deque):  # type: ignore[type-arg]
        def append(self, job: Any) -> None:
            super().append(job)
            if len(self) > 1:
                both.set()
                gate.wait(PATIENCE)

    worker._over = Slow()
    widget = QWidget()
    weakref.finalize(widget, lambda: ended.append(threading.get_ident()))

    def work(held: list[QWidget] = [widget]) -> Iterator[int]:  # noqa: B006
        yield len(held)

    blocked = threading.Event()
    worker.finished.connect(blocked.set, Qt.ConnectionType.DirectConnection)
    worker.submit("frame", lambda: iter([1]))
    blocked.wait(PATIENCE)
    worker.submit("heatmap", work)
    del work, widget
    assert both.wait(PATIENCE)  # neither has been let go of, and the worker holds the second one
    until(lambda: len(worker._over) < 2)
    gate.set()
    until(lambda: ended)
    assert ended == [threading.get_ident()]


def test_deliveries_beside_a_worker_that_collects() -> None:
    script = Path(__file__).with_name("deliveries.py")
    done = subprocess.run(
        [sys.executable, str(script), str(SHOWN)], capture_output=True, text=True, check=False, cwd=script.parents[2]
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{SHOWN}", f"{SHOWN // 5}", f"{SHOWN // 5}", "0"]
