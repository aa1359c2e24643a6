"""A table that is read, not edited: rows with a mark in color, of which one is chosen by click or keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from driftlab.gui import theme

__all__ = ["Row", "RowsTable"]

#: Width of the first column, at most.
NAMES: Final = 124


@dataclass(frozen=True)
class Row:
    """One row: what it is called in signals, the texts of its columns, and what a tooltip says of it.

    `mark` is the color that says how it stands.
    """

    key: str
    mark: str
    texts: tuple[str, ...]
    help: str


class RowsTable(QTableWidget):
    """Columns with these heads; the row that is chosen is told."""

    chosen = Signal(str)

    def __init__(self, name: str, heads: Sequence[str]) -> None:
        super().__init__(0, len(heads))
        self.rows: tuple[Row, ...] = ()
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(heads)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)  # Tab leads out
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setIconSize(QSize(6, 14))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in range(len(heads)):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        head.setMinimumSectionSize(24)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        head.setStretchLastSection(True)
        self.currentCellChanged.connect(lambda row, *_: self._choose(row))

    def show_rows(self, rows: Sequence[Row], *, stale: bool) -> None:
        """These rows, in their order; the row that was chosen stays so."""
        key = self.selected
        self.rows = tuple(rows)
        self.blockSignals(True)
        self.setRowCount(len(rows))
        font = theme.numeric(self.font())
        for at, row in enumerate(rows):
            for column, text in enumerate(row.texts):
                item = QTableWidgetItem(text)
                item.setFont(font)
                item.setToolTip(row.help)
                if column == 0:
                    item.setIcon(_mark("nominal" if stale else row.mark))
                if stale:
                    item.setForeground(theme.color("dim"))
                self.setItem(at, column, item)
            if row.key == key:
                self.setCurrentCell(at, 0)
        self.blockSignals(False)
        self.setColumnWidth(0, min(self.sizeHintForColumn(0) + 8, NAMES))

    @property
    def selected(self) -> str:
        """The key of the row that is chosen."""
        at = self.currentRow()
        return self.rows[at].key if 0 <= at < len(self.rows) else ""

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.rows):
            self.chosen.emit(self.rows[row].key)


def _mark(name: str) -> QIcon:
    pixmap = QPixmap(6, 14)
    pixmap.fill(theme.color(name))
    return QIcon(pixmap)
