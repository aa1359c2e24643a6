"""Asks the worker for the model's answers to the settings in force, and knows which answer is to what.

Lives in the GUI's thread; the functions at the end run in the worker's.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from driftlab.gui.document import Document
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.isp.develop import Region
    from driftlab.isp.settings import Settings
    from driftlab.model.framing import Box
    from driftlab.model.prediction import Prediction, Segmentation
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.frame import RawFrame

__all__ = ["Answer", "Computing", "Flip", "Question", "is_segmentation"]

#: Samples up to which the model is asked about the exact picture during a drag too.
BUDGET: Final = 6_000_000


@dataclass(frozen=True, eq=False)
class Question:
    """What an answer is to."""

    frame: RawFrame
    settings: Settings
    model: TaskModel
    region: Region | None
    draft: bool = False
    #: Asked while a slider is dragged: the preview is to have its share of the processor.
    hurried: bool = False

    def same(self, other: Question | None) -> bool:
        """Whether the exact answer is the same."""
        return (
            other is not None
            and self.frame is other.frame
            and self.model is other.model
            and self.region == other.region
            and (self.settings is other.settings or self.settings == other.settings)
            and self.settings.pipeline is other.settings.pipeline
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model says, of what, and what it saw: display RGB uint8 `[h, w, 3]`, from `boxes` of the region."""

    prediction: Prediction | Segmentation
    question: Question
    view: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    seconds: float

    @property
    def top(self) -> str | None:
        """The label on top of a classification."""
        choices = getattr(self.prediction, "top", ())
        return choices[0].label if choices else None


@dataclass(frozen=True)
class Flip:
    """A decision that changed: from, to, and the key whose edit did it, where it was one."""

    before: str
    after: str
    key: str | None


class Computing(QObject):
    """The answers to the current question and to the nominal one."""

    answer_changed = Signal(object)
    nominal_changed = Signal(object)
    staled = Signal()
    flipped = Signal(object)
    failed = Signal(object)  # exception

    def __init__(self, document: Document, worker: Worker) -> None:
        super().__init__()
        self._document, self._worker = document, worker
        self.answer: Answer | None = None
        self.nominal: Answer | None = None
        self.flip: Flip | None = None
        self._generation = 0
        self._settled = 0  # up to which generation nobody waits any more: an answer may be on its way all the same
        self._soon = QTimer(self, singleShot=True, interval=0)  # one question for all that changes in one turn
        self._soon.timeout.connect(self._ask)
        for signal in (
            document.settings_changed,
            document.nominal_changed,
            document.model_changed,
            document.region_changed,
            document.drag_ended,
        ):
            signal.connect(self._change)
        document.frame_changed.connect(self._forget)
        document.model_changed.connect(self._forget)
        worker.delivered.connect(self._deliver)
        worker.failed.connect(self._fail)

    @property
    def question(self) -> Question | None:
        """What is to be answered now; None while a frame or a model is missing."""
        frame, settings, model = self._document.frame, self._document.settings, self._document.model
        if frame is None or settings is None or model is None:
            return None
        region = self._document.region
        samples = region.width * region.height if region else frame.size[0] * frame.size[1]
        dragging = self._document.dragging
        return Question(frame, settings, model, region, dragging and samples > BUDGET, dragging)

    @property
    def current(self) -> bool:
        """Whether the answer is the exact one to the settings in force."""
        question = self.question
        return question is None or (
            self.answer is not None and not self.answer.question.draft and self.answer.question.same(question)
        )

    def ask_again(self) -> None:
        """Another try, after a failure."""
        self._soon.start()

    def _forget(self) -> None:
        self.answer = self.nominal = self.flip = None

    def _change(self) -> None:
        if not self.current:
            self.staled.emit()
        self._soon.start()

    def _ask(self) -> None:
        question, nominal = self.question, self._document.nominal
        if question is None or nominal is None:
            return
        reference = Question(question.frame, nominal, question.model, self._document.region_at(nominal))
        wanted = [] if self.current else [question]
        if self.nominal is None or not self.nominal.question.same(reference):
            self.nominal = None
            wanted.append(reference)
        if wanted:
            self._generation = self._worker.submit("logits", partial(_answers, wanted))
        elif self.answer is not None:
            self._worker.cancel("logits")
            self._settled = self._generation
            self.answer_changed.emit(self.answer)

    def _deliver(self, kind: str, generation: int, item: Any) -> None:
        if kind != "logits" or item is None or generation <= self._settled:
            return
        question: Question = item.question
        now = self.question
        if now is None or question.frame is not now.frame or question.model is not now.model:
            return
        nominal = self._document.nominal
        if nominal is not None and question.same(
            Question(now.frame, nominal, now.model, self._document.region_at(nominal))
        ):
            if not question.draft:
                self.nominal = item
                self.nominal_changed.emit(item)
            if not question.same(now):
                return
        # In a drag an answer may be one value late: it is shown all the same, as stale, or none would ever be.
        before, self.answer = self.answer, item
        self._note_flip(before, item)
        self.answer_changed.emit(item)

    def _note_flip(self, before: Answer | None, now: Answer) -> None:
        if before is None or before.top is None or now.top is None or before.top == now.top:
            return
        self.flip = Flip(before.top, now.top, _cause(before.question, now.question, self._document.last_edit))
        self.flipped.emit(self.flip)

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if kind == "logits" and generation == self._generation:
            self.failed.emit(error)


def _cause(before: Question, now: Question, edit: str | None) -> str | None:
    """The key that lies between two answers: the only one that differs, or of several the one that was edited last."""
    then, settings = before.settings, now.settings
    if then.pipeline is not settings.pipeline:
        return None
    changed = [key for key in settings if settings[key] != then[key]]
    if len(changed) == 1:
        return changed[0]
    named = edit in changed or (changed and edit not in settings)  # an edit of several has a name of its own
    return edit if named else None


def is_segmentation(prediction: Prediction | Segmentation) -> TypeGuard[Segmentation]:
    """Whether it has a mask; asked without torch, which the class would need."""
    return hasattr(prediction, "mask")


def _answers(questions: list[Question]) -> Iterator[Answer | None]:
    """One answer a question, in their order; None where the work may be broken off."""
    from driftlab.parallel import one_thread

    done: list[Answer] = []
    for question in questions:
        same = next((each for each in done if each.question.same(question) and not each.question.draft), None)
        with one_thread() if question.hurried else nullcontext():
            if same is None:
                same = yield from _answer(question)
                yield same
        done.append(same)


def _answer(question: Question) -> Generator[None, None, Answer]:
    import torch

    from driftlab.isp.develop import Region, assemble, picture_size, tiles
    from driftlab.isp.draft import draft_frame, draft_settings, draft_side

    start = time.perf_counter()
    frame, settings, region = question.frame, question.settings, question.region
    if question.draft:
        samples = region.width * region.height if region else frame.size[0] * frame.size[1]
        side = draft_side(frame, samples, BUDGET // 4)
        frame, settings = draft_frame(frame, side), draft_settings(settings, side)
        if region:
            region = Region(region.left // side, region.top // side, region.width // side, region.height // side)
    height, width = picture_size(frame, settings)
    region = region.within((height, width)) if region else Region(0, 0, width, height)
    picture = torch.empty(1, 3, region.height, region.width)
    yield from assemble(tiles(frame, settings, region=region), region, picture[0].numpy())
    prediction = question.model.predict(picture)[0]
    framing = question.model.framing(picture)
    with torch.inference_mode():
        view = (question.model.view(picture)[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
    pixels = np.ascontiguousarray(view.numpy())
    return Answer(prediction, question, pixels, framing.boxes, time.perf_counter() - start)
