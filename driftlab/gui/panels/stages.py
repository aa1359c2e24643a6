"""The data model: pipeline, presets, and a group of controls for every stage.

Knows no particular stage, but that white balance has a second way to its gains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QScrollArea, QToolButton, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from driftlab.errors import DriftlabError
from driftlab.gui.document import Document
from driftlab.gui.problem import Problem
from driftlab.gui.widgets.band import Band
from driftlab.gui.widgets.stage_group import StageGroup, Steady
from driftlab.gui.widgets.temperature_rows import TemperatureRows

if TYPE_CHECKING:
    from driftlab.isp.pipeline import Pipeline
    from driftlab.isp.stage import Stage, Value

__all__ = ["StagesPanel"]


class StagesPanel(QWidget):
    """Everything that can be set."""

    failed = Signal(object)

    def __init__(self, document: Document, store: QSettings) -> None:
        super().__init__()
        self._document, self._store = document, store
        self._pipeline: Pipeline | None = None
        self.groups: dict[str, StageGroup] = {}
        self.temperature: TemperatureRows | None = None
        self.chooser = Steady()
        self.chooser.setAccessibleName("Pipeline")
        self.presets = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.presets.setText("Presets ")
        self.presets.setToolTip("As shot, the camera sets of the paper, and your own")
        self.presets.setMenu(QMenu(self))
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 8, 6)
        head.addWidget(self.chooser, stretch=1)
        head.addWidget(self.presets)
        self._head = QWidget()
        self._head.setLayout(head)
        self._empty = QLabel("Open a frame: its settings come as shot.")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setEnabled(False)
        self._list = QWidget()
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 0, 0, 8)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has it
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(self._empty, stretch=1)
        column.addWidget(self._scroll, stretch=1)
        self._head.hide()
        self._scroll.hide()
        self.setMinimumWidth(300)
        self.chooser.currentTextChanged.connect(self._choose)
        document.settings_changed.connect(self.show_settings)
        document.nominal_changed.connect(self.show_settings)

    def show_settings(self) -> None:
        """The settings in force, against the nominal ones, without announcing an edit."""
        settings, nominal = self._document.settings, self._document.nominal
        if settings is None or nominal is None or nominal.pipeline is not settings.pipeline:
            return
        if settings.pipeline is not self._pipeline:
            self._build(settings.pipeline)
        for group in self.groups.values():
            group.show_settings(settings, nominal)
        if self.temperature is not None and self._document.frame is not None:
            self.temperature.show_settings(self._document.frame, settings, nominal)

    def show_sensitivities(self, shares: dict[str, float] | None) -> None:
        """The thin bars below the tracks."""
        for group in self.groups.values():
            group.show_sensitivities(shares)

    def show_bands(self, bands: dict[str, Band]) -> None:
        """The tolerances on the tracks, by key."""
        for group in self.groups.values():
            for key, row in group.rows.items():
                row.show_band(bands.get(key))

    def reveal(self, key: str) -> None:
        """Open the group of a key and bring its row in sight."""
        group = self.groups.get(key.partition(".")[0])
        if group is not None:
            group.set_open(True)
            self._scroll.ensureWidgetVisible(group.rows.get(key, group))

    def show_focused(self) -> None:
        """Bring the control that has the focus in sight, if it is one of these."""
        focused = self.window().focusWidget()
        if self._list.isAncestorOf(focused):
            self._scroll.ensureWidgetVisible(focused)

    def _build(self, pipeline: Pipeline) -> None:
        from driftlab.isp.pipeline import PIPELINES

        self._pipeline = pipeline
        with signals_blocked(self.chooser):
            self.chooser.clear()
            for each in PIPELINES.values():
                self.chooser.addItem(each.name)
                self.chooser.setItemData(self.chooser.count() - 1, each.help, Qt.ItemDataRole.ToolTipRole)
            self.chooser.setCurrentText(pipeline.name)
        self.chooser.setToolTip(pipeline.help)
        for group in self.groups.values():
            self._column.removeWidget(group)
            group.setParent(None)
            group.deleteLater()
        self.groups.clear()
        self.temperature = None
        for stage in pipeline.stages:
            group = StageGroup(stage, self._is_open(stage))
            group.edited.connect(self._edit)
            group.drag_began.connect(self._document.drag_begin)
            group.drag_over.connect(self._document.drag_end)
            group.reset_asked.connect(self._document.reset)
            group.opened.connect(lambda name, is_open: self._store.setValue(f"open/{name}", is_open))
            self.groups[stage.name] = group
            self._column.insertWidget(self._column.count() - 1, group)
        if "white_balance" in self.groups:
            self._add_temperature(self.groups["white_balance"])
        self._empty.hide()
        self._head.show()
        self._scroll.show()

    def _add_temperature(self, group: StageGroup) -> None:
        rows = self.temperature = TemperatureRows()
        rows.edited.connect(self._edit_several)
        rows.drag_began.connect(self._document.drag_begin)
        rows.drag_over.connect(self._document.drag_end)
        rows.reset_asked.connect(self._document.reset)
        group.add_above(rows)

    def _is_open(self, stage: Stage) -> bool:
        """As it was left; at first, stages of a few sliders are open."""
        left = self._store.value(f"open/{stage.name}")
        if left is not None:
            return left in (True, "true")
        shown = [param for param in stage.params if not param.advanced and not param.when]
        return 1 <= len(shown) <= 3

    def _edit(self, key: str, value: Value) -> None:
        try:
            self._document.set(key, value)
        except DriftlabError as error:
            self.failed.emit(Problem.of(error))
            self.groups[key.partition(".")[0]].forget()
            self.show_settings()

    def _edit_several(self, changes: dict[str, Value], edit: str) -> None:
        try:
            self._document.set_several(changes, edit)
        except DriftlabError as error:
            self.failed.emit(Problem.of(error))
            if self.temperature is not None:
                self.temperature.forget()
            self.show_settings()

    def _choose(self, name: str) -> None:
        try:
            self._document.choose_pipeline(name)
        except DriftlabError as error:
            self.failed.emit(Problem.of(error))
