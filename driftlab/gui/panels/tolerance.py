"""How far every parameter may go: the criterion, whose tolerances, and a table of the intervals."""

from __future__ import annotations

from collections.abc import Callable
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

from driftlab.errors import DriftlabError
from driftlab.gui.bands import ALONE, bands_of, failure_text, position, safe_text
from driftlab.gui.document import Document
from driftlab.gui.titles import title_of
from driftlab.gui.tolerance_copy import as_command, as_csv, as_json
from driftlab.gui.tolerating import Scope, Tolerating, decides
from driftlab.gui.widgets.band import Band
from driftlab.gui.widgets.criterion_edit import CriterionEdit
from driftlab.gui.widgets.notice import Notice
from driftlab.gui.widgets.rows_table import Row, RowsTable

if TYPE_CHECKING:
    from driftlab.analysis.tolerance.findings import AxisFinding, Tolerance
    from driftlab.analysis.tolerance.tolerances import Progress
    from driftlab.isp.settings import Settings

__all__ = ["TolerancePanel"]

#: Of a parameter that the settings in force do not have.
NO_BAND: Final = Band((0.0, 0.0))
HEADS: Final = ("Parameter", "Nominal", "Holds", "First failure")
NEEDS: Final = "With a frame and a task model, how far each parameter may go before the answer fails is shown here."


class TolerancePanel(QWidget):
    """The tolerances, as far as they are known."""

    bands_changed = Signal(object)  # dict of bands by key
    chosen = Signal(str)
    copied = Signal(str)
    labels_asked = Signal()
    failed = Signal(object)  # exception

    def __init__(self, document: Document, tolerating: Tolerating) -> None:
        super().__init__()
        self._document, self._tolerating = document, tolerating
        self.scope, self.edit = QComboBox(), CriterionEdit()
        self.search, self.more = QPushButton("Search"), QToolButton()
        self.in_force = QAction("Around the current settings", self, checkable=True)
        self.automatic = QAction("Renew by itself", self, checkable=True)
        self.state, self.bar, self.table = (
            QElidingLabel(),
            QProgressBar(textVisible=False),
            RowsTable("Tolerances", HEADS),
        )
        self.none, self.notice = Notice(NEEDS), Notice("")
        self._below = QStackedLayout()
        self._full = QWidget()
        self._stack = QStackedLayout(self)
        self._prepare()
        self._lay_out()
        self.scope.currentTextChanged.connect(lambda text: self._choose(scope=Scope(text)))
        self.in_force.toggled.connect(lambda on: self._choose(in_force=on))
        self.edit.changed.connect(self._choose)
        self.automatic.toggled.connect(lambda on: self._choose(automatic=on))
        self.search.clicked.connect(self._press)
        self.table.chosen.connect(self.chosen)
        tolerating.tolerance_changed.connect(lambda _: self.show_tolerance())
        tolerating.staled.connect(self.show_tolerance)
        tolerating.chosen_changed.connect(self.show_tolerance)
        tolerating.progressed.connect(self._show_progress)
        tolerating.failed.connect(lambda _: self.show_tolerance())
        for signal in (document.model_changed, document.frame_changed, document.entries_changed):
            signal.connect(lambda *_: self._show_document())

    def show_tolerance(self) -> None:
        """What is known, or that it is of earlier settings."""
        tolerance, nominal, running = self._tolerating.tolerance, self._document.nominal, self._tolerating.running
        self.search.setText("Stop" if running else "Search")
        self.bar.setVisible(running)
        for action in self._copies:
            action.setEnabled(tolerance is not None and bool(tolerance.axes))
        failure = self._tolerating.failure
        if tolerance is None or nominal is None or (failure is not None and not running):
            self.table.show_rows([], stale=False)
            self.bands_changed.emit({})
            self._say("")
            self._below.setCurrentIndex(1)
            if failure is not None and not running:
                self.notice.say_failed(failure, self._tolerating.search)
            else:
                self.notice.say(*self._nothing_yet())
            return
        self._below.setCurrentIndex(0)
        stale, of = not self._tolerating.fresh, self._of(tolerance)
        bands, settings = bands_of(tolerance, nominal, of, stale=stale), tolerance.cases[0].settings
        brief = len(tolerance.cases) == 1  # all are nominally of one class
        ranked = sorted(tolerance.axes, key=_tightness)
        self.table.show_rows(
            [_row(each, settings, bands.get(each.axis.key, NO_BAND).help, brief=brief) for each in ranked], stale=stale
        )
        self.bands_changed.emit(bands)
        left = len(tolerance.searched) - len(tolerance.axes)
        first = "for earlier settings" if stale else f"{left} parameters to go" if left else ""
        self._say(" · ".join(filter(None, (first, of, f"{tolerance.evaluations} trials"))), dim=stale)

    def _of(self, tolerance: Tolerance) -> str:
        """What the tolerances belong to."""
        around = "the current settings" if self._tolerating.in_force else "nominal"
        count = len(tolerance.cases)
        over = f", over {tolerance.criterion.aggregation}" if count > 1 else ""
        whose = f"{count} frames{over}" if self._tolerating.scope == Scope.FRAMES else tolerance.cases[0].frame.name
        truth = "" if all(each.self_label for each in tolerance.nominals) else ", against labels"
        return f"{ALONE} · {whose}{truth}, around {around}"

    def _nothing_yet(self) -> tuple[str, list[tuple[str, Callable[[], object]]]]:
        """A sentence, and a button where there is something to press."""
        if self._tolerating.running:
            return "Searching …", []
        search: list[tuple[str, Callable[[], object]]] = [("Search", self._tolerating.search)]
        if self._tolerating.scope == Scope.FRAMES:
            count = len(self._document.entries)
            return f"The tolerances of all {count} frames together are searched for when asked.", search
        if self._tolerating.is_large:
            return "The picture is large, and each trial takes a while: draw a region, or search all the same.", search
        if self._tolerating.waits:
            return "Tolerances are searched for when asked, as it was chosen.", search
        return "Tolerances come as soon as nothing else is to be computed.", []

    def _say(self, text: str, *, dim: bool = False) -> None:
        self.state.setText(text)
        self.state.setToolTip(text)
        self.state.setEnabled(not dim)

    def _show_progress(self, progress: Progress) -> None:
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * progress.share))
        self.bar.setToolTip(f"{progress.doing or 'nominal settings'}, {progress.evaluations} trials")

    def _show_document(self) -> None:
        model = self._document.model
        ready = self._document.frame is not None and model is not None
        if model is not None and not decides(model):
            ready = False
            self.none.say(f"A model for {model.task} makes no decision that could fail: there are no tolerances.")
        elif not ready:
            self.none.say(NEEDS)
        elif model is not None:
            self.edit.show_task(segmentation=str(model.task) == "segmentation")
        self.no_labels.setEnabled(bool(self._tolerating.truths))
        several = len(self._document.entries) > 1
        self.scope.setEnabled(several)
        self.scope.setToolTip("" if several else "Open several frames to search for their tolerances together")
        self._stack.setCurrentIndex(int(ready))

    def _choose(self, **chosen: Any) -> None:
        self.edit.show_several(several=chosen.get("scope", self._tolerating.scope) == Scope.FRAMES)
        self._tolerating.choose(**chosen, criterion=self.edit.criterion, over=self.edit.aggregation)

    def _copy(self, what: str) -> None:
        tolerance, question = self._tolerating.tolerance, self._tolerating.answered
        if tolerance is None or question is None:
            return
        try:
            if what == "CSV":
                text = as_csv(tolerance)
            elif what == "JSON":
                text = as_json(tolerance, question)
            else:
                text = as_command(tolerance, question, self._document, self._tolerating.table)
        except DriftlabError as error:
            self.failed.emit(error)
            return
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(text if what == "command" else f"the tolerances as {what}")

    def _press(self) -> None:
        if self._tolerating.running:
            self._tolerating.stop()
        else:
            self._tolerating.search()

    def _prepare(self) -> None:
        self.scope.addItems([each.value for each in Scope])
        self.scope.setAccessibleName("Whose tolerances")
        self.in_force.setToolTip("Each parameter is moved from the settings in force, instead of the nominal ones")
        self.automatic.setChecked(self._tolerating.automatic)
        self.automatic.setToolTip("Search for the tolerances of this picture whenever nothing else is to be computed")
        self.more.setText("More ")
        self.more.setToolTip("Copy the tolerances, take labels from a table, renew by itself or not")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self._copies = [
            menu.addAction(f"Copy as {what}", partial(self._copy, what)) for what in ("CSV", "JSON", "command")
        ]
        menu.addSeparator()
        menu.addAction("Labels from a table …", self.labels_asked.emit)
        self.no_labels = menu.addAction("Forget the labels", lambda: self._choose(truths={}, table=None))
        menu.addSeparator()
        menu.addAction(self.in_force)
        menu.addAction(self.automatic)
        self.more.setMenu(menu)
        self.state.setElideMode(Qt.TextElideMode.ElideRight)
        self.bar.setFixedWidth(64)
        self.bar.setAccessibleName("How far the search is")
        self.bar.setVisible(False)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self._full)
        column.setContentsMargins(8, 6, 0, 0)
        column.setSpacing(4)
        first, second = QHBoxLayout(), QHBoxLayout()
        for line in (first, second):
            line.setContentsMargins(0, 0, 8, 0)
            line.setSpacing(4)
        first.addWidget(self.edit)
        first.addWidget(self.scope)
        first.addStretch(1)
        first.addWidget(self.more)
        second.addWidget(self.state, stretch=1)
        second.addWidget(self.bar)
        second.addWidget(self.search)
        column.addLayout(first)
        column.addLayout(second)
        self._below.addWidget(self.table)
        self._below.addWidget(self.notice)
        column.addLayout(self._below, stretch=1)
        self._stack.addWidget(self.none)
        self._stack.addWidget(self._full)


def _row(finding: AxisFinding, settings: Settings, told: str, *, brief: bool) -> Row:
    axis = finding.axis
    texts = (
        title_of(settings, axis.key),
        position(axis, axis.nominal),
        safe_text(finding),
        failure_text(finding, brief=brief),
    )
    whole = finding.lower.open and finding.upper.open
    mark = "nominal" if finding.status == "unproven" else "holds" if whole else "violated"
    return Row(axis.key, mark, texts, told)


def _tightness(finding: AxisFinding) -> float:
    """How far from nominal it fails first, in shares of the range; what does not fail comes last."""
    failure, axis = finding.first_failure, finding.axis
    return 2.0 if failure is None else abs(axis.to_share(failure.positions[0]) - axis.to_share(axis.nominal))
