"""Asks the worker for the curve along a parameter, or the map over two, and knows of which settings and pictures it is.

Lives in the GUI's thread; the generator of `analysis.sweep` runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from driftlab.gui.aside import Aside
from driftlab.gui.computing import Computing
from driftlab.gui.document import Document
from driftlab.gui.picked import Picked, case_steps, pick, same_pictures
from driftlab.gui.tolerating import Scope, Tolerating, decides
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.analysis.sweep import Curve, Map
    from driftlab.model.task_model import TaskModel

__all__ = ["SweepQuestion", "Sweeping"]

#: After the tolerances.
PAUSE: Final = 600
#: Places along a parameter: of a curve, of a map.
POINTS: Final = {1: 49, 2: 25}


@dataclass(frozen=True, eq=False)
class SweepQuestion:
    """What a curve or map is of. `reference` is the class whose margin it is, where no table says it."""

    keys: tuple[str, ...]
    scope: Scope
    pictures: tuple[Picked, ...]
    model: TaskModel
    criterion: str
    over: str
    reference: str | None

    def same(self, other: SweepQuestion | None) -> bool:
        """Whether the answer is the same."""
        return (
            other is not None
            and (self.keys, self.scope, self.criterion, self.over, self.reference)
            == (other.keys, other.scope, other.criterion, other.over, other.reference)
            and self.model is other.model
            and same_pictures(self.pictures, other.pictures)
        )


class Sweeping(QObject):
    """The curve or map of the parameters that are chosen, as far as it is known."""

    #: A Curve or a Map; of the question in force unless `staled` came after it.
    found_changed = Signal(object)
    staled = Signal()
    failed = Signal(object)  # exception
    chosen_changed = Signal()

    def __init__(self, document: Document, computing: Computing, tolerating: Tolerating, worker: Worker) -> None:
        super().__init__()
        self._document, self._computing, self._tolerating = document, computing, tolerating
        self.keys: tuple[str, ...] = ()
        self.scope = Scope.PICTURE
        #: Whether the other settings of the picture are those in force; of all frames they are always the nominal ones.
        self.in_force = True
        #: Whether anybody looks: without, nothing is asked.
        self.watched = False
        self.found: Curve | Map | None = None
        self.answered: SweepQuestion | None = None
        self._was_fresh = False
        self._aside = Aside(self, worker, "sweep", PAUSE, _swept)
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
            computing.nominal_changed,
            tolerating.chosen_changed,
        ):
            signal.connect(self._change)

    @property
    def question(self) -> SweepQuestion | None:
        """What is to be known now; None while something is missing, or nobody looks."""
        document, chosen = self._document, self._tolerating
        settings, model = document.settings, document.model
        if not self.watched or settings is None or model is None or not decides(model) or not self.keys:
            return None
        if any(key not in settings for key in self.keys):
            return None
        several = self.scope == Scope.FRAMES
        around_current = self.in_force and not several
        pictures = pick(document, several, around_current, chosen.truths)
        if around_current and document.nominal is not None:
            # What is swept is swept from nominal: its slider moves along the curve, and not the curve.
            own = {key: document.nominal[key] for key in self.keys if key in document.nominal}
            pictures = tuple(replace(each, settings=settings.changed(own)) for each in pictures)
        reference = None
        if around_current and str(model.task) == "classification" and pictures[0].truth is None:
            nominal = self._computing.nominal
            if nominal is None or nominal.top is None:
                return None
            reference = nominal.top  # so that the margin is below 0 where the decision is no longer the nominal one
        criterion = chosen.criterion_of(model)
        over = chosen.over if several else "all"
        return SweepQuestion(self.keys, self.scope, pictures, model, criterion, over, reference)

    @property
    def fresh(self) -> bool:
        """Whether what is known is of the question in force, complete or not."""
        question = self.question
        return self.found is not None and question is not None and question.same(self.answered)

    @property
    def running(self) -> bool:
        """Whether it is on its way."""
        return self._aside.running

    @property
    def current(self) -> bool:
        """Whether nothing is left to do unless it is asked for."""
        question = self.question
        if question is None or self._complete or self._aside.is_over(question):
            return True
        return self.waits and not self.running

    @property
    def failure(self) -> Exception | None:
        """Why there is none for the question in force."""
        question = self.question
        return self._aside.failure if question is not None and question.same(self._aside.asked) else None

    @property
    def _complete(self) -> bool:
        return self.found is not None and self.found.share == 1 and self.fresh

    @property
    def waits(self) -> bool:
        """Whether it comes only when it is asked for."""
        return self.scope == Scope.FRAMES or self._tolerating.is_large

    def choose(self, **chosen: Any) -> None:
        """Other values of `keys`, `scope`, `in_force` or `watched`."""
        if any(getattr(self, name) != value for name, value in chosen.items()):
            for name, value in chosen.items():
                setattr(self, name, value)
            self.chosen_changed.emit()
            self._change()

    def search(self) -> None:
        """Search now, also where that has to be asked for."""
        question = self.question
        if question is not None:
            self._aside.begin(question)

    def stop(self) -> None:
        """End it; what is known stays."""
        self._aside.stop()

    def _change(self) -> None:
        question, fresh = self.question, self.fresh
        if self._was_fresh and not fresh:  # once: a drag makes many changes
            self.staled.emit()
        self._was_fresh = fresh
        wanted = not self.waits and not self._complete
        self._aside.follow(question, busy=self._document.dragging, wanted=wanted)

    def _deliver(self, item: Any) -> None:
        self.found, self.answered, self._was_fresh = item, self._aside.asked, True
        self.found_changed.emit(item)

    def _fail(self, error: Exception) -> None:
        self.found = None
        self.failed.emit(error)


def _swept(question: SweepQuestion) -> Iterator[Curve | Map | None]:
    from driftlab.analysis.criterion import parse_criterion
    from driftlab.analysis.sweep import sweep

    criterion = parse_criterion(question.criterion, question.over)
    cases = yield from case_steps(question.pictures, question.model, accuracy=criterion.takes_accuracy)
    if question.reference is not None:
        cases = [replace(case, label=question.reference) for case in cases]
        if criterion.self_labeled:
            criterion = parse_criterion("margin>=0")
    axes = dict.fromkeys(question.keys)
    yield from sweep(cases, question.model, axes, criterion, points=POINTS[len(axes)])
