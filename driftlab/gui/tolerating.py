"""Asks the worker how far every parameter may go, and knows of which settings, pictures and criterion that is.

For the picture that is shown it asks by itself, when nothing else is to be done; for all frames when it is told to.
Lives in the GUI's thread; the generator of `analysis.tolerance.tolerances` runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from driftlab.gui.aside import Aside
from driftlab.gui.document import Document
from driftlab.gui.picked import Picked, case_steps, pick, same_pictures
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.analysis.tolerance.findings import Tolerance
    from driftlab.analysis.tolerance.tolerances import Progress
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
        self._known: dict[Scope, tuple[ToleranceQuestion, Tolerance]] = {}
        self._aside = Aside(self, worker, "tolerance", PAUSE, _searched)
        self._aside.signals.delivered.connect(self._deliver)
        self._aside.signals.changed.connect(self.chosen_changed)
        self._aside.signals.failed.connect(self._fail)
        self._was_fresh = False
        for signal in (
            document.settings_changed,
            document.nominal_changed,
            document.model_changed,
            document.region_changed,
            document.frame_changed,
            document.entries_changed,
            document.mask_changed,
            document.drag_ended,
        ):
            signal.connect(self._change)

    # What is asked

    @property
    def question(self) -> ToleranceQuestion | None:
        """What is to be known now; None while a frame or a model is missing, or the model decides nothing."""
        document = self._document
        if document.frame is None or document.model is None or not decides(document.model):
            return None
        pictures = pick(document, self.scope == Scope.FRAMES, self.in_force, self.truths)
        over = self.over if self.scope == Scope.FRAMES else "all"
        return ToleranceQuestion(self.scope, pictures, document.model, self.criterion_of(document.model), over)

    def criterion_of(self, model: TaskModel) -> str:
        """The criterion for this model: the one that is chosen, or the one that asks for the least to be said."""
        return self.criterion or ("drop<=0.02" if str(model.task) == "segmentation" else "prediction-unchanged")

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
        return self.scope == Scope.FRAMES or not self.automatic or self.is_large

    @property
    def current(self) -> bool:
        """Whether nothing is left to do unless it is asked for."""
        question = self.question
        if question is None or self._complete or self._aside.is_over(question):
            return True
        return self.waits and not self.running

    @property
    def failure(self) -> Exception | None:
        """Why there are none for the question in force."""
        question = self.question
        return self._aside.failure if question is not None and question.same(self._aside.asked) else None

    @property
    def _complete(self) -> bool:
        tolerance = self.tolerance
        return tolerance is not None and tolerance.complete and self.fresh

    @property
    def is_large(self) -> bool:
        """Whether a picture takes so long that it is not searched without being asked for."""
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
        if question is not None:
            self._aside.begin(question)

    def stop(self) -> None:
        """End it; what it has found stays."""
        self._aside.stop()

    def _change(self) -> None:
        question, fresh = self.question, self.fresh
        if self._was_fresh and not fresh:  # once: a drag makes many changes
            self.staled.emit()
        self._was_fresh = fresh
        wanted = not self.waits and not self._complete
        self._aside.follow(question, busy=self._document.dragging, wanted=wanted)

    def _deliver(self, item: Any) -> None:
        asked = self._aside.asked
        if asked is None:
            return
        if hasattr(item, "complete"):  # not by its class, which needs torch
            self._known[asked.scope] = asked, item
            if asked.scope == self.scope:
                self._was_fresh = True
                self.tolerance_changed.emit(item)
        else:
            self.progressed.emit(item)

    def _fail(self, error: Exception) -> None:
        if self._aside.asked is not None:
            self._known.pop(self._aside.asked.scope, None)
            self.failed.emit(error)


def decides(model: TaskModel) -> bool:
    """Whether there is a decision that could fail."""
    return str(model.task) in ("classification", "segmentation")


def _searched(question: ToleranceQuestion) -> Iterator[Progress | Tolerance | None]:
    from driftlab.analysis.axes import axes_of
    from driftlab.analysis.criterion import parse_criterion
    from driftlab.analysis.tolerance.tolerances import tolerances

    criterion = parse_criterion(question.criterion, question.over)
    cases = yield from case_steps(question.pictures, question.model, accuracy=criterion.takes_accuracy)
    axes = axes_of([case.settings for case in cases])
    yield from tolerances(cases, question.model, axes, criterion)
