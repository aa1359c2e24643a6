"""The one compute thread: newest wins, urgent first, failures are told, closing does not wait for the end of a job."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

from driftlab.gui.worker import Worker
from tests.patience import PATIENCE


def test_newest_request_wins(worker: Worker, qtbot) -> None:
    started, release, steps, seen = threading.Event(), threading.Event(), [], []

    def slow() -> Iterator[int]:
        started.set()
        release.wait(PATIENCE)
        for step in range(1000):
            steps.append(step)
            yield step

    worker.delivered.connect(lambda kind, generation, item: seen.append((generation, item)))
    worker.submit("heatmap", slow)
    assert started.wait(PATIENCE)
    for number in range(20):
        last = worker.submit("heatmap", lambda number=number: iter([number]))
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE * 1000) as finished:
        release.set()
    assert finished.args == ["heatmap", last]
    assert steps == [0]
    assert seen == [(last, 19)]


def test_what_is_begun_of_a_finishing_kind_is_delivered(worker: Worker, qtbot, until) -> None:
    started, release, seen = threading.Event(), threading.Event(), []

    def slow() -> Iterator[str]:
        started.set()
        release.wait(PATIENCE)
        yield "first"

    worker.delivered.connect(lambda kind, generation, item: seen.append(item))
    worker.submit("logits", slow)
    assert started.wait(PATIENCE)
    for number in range(5):
        worker.submit("logits", lambda number=number: iter([number]))
    release.set()
    until(lambda: len(seen) == 2)
    assert seen == ["first", 4]


def test_urgent_kinds_go_first(worker: Worker, until) -> None:
    gate, started, order = threading.Event(), threading.Event(), []

    def first() -> Iterator[int]:
        started.set()
        gate.wait(PATIENCE)
        yield 0

    worker.submit("logits", first)
    assert started.wait(PATIENCE)
    for kind in ("heatmap", "logits", "model", "frame"):
        worker.submit(kind, lambda: iter([1]))
    worker.finished.connect(lambda kind, generation: order.append(kind))
    gate.set()
    until(lambda: len(order) == 5)
    assert order == ["logits", "frame", "model", "logits", "heatmap"]


def test_a_failure_is_told_and_the_thread_lives(worker: Worker, qtbot) -> None:
    def bad() -> Iterator[float]:
        yield 1 / 0

    with qtbot.waitSignal(worker.failed, timeout=PATIENCE * 1000) as failed:
        worker.submit("logits", bad)
    assert isinstance(failed.args[2], ZeroDivisionError)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE * 1000):
        worker.submit("logits", lambda: iter([1]))


def test_a_canceled_job_ends_at_its_next_yield_and_is_closed(worker: Worker, qtbot) -> None:
    begun, closed = threading.Event(), []

    def endless() -> Iterator[int]:
        try:
            while True:
                begun.set()
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    worker.submit("heatmap", endless)
    assert begun.wait(PATIENCE)
    with qtbot.waitSignal(worker.dropped, timeout=PATIENCE * 1000):
        worker.cancel("heatmap")
    assert closed == ["driftlab compute"]
    assert not worker.busy


def test_closing_ends_a_running_job(qapp) -> None:
    worker, begun = Worker(("heatmap",), "compute"), threading.Event()

    def endless() -> Iterator[int]:
        while True:
            begun.set()
            yield 0

    worker.submit("heatmap", endless)
    assert begun.wait(PATIENCE)
    worker.close()
    assert "driftlab compute" not in [thread.name for thread in threading.enumerate()]


def test_what_is_canceled_ends_though_its_kind_finishes(worker: Worker, qtbot) -> None:
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def slow() -> Iterator[int | None]:
        yield None
        begun.set()
        go_on.wait(PATIENCE)
        yield None
        seen.append("went on")
        yield 1

    worker.delivered.connect(lambda kind, generation, item: seen.append(item))
    canceled = worker.submit("logits", slow)
    assert begun.wait(PATIENCE)
    worker.cancel("logits")
    with qtbot.waitSignal(worker.dropped, timeout=PATIENCE * 1000) as dropped:
        go_on.set()
    assert dropped.args == ["logits", canceled]
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE * 1000):
        worker.submit("logits", lambda: iter([2]))
    assert seen == [2]


def test_a_process_ends_though_nobody_closes_it() -> None:
    code = 'from driftlab.gui.worker import Worker; w = Worker(["logits"], "compute"); raise SystemExit(3)'
    assert subprocess.run([sys.executable, "-c", code], timeout=PATIENCE, check=False).returncode == 3
