"""Garbage is collected in the GUI's thread alone, whoever asks for it; the rest of the time as Python would."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from driftlab.gui.garbage import GarbageCollector, collect_in_this_thread
from driftlab.gui.worker import Worker

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


def test_old_garbage_is_collected_too(qapp: QApplication, until) -> None:
    gc.collect()
    held: list[Any] = [Ring()]
    lost = weakref.ref(held.pop())
    for generation in (0, 1):
        gc.collect(generation)  # nothing holds it, but the younger ones are asked only for what is young
    held += [[] for _ in range(len(gc.get_objects()))]
    until(lambda: lost() is None)
    assert held


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

    with qtbot.waitSignal(worker.finished):
        worker.submit("heatmap", work)
        del work, widget
    until(lambda: ended)
    assert ended == [threading.get_ident()]


@pytest.mark.timeout(120)
def test_deliveries_beside_a_worker_that_collects() -> None:
    script = Path(__file__).with_name("deliveries.py")
    done = subprocess.run(
        [sys.executable, str(script), str(SHOWN)], capture_output=True, text=True, check=False, cwd=script.parents[2]
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{SHOWN}", f"{SHOWN // 5}", f"{SHOWN // 5}", "0"]
