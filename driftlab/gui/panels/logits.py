"""The model's answer now against nominal: logits, probability, margin; of a segmentation, areas and IoU."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget
from superqt import QElidingLabel

from driftlab.gui import theme
from driftlab.gui.class_colors import class_color, is_ground
from driftlab.gui.computing import Answer, Computing, is_segmentation
from driftlab.gui.document import Document
from driftlab.gui.numbers import change, decimals, written
from driftlab.gui.reference import reference_for
from driftlab.gui.widgets.logit_bars import BarRow, LogitBars
from driftlab.gui.widgets.notice import Notice
from driftlab.gui.widgets.still_label import StillLabel
from driftlab.gui.widgets.strip import Strip

if TYPE_CHECKING:
    from driftlab.isp.stage import Param
    from driftlab.model.prediction import Prediction, Segmentation

__all__ = ["LogitsPanel"]

SHOWN: Final = 5


class LogitsPanel(QWidget):
    """What the model says."""

    model_asked = Signal()

    def __init__(self, document: Document, computing: Computing) -> None:
        super().__init__()
        self._document, self._computing = document, computing
        self._last_flip: object = None
        self._trouble = ""  # why a mask can't be held against the answer
        self.head = QElidingLabel()
        self.state = StillLabel("for earlier settings")
        self.bars = LogitBars()
        self.margin = StillLabel("mean IoU 0.000 against the mask")
        self.flip = QLabel()
        self.strip = Strip()
        self.notice = Notice("")
        self._lay_out()
        self._await()
        document.model_changed.connect(lambda: self._await())
        document.frame_changed.connect(self._await)
        computing.answer_changed.connect(self.show_answer)
        computing.nominal_changed.connect(lambda _: self.show_answer(computing.answer))
        document.mask_changed.connect(lambda _: self.show_answer(computing.answer))
        computing.staled.connect(self._show_stale)
        computing.failed.connect(self._show_failure)

    def _lay_out(self) -> None:
        self._stack = QStackedLayout(self)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.head.setEnabled(False)
        self.flip.setTextFormat(Qt.TextFormat.RichText)
        self.flip.setWordWrap(True)  # names of classes can be long, and must not widen the window
        self.margin.setFont(theme.numeric(self.font()))
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        top.addWidget(self.head, stretch=1)
        top.addWidget(self.state)
        bottom.setSpacing(12)
        bottom.addWidget(self.margin, alignment=Qt.AlignmentFlag.AlignLeft)
        bottom.addWidget(self.strip, stretch=1)
        column.addLayout(top)
        column.addWidget(self.bars)
        column.addLayout(bottom)
        column.addWidget(self.flip)
        column.addStretch(1)
        self._stack.addWidget(self.notice)
        self._stack.addWidget(full)
        self.flip.hide()

    def show_answer(self, answer: Answer | None) -> None:
        """An answer; the nominal one beside it as soon as it is known."""
        if answer is None:
            return
        self._stack.setCurrentIndex(1)
        stale = not self._computing.current and not answer.question.draft
        model, frame = answer.question.model, answer.question.frame
        seen = answer.question.region
        part = f"region {seen.left},{seen.top} {seen.width} × {seen.height}" if seen else "whole picture"
        self.head.setText(f"{model.source.name} · {frame.name} · {part}")
        self.head.setToolTip(f"model sha256 {model.sha256}<br>frame sha256 {frame.sha256}")
        self._say_state(answer.question.draft, stale, answer.seconds)
        nominal = self._computing.nominal
        reference = nominal.prediction if nominal is not None else None
        self._trouble = ""
        if is_segmentation(answer.prediction):
            self._show_segmentation(answer, answer.prediction, cast("Segmentation | None", reference), stale)
        else:
            self._show_prediction(cast("Prediction", answer.prediction), cast("Prediction | None", reference), stale)
        self._show_flip(stale)

    def _show_prediction(self, prediction: Prediction, reference: Prediction | None, stale: bool) -> None:
        logits = prediction.logits.tolist()
        other = None if reference is None else reference.logits.tolist()
        labels = self._document.model.labels if self._document.model else ()
        if prediction.top:
            shown = [choice.index for choice in prediction.top[:SHOWN]]
            if reference is not None and reference.top and reference.top[0].index not in shown:
                shown[-1] = reference.top[0].index
            odds = prediction.logits.double().softmax(0).tolist()
        else:
            shown, odds = list(range(min(len(logits), SHOWN))), None
        rows = [
            BarRow(
                labels[index] if index < len(labels) else str(index),
                logits[index],
                None if other is None else other[index],
                "" if odds is None else _percent(odds[index]),
            )
            for index in shown
        ]
        self.bars.show_rows(rows, stale=stale)
        self.strip.setVisible(prediction.margin is not None)
        if prediction.margin is not None:
            text = f"margin {written(prediction.margin, 2)}"
            if reference is not None and reference.margin is not None:
                moved = change(prediction.margin - reference.margin, 2)
                text += f"  ({moved})" if moved != change(0.0, 2) else ""
            self.margin.setText(text)
            flip = self._computing.flip
            self.strip.add(prediction.margin, flip is not None and flip is not self._last_flip)
            self._last_flip = flip

    def _show_segmentation(
        self, answer: Answer, segmentation: Segmentation, reference: Segmentation | None, stale: bool
    ) -> None:
        areas = {area.index: area.share for area in segmentation.areas}
        before = {area.index: area.share for area in reference.areas} if reference is not None else None
        against = reference_for(answer, self._computing.nominal, self._document.mask)
        agreement = None if against.mask is None else segmentation.iou(against.mask).tolist()
        missed = [index for index, value in enumerate(agreement or []) if value == 0 and index not in areas]
        areas |= dict.fromkeys(missed, 0.0)
        rows = [
            BarRow(
                segmentation.labels[index],
                100 * share,
                None if before is None else 100 * before.get(index, 0.0),
                "" if agreement is None or agreement[index] != agreement[index] else f"IoU {agreement[index]:.3f}",
                None if is_ground(segmentation.labels[index]) else class_color(index),
            )
            for index, share in [*areas.items()][:SHOWN]
        ]
        self.bars.show_rows(rows, places=1, stale=stale)
        self.strip.setVisible(False)  # of margins, which a mask has none of
        known = [value for value in agreement or [] if value == value]
        name = "nominal" if self._document.mask is None else "the mask"
        self.margin.setText(f"mean IoU {sum(known) / len(known):.3f} against {name}" if known else "areas in %")
        self.margin.setToolTip(f"Against {against.name}")
        self._trouble = against.trouble

    def _show_flip(self, stale: bool) -> None:
        nominal, answer = self._computing.nominal, self._computing.answer
        if nominal is None or answer is None or answer.top is None or nominal.top == answer.top or stale:
            self.flip.setText(self._trouble)
            self.flip.setVisible(bool(self._trouble))
            return
        flip = self._computing.flip
        key = flip.key if flip is not None and flip.after == answer.top else None
        now, then = answer.question.settings, nominal.question.settings
        changed = [each for each in now if now[each] != then[each]] if now.pipeline is then.pipeline else []
        if len(changed) == 1:  # nothing else can have done it
            key = changed[0]
        by = f" by <b>{escape(self._title(key))}</b>" if key else ""
        before, after = escape(nominal.top or ""), escape(answer.top)
        mark = theme.color("violated").name()
        self.flip.setText(
            f"<span style='color:{mark}'>⚑</span> Decision changed from <b>{before}</b> to <b>{after}</b>{by}"
        )
        self.flip.show()

    def _title(self, key: str) -> str:
        settings = self._document.settings
        if settings is None or key not in settings:
            return key
        declared = settings.pipeline.keys[key]
        value = settings[key]
        name = declared.label if declared is not None else settings.pipeline.stage(key.partition(".")[0]).title
        if isinstance(value, bool):
            return f"{name} switched {'on' if value else 'off'}"
        if not isinstance(value, float):
            return f"{name} {value}"
        declared = cast("Param", declared)
        return f"{name} {written(value, decimals(declared.low, declared.high, declared.integer), declared.unit)}"

    def _say_state(self, draft: bool, stale: bool, seconds: float) -> None:
        said = "draft" if draft else "for earlier settings" if stale else f"exact · {seconds * 1000:.0f} ms"
        self.state.setText(said)
        self.state.setEnabled(not stale)

    def _show_stale(self) -> None:
        if not self._document.dragging:
            self.bars.show_stale(True)
            self.state.setText("for earlier settings")

    def _await(self) -> None:
        self.strip.clear()
        self._last_flip = None
        if self._document.model is None:
            choose = [("Choose a model …", self.model_asked.emit)]
            self.notice.say("The model's answer appears here as soon as there is a task model.", choose)
            self._stack.setCurrentIndex(0)
        elif self._document.frame is None:
            self.notice.say("The model is ready: open a frame to ask it about.")
            self._stack.setCurrentIndex(0)
        else:
            self._show_stale()

    def _show_failure(self, error: Exception) -> None:
        self.bars.show_stale(True)
        self.notice.say_failed(error, self._computing.ask_again)
        self._stack.setCurrentIndex(0)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u2009%" if share >= 0.001 else "<0.1\u2009%"
