"""Bars of d target / d parameter for the picture that is shown, in natural or in normalized units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from driftlab.gui.document import Document
from driftlab.gui.explaining import Explaining
from driftlab.gui.numbers import MINUS, THIN, written
from driftlab.gui.titles import title_of
from driftlab.gui.widgets.notice import Notice
from driftlab.gui.widgets.sensitivity_bars import SensitivityBar, SensitivityBars
from driftlab.gui.widgets.target_box import TargetBox

if TYPE_CHECKING:
    from driftlab.analysis.sensitivity.sensitivities import Sensitivity, Table

__all__ = ["SensitivityPanel"]


class SensitivityPanel(QWidget):
    """What the answer hangs on."""

    shares_changed = Signal(object)

    def __init__(self, document: Document, explaining: Explaining) -> None:
        super().__init__()
        self._document, self._explaining = document, explaining
        self.bars = SensitivityBars()
        self.units = QComboBox()
        self.units.addItems(["normalized", "per unit"])
        self.units.setAccessibleName("Units of the sensitivities")
        self.units.setToolTip("Normalized: times the length of the slider, so that parameters can be compared")
        self.target = TargetBox()
        self.head = QLabel()
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.head.setEnabled(False)
        self.notice = Notice("With a frame and a task model, each parameter's pull on the answer is shown here.")
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has it
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.bars)
        full, rest = QWidget(), QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(8, 0, 0, 0)
        column.addWidget(self.head)
        column.addWidget(scroll, stretch=1)
        line = QHBoxLayout()
        line.setContentsMargins(8, 6, 8, 0)
        line.addWidget(self.target, stretch=1)
        line.addWidget(self.units)
        self._stack = QStackedLayout(rest)
        self._stack.addWidget(self.notice)
        self._stack.addWidget(full)
        # The target can be chosen where there is an error too: another one may be its mend.
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        column.addWidget(rest, stretch=1)
        self.units.hide()
        self.units.currentIndexChanged.connect(lambda _: self.show_table(explaining.table))
        self.bars.chosen.connect(explaining.select)
        self.target.chosen.connect(document.set_target)
        document.model_changed.connect(lambda _: self._show_targets())
        document.target_changed.connect(self.target.show_target)
        explaining.answered.connect(self._show_targets)
        explaining.table_changed.connect(self.show_table)
        explaining.selected_changed.connect(self.bars.show_selected)
        explaining.staled.connect(self._show_stale)
        explaining.failed.connect(self._show_failure)

    def show_table(self, table: Table | None) -> None:
        """The sensitivities known so far."""
        if table is None:
            return
        self._stack.setCurrentIndex(1)
        self.units.show()
        natural = self.units.currentIndex() == 1
        rows = table.ranked()
        if natural:
            rows = tuple(sorted(rows, key=lambda row: -abs(row.gradient)))
        values = [row.gradient if natural else row.normalized for row in rows]
        largest = max((abs(value) for value in values), default=0.0) or 1.0
        self.head.setText(f"{table.question.target} · {written(table.value, 2)}")
        self.head.setToolTip(table.no_heatmaps or "")
        bars = [
            SensitivityBar(
                row.key,
                title_of(self._document.settings, row.key),
                value / largest,
                self._number(row, value, natural),
                _help(row),
            )
            for row, value in zip(rows, values, strict=True)
        ]
        self.bars.show_rows(bars)
        self.bars.show_selected(self._explaining.selected)
        if not self._explaining.fresh:
            self.bars.show_stale()
            return
        strongest = max((abs(row.normalized) for row in rows), default=0.0) or 1.0
        self.shares_changed.emit({row.key: row.normalized / strongest for row in rows})

    def _show_targets(self, outputs: int = 0) -> None:
        """Those of the model, whose outputs are counted from its first answer where they have no names."""
        model = self._document.model
        if model is None:
            return
        labels = model.labels or tuple(str(index) for index in range(outputs))
        self.target.show_targets(model.task, labels)
        if labels and model.task not in ("classification", "segmentation") and self._document.target not in labels:
            self._document.set_target(labels[0])  # there is no margin
        self.target.show_target(self._document.target)

    def _number(self, row: Sensitivity, value: float, natural: bool) -> str:
        text = f"{value:.3g}".replace("-", MINUS)
        return f"{text}{THIN}/{THIN}{row.unit}" if natural and row.unit else text

    def _show_stale(self) -> None:
        self.bars.show_stale()
        self.shares_changed.emit(None)

    def _show_failure(self, error: Exception) -> None:
        self.notice.say_failed(error, self._explaining.ask_again)
        self._stack.setCurrentIndex(0)


def _help(row: Sensitivity) -> str:
    unit = f" per {row.unit}" if row.unit else ""
    how = {
        "exact": "exact derivative",
        "surrogate": "derivative with stand-ins where a stage has steps",
        "none": "no derivative",
    }[row.gradient_kind]
    if row.step is not None:
        how = f"difference over ±{row.step:.3g}"
    return (
        f"<b>{row.key}</b> at {row.value:.4g}<br>{row.gradient:.4g}{unit}<br>normalized {row.normalized:.4g} "
        f"(× {row.scale:.4g})<br>{how}<br><br>A click shows its heatmap, which sums to this number."
    )
