"""Asks the worker what breaks the model first, when it is told to, and knows of which pictures that is.

Lives in the GUI's thread; the generator of `analysis.forensics.search` runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from driftlab.gui.aside import Aside
from driftlab.gui.document import Document
from driftlab.gui.picked import Picked, case_steps, pick, same_pictures
from driftlab.gui.tolerating import Scope, Tolerating, decides
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.analysis.forensics.breakage import Forensics
    from driftlab.model.task_model import TaskModel

__all__ = ["BreakQuestion", "Breaking"]


@dataclass(frozen=True, eq=False)
class BreakQuestion:
    """What is to be broken, by which groups of parameters (none: every one), and how far is measured how."""

    pictures: tuple[Picked, ...]
    model: TaskModel
    groups: tuple[str, ...]
    distance: str

    def same(self, other: BreakQuestion | None) -> bool:
        """Whether the answer is the same."""
        return (
            other is not None
            and (self.groups, self.distance) == (other.groups, other.distance)
            and self.model is other.model
            and same_pictures(self.pictures, other.pictures)
        )


class Breaking(QObject):
    """What was found on request, around the nominal settings."""

    found_changed = Signal(object)  # Forensics
    staled = Signal()
    failed = Signal(object)  # exception
    chosen_changed = Signal()

    def __init__(self, document: Document, tolerating: Tolerating, worker: Worker) -> None:
        super().__init__()
        self._document, self._tolerating = document, tolerating
        self.scope = Scope.PICTURE
        self.groups: tuple[str, ...] = ()
        self.distance = "l2"
        self.found: Forensics | None = None
        self.answered: BreakQuestion | None = None
        self._was_fresh = False
        self._aside = Aside(self, worker, "forensics", 500, _broken)
        self._aside.signals.delivered.connect(self._deliver)
        self._aside.signals.changed.connect(self.chosen_changed)
        self._aside.signals.failed.connect(self._fail)
        for signal in (
            document.settings_changed,
            document.nominal_changed,
            document.model_changed,
            document.region_changed,
            document.frame_changed,
            document.entries_changed,
            document.mask_changed,
            document.drag_ended,
            tolerating.chosen_changed,
        ):
            signal.connect(self._change)

    @property
    def question(self) -> BreakQuestion | None:
        """What would be asked now; None while a frame or a model is missing, or the model decides nothing."""
        model = self._document.model
        if self._document.frame is None or model is None or not decides(model):
            return None
        pictures = pick(self._document, self.scope == Scope.FRAMES, False, self._tolerating.truths)
        return BreakQuestion(pictures, model, self.groups, self.distance)

    @property
    def table(self) -> Path | None:
        """Where the labels come from, if they do."""
        return self._tolerating.table

    @property
    def fresh(self) -> bool:
        """Whether what is known is of the question in force, complete or not."""
        question = self.question
        return self.found is not None and question is not None and question.same(self.answered)

    @property
    def running(self) -> bool:
        """Whether a search is on its way."""
        return self._aside.running

    @property
    def failure(self) -> Exception | None:
        """Why there is nothing for the question in force."""
        question = self.question
        return self._aside.failure if question is not None and question.same(self._aside.asked) else None

    def choose(self, **chosen: Any) -> None:
        """Other values of `scope`, `groups` or `distance`."""
        for name, value in chosen.items():
            setattr(self, name, value)
        self._change()
        self.chosen_changed.emit()

    def search(self) -> None:
        """Search now."""
        question = self.question
        if question is not None:
            self._aside.begin(question)

    def stop(self) -> None:
        """End it; what it has found stays."""
        self._aside.stop()

    def _change(self) -> None:
        fresh = self.fresh
        if self._was_fresh and not fresh:
            self.staled.emit()
        self._was_fresh = fresh
        self._aside.follow(self.question, busy=self._document.dragging, wanted=False)

    def _deliver(self, item: Any) -> None:
        if item is not self.found:  # the same again is only a place to stop
            self.found, self.answered, self._was_fresh = item, self._aside.asked, True
            self.found_changed.emit(item)

    def _fail(self, error: Exception) -> None:
        self.found = None
        self.failed.emit(error)


def _broken(question: BreakQuestion) -> Iterator[Forensics | None]:
    from driftlab.analysis.forensics.search import forensics

    cases = yield from case_steps(question.pictures, question.model)
    yield from forensics(cases, question.model, groups=question.groups or None, distance=question.distance)
