"""What breaks the model first: a ranked list of groups and parameters, and a gallery of the views that do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from driftlab.errors import DriftlabError
from driftlab.gui.bands import value_at
from driftlab.gui.break_words import DISTANCES, as_command, as_csv, moves_text, rank_row, tile, view_text
from driftlab.gui.breaking import Breaking
from driftlab.gui.document import Document
from driftlab.gui.tolerating import Scope, decides
from driftlab.gui.widgets.notice import Notice
from driftlab.gui.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from driftlab.analysis.forensics.breakage import Forensics, Sight, View

__all__ = ["ForensicsPanel"]

NEEDS: Final = "With a frame and a task model, what breaks the model first is searched for here."
OFFER: Final = "A search moves all parameters, and each stage by itself, for the smallest change that breaks the model."
HEADS: Final = ("What breaks it first", "Distance", "Metric", "Flips")
#: Height of a picture of the gallery.
TILE: Final = 72


class ForensicsPanel(QWidget):
    """The list and the gallery."""

    #: A file and the values of keys that its settings are to have, as one step.
    applied = Signal(object, dict)
    copied = Signal(str)
    failed = Signal(object)  # exception

    def __init__(self, document: Document, breaking: Breaking) -> None:
        super().__init__()
        self._document, self._breaking = document, breaking
        self.scope, self.groups, self.more = QComboBox(), QToolButton(), QToolButton()
        self.search, self.apply = QPushButton("Search"), QPushButton("Apply")
        self.state, self.bar = QElidingLabel(), QProgressBar(textVisible=False)
        self.table, self.gallery = RowsTable("What breaks it first", HEADS), QListWidget()
        self.none, self.notice = Notice(NEEDS), Notice("")
        self._sights: dict[str, Sight] = {}
        self._views: list[View] = []
        self._chosen: tuple[int, Sight] | None = None
        self._group_actions: list[QAction] = []
        self._below, self._full = QStackedLayout(), QWidget()
        self._stack = QStackedLayout(self)
        self._prepare()
        self._lay_out()
        self.scope.currentTextChanged.connect(lambda text: breaking.choose(scope=Scope(text)))
        self.search.clicked.connect(lambda: breaking.stop() if breaking.running else breaking.search())
        self.apply.clicked.connect(self._apply)
        self.table.chosen.connect(self._show_sight)
        self.gallery.currentRowChanged.connect(self._show_view)
        self.gallery.itemActivated.connect(lambda _: self._apply())
        for signal in (breaking.found_changed, breaking.failed, breaking.staled, breaking.chosen_changed):
            signal.connect(lambda *_: self.show_found())
        for signal in (document.frame_changed, document.model_changed, document.entries_changed):
            signal.connect(lambda *_: self._show_document())

    def show_found(self) -> None:
        """What is known, or that it is of earlier settings."""
        breaking = self._breaking
        found, running, failure = breaking.found, breaking.running, breaking.failure
        self.search.setText("Stop" if running else "Search")
        self.bar.setVisible(running)
        for action in self._copies:
            action.setEnabled(found is not None)
        if found is None or (failure is not None and not running):
            self._below.setCurrentIndex(0)
            self._chosen = None
            self.apply.setEnabled(False)
            self.state.setText("")
            if failure is not None and not running:
                self.notice.say_failed(failure, breaking.search)
            elif running:
                self.notice.say("Searching …")
            else:
                self.notice.say(OFFER, [("Search", breaking.search)])
            return
        self._below.setCurrentIndex(1)
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * found.share))
        stale = not breaking.fresh
        ranked = [each for each in found.ranked if each.distance is not None or found.complete]
        settings = found.cases[0].settings
        self._sights = {each.name: each.sight for each in ranked}
        self.table.show_rows([rank_row(each, found, settings) for each in ranked], stale=stale)
        self._fill_gallery(found, stale=stale)
        self.state.setText(self._told(found, stale))

    def _told(self, found: Forensics, stale: bool) -> str:
        count = len(found.cases)
        whose = f"{count} frames" if count > 1 else found.cases[0].frame.name
        parts = [
            "for earlier settings" if stale else "",
            "" if found.complete or not self._breaking.running else f"{found.share:.0%} searched",
            f"{whose}, from nominal, by {found.distance.title.partition(',')[0]}",
            f"{found.evaluations} trials",
        ]
        return " · ".join(filter(None, parts))

    def _fill_gallery(self, found: Forensics, *, stale: bool) -> None:
        """The worst views, each beside its nominal one; only what is new is drawn."""
        if list(map(id, found.gallery)) != list(map(id, self._views)):
            at = self.gallery.currentRow()
            self.gallery.blockSignals(True)
            self.gallery.clear()
            for view in found.gallery:
                frame, settings = found.cases[view.case].frame.name, found.cases[view.case].settings
                icon = QIcon()
                for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # its colors are what is looked at
                    icon.addPixmap(tile(view, TILE), mode)
                item = QListWidgetItem(icon, view_text(view, settings))
                moves = moves_text(view.sight, found, settings)
                item.setToolTip(f"{frame}: nominal on the left, moved on the right<br>{moves}<br>Enter applies it")
                self.gallery.addItem(item)
            self._views = list(found.gallery)
            self.gallery.setCurrentRow(at)
            self.gallery.blockSignals(False)
        self.gallery.setEnabled(not stale)

    def _show_sight(self, key: str) -> None:
        """What was moved, for the row that is chosen; the gallery shows the same group."""
        found, sight = self._breaking.found, self._sights.get(key)
        if found is None or sight is None:
            return
        self._chosen = (sight.flips[0].case if sight.flips else 0), sight
        self.apply.setEnabled(True)
        self.apply.setToolTip(f"Set this as one step: {moves_text(sight, found, found.cases[0].settings)}")
        self.state.setText(moves_text(sight, found, found.cases[0].settings))
        at = next((number for number, view in enumerate(self._views) if view.group == key), -1)
        self.gallery.blockSignals(True)
        self.gallery.setCurrentRow(at)
        self.gallery.blockSignals(False)

    def _show_view(self, row: int) -> None:
        found = self._breaking.found
        if found is None or not 0 <= row < len(self._views):
            return
        view = self._views[row]
        self._chosen = view.case, view.sight
        self.apply.setEnabled(True)
        frame = found.cases[view.case].frame.name
        self.state.setText(f"{frame}: {moves_text(view.sight, found, found.cases[view.case].settings)}")

    def _apply(self) -> None:
        """The settings of the view, or of the row, that is chosen."""
        found, question = self._breaking.found, self._breaking.answered
        if found is None or question is None or self._chosen is None:
            return
        case, sight = self._chosen
        axes = {axis.key: axis for axis in found.axes}
        settings = found.cases[case].settings
        values = {
            move.key: value_at(axes[move.key], move.position, settings.number(move.key))
            for move in sight.moves
            if move.travel
        }
        self.applied.emit(question.pictures[case].path, values)

    def _show_document(self) -> None:
        model = self._document.model
        ready = self._document.frame is not None and model is not None and decides(model)
        if model is not None and not decides(model):
            self.none.say(f"A model for {model.task} makes no decision that could break.")
        else:
            self.none.say(NEEDS)
        several = len(self._document.entries) > 1
        self.scope.setEnabled(several)
        self.scope.setToolTip("" if several else "Open several frames to break the model on them together")
        self._stack.setCurrentIndex(int(ready))
        self.show_found()

    def _copy(self, what: str) -> None:
        found, question = self._breaking.found, self._breaking.answered
        if found is None or question is None:
            return
        try:
            text = as_csv(found) if what == "CSV" else as_command(found, question, self._document, self._breaking.table)
        except DriftlabError as error:
            self.failed.emit(error)
            return
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(text if what == "command" else f"the list as {what}")

    # Making

    def _choose_groups(self) -> None:
        names = tuple(action.text() for action in self._group_actions if action.isChecked())
        every = len(names) == len(self._group_actions)
        self.groups.setText("every stage " if every or not names else f"{len(names)} stages ")
        self._breaking.choose(groups=() if every else names)

    def _fill_groups(self) -> None:
        """The stages that have something to move, each to be left out."""
        settings = self._document.nominal
        if settings is None:
            return
        from driftlab.isp.linearized import actives

        names = [*dict.fromkeys(each.stage.name for each in actives(settings)), "all"]
        if names == [action.text() for action in self._group_actions]:
            return
        self._groups_menu.clear()
        self._group_actions = []
        for name in names:
            action = self._groups_menu.addAction(name, self._choose_groups)
            action.setCheckable(True)
            action.setChecked(not self._breaking.groups or name in self._breaking.groups)
            self._group_actions.append(action)

    def _prepare(self) -> None:
        self.scope.addItems([each.value for each in Scope])
        self.scope.setAccessibleName("On whose pictures")
        self.groups.setText("every stage ")
        self.groups.setToolTip("Which stages are searched, each by itself; all: every parameter together")
        self._groups_menu = QMenu(self)
        self.more.setText("More ")
        self.more.setToolTip("Copy the list, or measure the distance of a view otherwise")
        menu = QMenu(self)
        self._copies = [menu.addAction(f"Copy as {what}", partial(self._copy, what)) for what in ("CSV", "command")]
        menu.addSeparator()
        measures = QActionGroup(self)
        for title, name in DISTANCES.items():
            action = menu.addAction(f"Distance: {title}", partial(self._breaking.choose, distance=name))
            action.setCheckable(True)
            action.setChecked(name == self._breaking.distance)
            measures.addAction(action)
        for button, each in ((self.groups, self._groups_menu), (self.more, menu)):
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            button.setMenu(each)
        self._groups_menu.aboutToShow.connect(self._fill_groups)
        self.state.setElideMode(Qt.TextElideMode.ElideRight)
        self.bar.setFixedWidth(64)
        self.bar.setAccessibleName("How far the search is")
        self.bar.setVisible(False)
        self.apply.setEnabled(False)
        self.gallery.setAccessibleName("Worst views")
        self.gallery.setViewMode(QListWidget.ViewMode.IconMode)
        self.gallery.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.gallery.setMovement(QListWidget.Movement.Static)
        self.gallery.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.gallery.setIconSize(QSize(2 * TILE + 2, TILE))
        self.gallery.setSpacing(4)
        self.gallery.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self._full)
        column.setContentsMargins(8, 6, 0, 0)
        column.setSpacing(4)
        first, second = QHBoxLayout(), QHBoxLayout()
        for line in (first, second):
            line.setContentsMargins(0, 0, 8, 0)
            line.setSpacing(4)
        first.addWidget(self.scope)
        first.addWidget(self.groups)
        first.addStretch(1)
        first.addWidget(self.bar)
        first.addWidget(self.search)
        first.addWidget(self.more)
        second.addWidget(self.state, stretch=1)
        second.addWidget(self.apply)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(self.gallery)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        self._below.addWidget(self.notice)
        self._below.addWidget(split)
        column.addLayout(first)
        column.addLayout(second)
        column.addLayout(self._below, stretch=1)
        self._stack.addWidget(self.none)
        self._stack.addWidget(self._full)
