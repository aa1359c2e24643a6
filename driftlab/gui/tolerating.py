"""Asks the worker how far every parameter may go, and knows of which settings, pictures and criterion that is.

For the picture that is shown it asks by itself, when nothing else is to be done; for all frames when it is told to.
Lives in the GUI's thread; the generator of `analysis.tolerance` runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from driftlab.gui.aside import Aside
from driftlab.gui.document import Document
from driftlab.gui.picked import Picked, case_steps, pick, same_pictures
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.analysis.findings import Tolerance
    from driftlab.analysis.tolerance import Progress
    from driftlab.data.entries import Entry as Truth
    from driftlab.model.task_model import TaskModel

__all__ = ["Scope", "ToleranceQuestion", "Tolerating"]

#: How long after the last change, in ms: longer than for the sensitivities, which come first.
PAUSE: Final = 500
#: Pixels that the model is given up to which tolerances are searched without being asked for.
LARGE: Final = 2_000_000


class Scope(StrEnum):
    """Whose tolerances, in the words that are shown."""

    PICTURE = "this picture"
    FRAMES = "all frames"


@dataclass(frozen=True, eq=False)
class ToleranceQuestion:
    """What tolerances are of: pictures with their settings, a model, and what must hold of how many pictures."""

    scope: Scope
    pictures: tuple[Picked, ...]
    model: TaskModel
    criterion: str
    over: str

    def same(self, other: ToleranceQuestion | None) -> bool:
        """Whether the tolerances are the same."""
        return (
            other is not None
            and (self.scope, self.criterion, self.over) == (other.scope, other.criterion, other.over)
            and self.model is other.model
            and same_pictures(self.pictures, other.pictures)
        )


class Tolerating(QObject):
    """The tolerances of the pictures and the criterion that are chosen, as far as they are known."""

    #: A Tolerance, or None where there is none; of the question in force unless `staled` came after it.
    tolerance_changed = Signal(object)
    progressed = Signal(object)  # Progress
    staled = Signal()
    failed = Signal(object)  # exception
    chosen_changed = Signal()

    def __init__(self, document: Document, worker: Worker) -> None:
        super().__init__()
        self._document = document
        self.scope = Scope.PICTURE
        self.criterion, self.over = "", "all"
        #: Whether the settings in force are the ones around which is searched, instead of the nominal ones.
        self.in_force = False
        self.automatic = True
        #: What a table says that the pictures show, by their files, and that table.
        self.truths: Mapping[Path, Truth] = {}
        self.table: Path | None = None
        self.failure: Exception | None = None
        self._known: dict[Scope, tuple[ToleranceQuestion, Tolerance]] = {}
        self._asked: ToleranceQuestion | None = None
        self._aside = Aside(worker, "tolerance")
        self._aside.setParent(self)
        self._was_fresh = False
        self._stopped: ToleranceQuestion | None = None
        self._later = QTimer(self, singleShot=True, interval=PAUSE)
        self._later.timeout.connect(self._go_on)
        for signal in (
            document.settings_changed,
            document.nominal_changed,
            document.model_changed,
            document.region_changed,
            document.frame_changed,
            document.entries_changed,
            document.drag_ended,
        ):
            signal.connect(self._change)
        self._aside.delivered.connect(self._deliver)
        self._aside.ended.connect(self._end)
        self._aside.failed.connect(self._fail)

    # What is asked

    @property
    def question(self) -> ToleranceQuestion | None:
        """What is to be known now; None while a frame or a model is missing, or the model decides nothing."""
        document = self._document
        if document.frame is None or document.model is None or not decides(document.model):
            return None
        pictures = pick(document, self.scope == Scope.FRAMES, self.in_force, self.truths)
        over = self.over if self.scope == Scope.FRAMES else "all"
        return ToleranceQuestion(
            self.scope, pictures, document.model, self.criterion or default_of(document.model), over
        )

    @property
    def tolerance(self) -> Tolerance | None:
        """The tolerances of the chosen scope, current or not."""
        known = self._known.get(self.scope)
        return known[1] if known else None

    @property
    def answered(self) -> ToleranceQuestion | None:
        """What `tolerance` is of."""
        known = self._known.get(self.scope)
        return known[0] if known else None

    @property
    def fresh(self) -> bool:
        """Whether `tolerance` is of the question in force, complete or not."""
        known, question = self._known.get(self.scope), self.question
        return known is not None and question is not None and question.same(known[0])

    @property
    def running(self) -> bool:
        """Whether a search is on its way, or waits for its turn."""
        return self._aside.running

    @property
    def waits(self) -> bool:
        """Whether the chosen tolerances come only when they are asked for."""
        return self.scope == Scope.FRAMES or not self.automatic or self._is_large

    @property
    def current(self) -> bool:
        """Whether nothing is left to do unless it is asked for."""
        question = self.question
        if question is None or (self.failure is not None and question.same(self._asked)):
            return True
        if question.same(self._stopped):
            return True
        complete = self.fresh and self._known[self.scope][1].complete
        return complete or (self.waits and not self.running)

    @property
    def _is_large(self) -> bool:
        frame, region = self._document.frame, self._document.region
        size = (region.height, region.width) if region else frame.size if frame else (0, 0)
        return size[0] * size[1] > LARGE

    # What is chosen

    def choose(self, **chosen: Any) -> None:
        """Other values of `scope`, `criterion`, `over`, `in_force`, `automatic`, `truths` or `table`."""
        for name, value in chosen.items():
            setattr(self, name, value)
        self.chosen_changed.emit()
        self._change()
        self.tolerance_changed.emit(self.tolerance)

    def search(self) -> None:
        """Search now, also where that has to be asked for."""
        question = self.question
        if question is None:
            return
        self._later.stop()
        self._asked, self._stopped, self.failure = question, None, None
        self._aside.begin(partial(_searched, question))
        self.chosen_changed.emit()

    def stop(self) -> None:
        """End the search; what it has found stays."""
        self._later.stop()
        self._aside.stop()
        self._end(complete=False)

    # How it goes

    def _change(self) -> None:
        question, busy = self.question, self._document.dragging
        if self._aside.running and question is not None and question.same(self._asked):
            # The same search, but others come first: it goes on where it stopped.
            self._aside.hold()
            self._later.stop() if busy else self._later.start()
            return
        self._aside.stop()
        fresh = self.fresh
        if self._was_fresh and not fresh:  # once: a drag makes many changes
            self.staled.emit()
        self._was_fresh = fresh
        if question is None or busy or fresh or self.waits or question.same(self._stopped):
            self._later.stop()
        else:
            self._later.start()

    def _go_on(self) -> None:
        question = self.question
        if self._aside.running and question is not None and question.same(self._asked):
            self._aside.go_on()
        else:
            self.search()

    def _deliver(self, item: Any) -> None:
        if self._asked is None:
            return
        if hasattr(item, "complete"):  # not by its class, which needs torch
            self._known[self._asked.scope] = self._asked, item
            if self._asked.scope == self.scope:
                self._was_fresh = True
                self.tolerance_changed.emit(item)
        else:
            self.progressed.emit(item)

    def _end(self, complete: bool) -> None:
        if not complete:
            self._stopped = self._asked
        self.chosen_changed.emit()

    def _fail(self, error: Exception) -> None:
        if self._asked is not None:
            self.failure = error
            self._known.pop(self._asked.scope, None)
            self.failed.emit(error)


def decides(model: TaskModel) -> bool:
    """Whether there is a decision that could fail."""
    return str(model.task) in ("classification", "segmentation")


def default_of(model: TaskModel) -> str:
    """The criterion that asks for the least to be said."""
    return "drop<=0.02" if str(model.task) == "segmentation" else "prediction-unchanged"


def _searched(question: ToleranceQuestion) -> Iterator[Progress | Tolerance | None]:
    from driftlab.analysis.axes import axes_of
    from driftlab.analysis.criterion import parse_criterion
    from driftlab.analysis.tolerance import tolerances

    cases = yield from case_steps(question.pictures)
    axes = axes_of([case.settings for case in cases])
    yield from tolerances(cases, question.model, axes, parse_criterion(question.criterion, question.over))
