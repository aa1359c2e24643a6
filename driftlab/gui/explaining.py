"""Asks the worker what the answer hangs on, a moment after the last change, and knows what is of which settings.

Lives in the GUI's thread; the generator of `analysis.sensitivity.sensitivities` runs in the worker's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from driftlab.errors import DriftlabError
from driftlab.gui.computing import Answer, Computing, Question
from driftlab.gui.document import Document, Mask
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.analysis.sensitivity.sensitivities import Heatmap, Item, StageHeatmaps, Table

__all__ = ["Explaining"]

#: How long after the last change, in ms.
PAUSE: Final = 250
#: Pixels of a region up to which the heatmaps of all parameters are made, without being asked for one by one.
ALL: Final = 512 * 512


class ExplainingCanceled(DriftlabError):
    """Nobody wanted to wait for the sensitivities."""


class Explaining(QObject):
    """The sensitivities of the current answer, and the heatmaps there are."""

    table_changed = Signal(object)
    heatmap_changed = Signal(object)
    stages_changed = Signal(object)
    selected_changed = Signal(str)
    answered = Signal(int)  # how many outputs the model has; 0 for a segmentation
    staled = Signal()
    failed = Signal(object)  # exception

    def __init__(self, document: Document, computing: Computing, worker: Worker) -> None:
        super().__init__()
        self._document, self._computing, self._worker = document, computing, worker
        self.table: Table | None = None
        self.heatmaps: dict[str, Heatmap] = {}
        self.stages: StageHeatmaps | None = None
        self.selected = ""
        self.failure: Exception | None = None
        self._question: Question | None = None
        self._asked: Question | None = None
        self._generation = 0
        self._later = QTimer(self, singleShot=True, interval=PAUSE)
        self._later.timeout.connect(self._ask)
        for signal in (
            document.settings_changed,
            document.model_changed,
            document.region_changed,
            document.frame_changed,
            document.drag_ended,
        ):
            signal.connect(self._change)
        computing.answer_changed.connect(self._count)
        document.target_changed.connect(self._change_target)
        document.mask_changed.connect(self._change_mask)
        worker.delivered.connect(self._deliver)
        worker.failed.connect(self._fail)
        worker.dropped.connect(self._drop)

    @property
    def current(self) -> bool:
        """Whether the sensitivities, and the heatmap that is selected, are of the question in force."""
        question = self._computing.question
        if question is None:
            return True
        if self.failure is not None and self._asked is not None and self._asked.same(question):
            return True
        known = self.table is not None and self.table.share == 1 and question.same(self._question)
        wanted = self.table is not None and self.table.no_heatmaps is None and self._has_heatmap(self.selected)
        return known and (not wanted or self.selected in self.heatmaps)

    @property
    def fresh(self) -> bool:
        """Whether what is known, be it all or a part, is of the question in force."""
        question = self._computing.question
        return question is not None and question.same(self._question)

    def select(self, key: str) -> None:
        """Show this parameter's heatmap; one of earlier settings is waited for."""
        if key != self.selected:
            self.selected = key
            self.selected_changed.emit(key)
        if not self.fresh:
            return
        if key in self.heatmaps:
            self.heatmap_changed.emit(self.heatmaps[key])
        elif not self._later.isActive() and not self._document.dragging:
            self._ask()

    def ask_again(self) -> None:
        """Another try, after a failure."""
        self._later.start()

    def _has_heatmap(self, key: str) -> bool:
        rows = self.table.rows if self.table is not None else ()
        return any(row.key == key and row.step is None for row in rows)

    def _change(self) -> None:
        question = self._computing.question
        if question is None or question.same(self._asked):
            return
        self._worker.cancel("heatmap")
        self._asked = None
        self.staled.emit()
        if self._document.dragging:
            self._later.stop()
        else:
            self._later.start()

    def _change_target(self) -> None:
        """Another target is another question of the same settings."""
        self._question = self._asked = self.failure = None
        self._change()

    def _count(self, answer: Answer | None) -> None:
        if answer is not None:
            self.answered.emit(len(getattr(answer.prediction, "logits", ())))

    def _change_mask(self) -> None:
        if self._document.model is not None and self._document.model.task == "segmentation":
            self._change_target()

    def _ask(self) -> None:
        question = self._computing.question
        if question is None or question.draft:
            return
        if not question.same(self._question):
            self.heatmaps = {}
        self._asked, self.failure = question, None
        self._generation = self._worker.submit(
            "heatmap", partial(_explained, question, self.selected, self._document.target, self._document.mask)
        )

    def _deliver(self, kind: str, generation: int, item: Any) -> None:
        if kind != "heatmap" or generation != self._generation or self._asked is None:
            return
        name = type(item).__name__  # by name, for the classes need torch
        if name == "Table":
            self._question, self.table = self._asked, item
            self.table_changed.emit(item)
            if item.share == 1 and not self._has_heatmap(self.selected):
                best = next((row.key for row in item.ranked() if row.step is None), "")
                self.selected = best
                self.selected_changed.emit(best)
        elif name == "Heatmap":
            self.heatmaps[item.key] = item
            if item.key == self.selected:
                self.heatmap_changed.emit(item)
        elif name == "StageHeatmaps":
            self.stages = item
            self.stages_changed.emit(item)

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if kind == "heatmap" and generation == self._generation:
            self.failure = error
            self.failed.emit(error)

    def _drop(self, kind: str, generation: int) -> None:
        if kind == "heatmap" and generation == self._generation and self._asked is not None:  # nothing newer: by hand
            self._fail(kind, generation, ExplainingCanceled("The sensitivities were canceled."))


def _explained(question: Question, selected: str, target: str | None, mask: Mask | None) -> Iterator[Item]:
    from driftlab.analysis.sensitivity.sensitivities import Table
    from driftlab.isp.develop import picture_size
    from driftlab.isp.linearized import actives

    frame, settings, region = question.frame, question.settings, question.region
    height, width = (region.height, region.width) if region else picture_size(frame, settings)
    ask = partial(_sensitivities, question, target, mask)
    if height * width <= ALL:
        yield from ask(stage_heatmaps=True)
        return
    wanted = [selected] if selected in {each.key for each in actives(settings)} else []
    best = ""
    for item in ask(heatmaps=wanted):
        if isinstance(item, Table) and item.share == 1:
            best = next((row.key for row in item.ranked() if row.step is None), "")
        yield item
    if best and not wanted:  # nobody has chosen yet: the strongest
        yield from ask(heatmaps=[best])


def _sensitivities(
    question: Question,
    target: str | None,
    mask: Mask | None,
    *,
    heatmaps: list[str] | None = None,
    stage_heatmaps: bool = False,
) -> Iterator[Item]:
    import torch

    from driftlab.analysis.sensitivity.sensitivities import sensitivities
    from driftlab.data.mask import mask_on

    frame, settings, model, region = question.frame, question.settings, question.model, question.region
    against = None
    if mask is not None and model.task == "segmentation":
        against = mask_on(torch.from_numpy(mask.indices), frame, settings, region)
    yield from sensitivities(
        frame,
        settings,
        model,
        region=region,
        target=target,
        mask=against,
        heatmaps=heatmaps,
        stage_heatmaps=stage_heatmaps,
    )
