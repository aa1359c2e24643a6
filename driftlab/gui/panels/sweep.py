"""What becomes of the answers along one parameter, or over two: a curve or a map, and the settings that a click sets.

pyqtgraph is imported with the first curve, not with the window.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel
from superqt.utils import signals_blocked

from driftlab.errors import DriftlabError
from driftlab.gui.bands import position, position_of, value_at
from driftlab.gui.document import Document
from driftlab.gui.sweep_words import answer_at, axes_in, is_curve, is_map
from driftlab.gui.sweeping import Sweeping
from driftlab.gui.titles import title_of
from driftlab.gui.tolerance_copy import csv_text
from driftlab.gui.tolerating import Scope, decides
from driftlab.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from driftlab.gui.widgets.curve_plot import CurvePlot
    from driftlab.gui.widgets.map_plot import MapPlot
    from driftlab.isp.settings import Settings

__all__ = ["SweepPanel"]

NEEDS: Final = "With a frame and a task model, the answer along a parameter, or over two, is drawn here."
ALONE: Final = "one parameter"


class SweepPanel(QWidget):
    """A curve, or a map."""

    copied = Signal(str)
    failed = Signal(object)  # exception

    def __init__(self, document: Document, sweeping: Sweeping) -> None:
        super().__init__()
        self._document, self._sweeping = document, sweeping
        self.across, self.up, self.scope = QComboBox(), QComboBox(), QComboBox()
        self.in_force = QAction("Around the current settings", self, checkable=True, checked=sweeping.in_force)
        self.search, self.more = QPushButton("Draw"), QToolButton()
        self.state, self.bar = QElidingLabel(), QProgressBar(textVisible=False)
        self.notice = Notice(NEEDS)
        self.curve: CurvePlot | None = None
        self.map: MapPlot | None = None
        self._pipeline: object = None
        self._plots = QStackedLayout()
        self._full = QWidget()
        self._stack = QStackedLayout(self)
        self._prepare()
        self._lay_out()
        self.across.currentIndexChanged.connect(lambda _: self._choose())
        self.up.currentIndexChanged.connect(lambda _: self._choose())
        self.scope.currentTextChanged.connect(lambda _: self._choose())
        self.in_force.toggled.connect(lambda _: self._choose())
        self.search.clicked.connect(lambda: sweeping.stop() if sweeping.running else sweeping.search())
        sweeping.found_changed.connect(lambda _: self.show_found())
        sweeping.staled.connect(self.show_found)
        sweeping.chosen_changed.connect(self.show_found)
        sweeping.failed.connect(lambda _: self.show_found())
        for signal in (
            document.settings_changed,
            document.nominal_changed,
            document.frame_changed,
            document.model_changed,
            document.entries_changed,
        ):
            signal.connect(lambda *_: self._show_document())

    def show_key(self, key: str) -> None:
        """Another parameter along the bottom."""
        at = self.across.findData(key)
        if at >= 0:
            self.across.setCurrentIndex(at)

    def show_found(self) -> None:
        """What is known, or that it is of earlier settings."""
        sweeping = self._sweeping
        found, running, failure = sweeping.found, sweeping.running, sweeping.failure
        self.search.setText("Stop" if running else "Draw")
        self.bar.setVisible(running)
        for action in self._copies:
            action.setEnabled(found is not None)
        if failure is not None and not running:
            self.notice.say_failed(failure, sweeping.search)
            self._plots.setCurrentIndex(0)
            return
        if found is None or sweeping.answered is None:
            waits = sweeping.waits and not running
            self.notice.say("It is drawn when asked." if waits else "", [("Draw", sweeping.search)] if waits else [])
            self._plots.setCurrentIndex(0)
            return
        stale = not sweeping.fresh
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * found.share))
        names = [title_of(self._document.settings, key) for key in sweeping.answered.keys]
        if is_map(found):
            self._map_plot().show_map(found, ("", names[1]), stale=stale)
            self._plots.setCurrentWidget(self._map_plot())
        elif is_curve(found):
            self._curve_plot().show_curve(found, stale=stale)
            self._plots.setCurrentWidget(self._curve_plot())
        self._mark()
        self._say(None)

    def _show_document(self) -> None:
        document = self._document
        settings, model = document.settings, document.model
        ready = settings is not None and model is not None and decides(model)
        if model is not None and not decides(model):
            self.notice_none.say(f"A model for {model.task} makes no decision: there is nothing to draw.")
        else:
            self.notice_none.say(NEEDS)
        self._stack.setCurrentIndex(int(ready))
        if settings is not None:
            self._fill(_movable(settings))
        several = len(document.entries) > 1
        self.scope.setEnabled(several)
        self.scope.setToolTip("" if several else "Open several frames to ask about them together")
        self._mark()

    def _fill(self, keys: list[str]) -> None:
        """The parameters that have an effect, in both boxes."""
        if keys == [self.across.itemData(at) for at in range(self.across.count())]:
            return
        chosen = self._sweeping.keys
        for box, first in ((self.across, ""), (self.up, ALONE)):
            with signals_blocked(box):
                box.clear()
                if first:
                    box.addItem(first, "")
                for key in keys:
                    box.addItem(title_of(self._document.settings, key), key)
        with signals_blocked(self.across), signals_blocked(self.up):
            first, second = (*chosen, "", "")[:2]
            self.across.setCurrentIndex(max(self.across.findData(first), 0))
            self.up.setCurrentIndex(max(self.up.findData(second), 0))
        self._choose()

    def _choose(self) -> None:
        first, second = self.across.currentData() or "", self.up.currentData() or ""
        keys = tuple(dict.fromkeys(key for key in (first, second) if key))
        scope = Scope(self.scope.currentText())
        self._sweeping.choose(keys=keys, scope=scope, in_force=self.in_force.isChecked())
        self.show_found()

    # Places

    def _mark(self) -> None:
        """Where nominal and current are."""
        found, settings, nominal = self._sweeping.found, self._document.settings, self._document.nominal
        if found is None or settings is None or nominal is None:
            return
        axes = axes_in(found)
        if any(axis.key not in settings or axis.key not in nominal for axis in axes):
            return
        places = [
            tuple(position_of(axis, each.number(axis.key), nominal.number(axis.key)) for axis in axes)
            for each in (nominal, settings)
        ]
        if len(axes) == 2 and self.map is not None:
            self.map.show_marks(*places)
        elif self.curve is not None:
            self.curve.show_marks(places[0][0], places[1][0])

    def _pick(self, places: tuple[float, ...]) -> None:
        """Set the parameters to where was clicked, as one step."""
        found, settings, nominal = self._sweeping.found, self._document.settings, self._document.nominal
        if found is None or settings is None or nominal is None:
            return
        values = {
            axis.key: value_at(axis, place, nominal.number(axis.key))
            for axis, place in zip(axes_in(found), places, strict=True)
        }
        try:
            self._document.replace(settings.changed(values), "From the map" if len(values) == 2 else "From the curve")
        except DriftlabError as error:
            self.failed.emit(error)

    def _say(self, places: tuple[float, ...] | None) -> None:
        """What is drawn; below the pointer, the numbers there."""
        found, answered = self._sweeping.found, self._sweeping.answered
        if found is None or answered is None:
            return
        if places is not None:
            at = ", ".join(position(axis, place) for axis, place in zip(axes_in(found), places, strict=True))
            self.state.setText(f"{at}: {answer_at(found, places)}")
            return
        count = len(answered.pictures)
        whose = f"{count} frames" if count > 1 else answered.pictures[0].path.name
        around = "current" if self._sweeping.in_force and count == 1 else "nominal"
        stale = "" if self._sweeping.fresh else "for earlier settings · "
        of = f"margin of {answered.reference}" if answered.reference else answered.criterion
        self.state.setText(f"{stale}{of} · {whose}, the other settings {around} · a click sets")

    def _copy(self, what: str) -> None:
        from driftlab.analysis.sweep_rows import facts_of, rows_of

        found, answered = self._sweeping.found, self._sweeping.answered
        if found is None or answered is None:
            return
        facts = {"criterion": answered.criterion, "over": answered.over, **facts_of(found)}
        text = csv_text(rows_of(found)) if what == "CSV" else json.dumps(facts, indent=2)
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(f"the {'map' if hasattr(found, 'across') else 'curve'} as {what}")

    # Making

    def _curve_plot(self) -> CurvePlot:
        if self.curve is None:
            from driftlab.gui.widgets.curve_plot import CurvePlot

            self.curve = self._adopt(CurvePlot())
        return self.curve

    def _map_plot(self) -> MapPlot:
        if self.map is None:
            from driftlab.gui.widgets.map_plot import MapPlot

            self.map = self._adopt(MapPlot())
        return self.map

    def _adopt(self, plot: Any) -> Any:
        plot.picked.connect(self._pick)
        plot.pointed.connect(self._say)
        self._plots.addWidget(plot)
        return plot

    def _prepare(self) -> None:
        self.across.setAccessibleName("Parameter along the bottom")
        self.up.setAccessibleName("Parameter up the side")
        self.up.setToolTip("A second parameter makes a map of both")
        self.up.addItem(ALONE, "")
        self.scope.addItems([each.value for each in Scope])
        self.scope.setAccessibleName("Whose answers")
        for box in (self.across, self.up):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(10)
        self.in_force.setToolTip("The other settings are those in force, instead of the nominal ones")
        self.more.setText("More ")
        self.more.setToolTip("Copy what is drawn, or draw it around the nominal settings")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self._copies = [menu.addAction(f"Copy as {what}", partial(self._copy, what)) for what in ("CSV", "JSON")]
        menu.addSeparator()
        menu.addAction(self.in_force)
        self.more.setMenu(menu)
        self.state.setElideMode(Qt.TextElideMode.ElideRight)
        self.bar.setFixedWidth(64)
        self.bar.setAccessibleName("How far it is drawn")
        self.bar.setVisible(False)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self._full)
        column.setContentsMargins(8, 6, 8, 0)
        column.setSpacing(4)
        first, second = QHBoxLayout(), QHBoxLayout()
        for line in (first, second):
            line.setSpacing(4)
        first.addWidget(self.across, stretch=1)
        first.addWidget(self.up, stretch=1)
        first.addWidget(self.more)
        second.addWidget(self.state, stretch=1)
        second.addWidget(self.bar)
        second.addWidget(self.scope)
        second.addWidget(self.search)
        column.addLayout(first)
        column.addLayout(second)
        self._plots.addWidget(self.notice)
        column.addLayout(self._plots, stretch=1)
        self.notice_none = Notice(NEEDS)
        self._stack.addWidget(self.notice_none)
        self._stack.addWidget(self._full)


def _movable(settings: Settings) -> list[str]:
    """The parameters that have an effect, but single weights."""
    from driftlab.isp.linearized import actives

    return [each.key for each in actives(settings) if not each.param.advanced]
