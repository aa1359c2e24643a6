"""The kinds of jobs that the window's compute thread does, and what is known of the newest one of each kind."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from PySide6.QtCore import QObject, Signal

from driftlab.gui.problem import Problem
from driftlab.gui.worker import Worker

__all__ = ["ASIDE", "KINDS", "JobRecord", "Jobs", "Kind", "State", "make_worker"]


@dataclass(frozen=True)
class Kind:
    """One line of the table: what a kind is called; what the status bar says, unless it is too short to be read.

    What is begun of a kind that finishes is delivered though a newer one is asked for. What is done aside lets all
    others go first, and nobody waits for it.
    """

    name: str
    title: str
    said: str = ""
    finishes: bool = False
    aside: bool = False


#: The most urgent first. A new kind of job is one line here.
KINDS: Final[tuple[Kind, ...]] = (
    Kind("frame", "Load a frame", "loading"),
    Kind("model", "Load a model", "loading a model"),
    Kind("mask", "Load a mask", "loading a mask"),
    Kind("logits", "Logits", finishes=True),
    Kind("heatmap", "Sensitivities and heatmaps", "sensitivities"),
    Kind("analysis", "Save the picture", "saving"),
    Kind("report", "Tolerance report", "report", aside=True),
    Kind("forensics", "Forensics", "forensics", aside=True),
    Kind("sweep", "Curve or map", "curve", aside=True),
    Kind("tolerance", "Tolerances", "tolerances", aside=True),
)
#: The kinds that are done aside.
ASIDE: Final = frozenset(kind.name for kind in KINDS if kind.aside)


def make_worker() -> Worker:
    """The compute thread for all kinds."""
    return Worker([kind.name for kind in KINDS], "compute", finishing=[kind.name for kind in KINDS if kind.finishes])


class State(StrEnum):
    """How far a job is, in the words that are shown."""

    RUNNING = "running"
    ENDING = "ending"
    DONE = "done"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(frozen=True)
class JobRecord:
    """One job: its times by `time.monotonic`, the share that is done where it tells, and why it failed."""

    kind: Kind
    generation: int
    began: float
    ended: float | None = None
    share: float | None = None
    state: State = State.RUNNING
    problem: Problem | None = None

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self.ended is None

    @property
    def seconds(self) -> float:
        """How long it has taken, so far or in all."""
        return (time.monotonic() if self.ended is None else self.ended) - self.began


class Jobs(QObject):
    """Watches a worker; lives in the GUI's thread."""

    changed = Signal()

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker
        self.records: dict[str, JobRecord] = {}
        worker.started.connect(self._begin)
        worker.delivered.connect(self._advance)
        worker.finished.connect(lambda kind, generation: self._end(kind, generation, State.DONE))
        worker.dropped.connect(self._drop)
        worker.failed.connect(self._fail)

    @property
    def running(self) -> JobRecord | None:
        """The job that runs, if it is long enough to be told of."""
        return next((each for each in self.records.values() if each.runs and each.kind.said), None)

    def cancel(self, name: str) -> None:
        """End what runs of this kind, and drop what waits."""
        record = self.records.get(name)
        if record is not None and record.runs:
            self.records[name] = replace(record, state=State.ENDING)
        self._worker.cancel(name)
        self.changed.emit()

    def cancel_all(self) -> None:
        """End all that is long enough to be told of."""
        for kind in KINDS:
            if kind.said:
                self.cancel(kind.name)

    def _begin(self, name: str, generation: int) -> None:
        kind = next((each for each in KINDS if each.name == name), Kind(name, name, name))
        self.records[name] = JobRecord(kind, generation, time.monotonic())
        self.changed.emit()

    def _advance(self, name: str, generation: int, item: object) -> None:
        record, share = self.records.get(name), getattr(item, "share", None)
        if record is not None and record.generation == generation and isinstance(share, float):
            self.records[name] = replace(record, share=share)
            self.changed.emit()

    def _drop(self, name: str, generation: int) -> None:
        record = self.records.get(name)
        canceled = record is not None and record.state == State.ENDING
        self._end(name, generation, State.CANCELED if canceled else State.SUPERSEDED)

    def _fail(self, name: str, generation: int, error: Exception) -> None:
        self._end(name, generation, State.FAILED, Problem.of(error))

    def _end(self, name: str, generation: int, state: State, problem: Problem | None = None) -> None:
        record = self.records.get(name)
        if record is not None and record.generation == generation:
            self.records[name] = replace(record, ended=time.monotonic(), state=state, problem=problem)
            self.changed.emit()
