"""The command palette: all actions, recent files and panels in one list, found by typing and run by Enter.

What is not possible now is gray, says why, and does not run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)

from driftlab.gui import theme
from driftlab.gui.actions import ACTIONS
from driftlab.gui.matching import match

if TYPE_CHECKING:
    from driftlab.gui.main_window import MainWindow

__all__ = ["Command", "CommandPalette", "commands"]

ROW: Final = 28
SHOWN: Final = 12
WIDTH: Final = 620
COMMAND: Final = Qt.ItemDataRole.UserRole
PLACES: Final = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class Command:
    """One line of the palette: its words, where else it is found, its keys, why not now, and what it does."""

    text: str
    place: str
    keys: str
    reason: str
    run: Callable[[], object]


def commands(window: MainWindow) -> list[Command]:
    """All that can be asked of a window: its actions, the files that were opened last, its panels."""
    found = []
    for entry in ACTIONS:
        action = window.actions_by_name[entry.name]
        if entry.name == "palette":
            continue
        text = action.text() + (" ✓" if action.isChecked() else "")
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        reason = "" if action.isEnabled() else entry.when.reason
        found.append(Command(text, entry.menu, keys, reason, action.trigger))
    for path in map(Path, window.opening.recent):
        found.append(Command(f"Open {path.name}", str(path.parent), "", "", partial(window.opening.open, [path])))
    for dock in window.docks.values():
        toggle = dock.toggleViewAction()
        word = "Hide" if toggle.isChecked() else "Show"
        found.append(Command(f"{word} the panel {dock.windowTitle()}", "Panels", "", "", toggle.trigger))
    return found


class CommandPalette(QFrame):
    """Opens over the window, and goes with Enter, Escape or a click elsewhere."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._commands = commands(window)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Type what you want to do")
        self.line.setAccessibleName("Command")
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the line has the keys
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Line(self.list))
        self.list.setUniformItemSizes(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.line)
        column.addWidget(self.list)
        self.setFixedWidth(min(WIDTH, window.width() - 40))
        self.line.textChanged.connect(self.show_matches)
        self.list.itemClicked.connect(self._run)
        self.show_matches("")
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 64)

    def open(self) -> None:
        """Show it, ready to be typed into."""
        self.show()
        self.line.setFocus()

    def show_matches(self, typed: str) -> None:
        """The commands that match, the best first; what is not possible after what is as good a match."""
        self.list.clear()
        matches = [(match(typed, each.text), each) for each in self._commands]
        found = [(how, each) for how, each in matches if how is not None]
        if typed.strip():
            found.sort(key=lambda pair: (-pair[0].score, bool(pair[1].reason)))
        for how, each in found:
            item = QListWidgetItem(each.text)
            item.setData(COMMAND, each)
            item.setData(PLACES, how.places)
            item.setToolTip(each.reason)
            said = [each.text, each.keys, f"not now: {each.reason}" if each.reason else ""]
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(filter(None, said)))
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.setFixedHeight(min(self.list.count(), SHOWN) * ROW)
        self.adjustSize()

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        """The line's keys that are the list's."""
        if not isinstance(event, QKeyEvent) or event.type() != QKeyEvent.Type.KeyPress:
            return False
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -SHOWN, Qt.Key.Key_PageDown: SHOWN}
        if event.key() in steps:
            row = self.list.currentRow() + steps[Qt.Key(event.key())]
            self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if (item := self.list.currentItem()) is not None:
                self._run(item)
            return True
        return False

    def _run(self, item: QListWidgetItem) -> None:
        command: Command = item.data(COMMAND)
        if not command.reason:
            self.close()
            command.run()


class _Line(QStyledItemDelegate):
    """Words with what was typed in bold, where they are found, and keys or the reason why not."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view = cast("Any", option)  # PySide6 knows the fields of its options only at run time
        command: Command = index.data(COMMAND)
        area = QRectF(view.rect).adjusted(10, 0, -10, 0)
        painter.save()
        if view.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(view.rect, theme.color("button"))
            painter.fillRect(QRectF(view.rect.x(), view.rect.y(), 3, view.rect.height()), theme.color("accent"))
        right = command.reason or command.keys
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(theme.color("dim"))
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, right)
        end = area.right() - painter.fontMetrics().horizontalAdvance(right) - 16
        painter.setPen(theme.color("dim" if command.reason else "text"))
        x = _draw_words(painter, area, command.text, index.data(PLACES), view.font)
        painter.setPen(theme.color("dim"))
        painter.setFont(view.font)
        if end - x > 60:
            place = painter.fontMetrics().elidedText(command.place, Qt.TextElideMode.ElideMiddle, int(end - x - 12))
            painter.drawText(QRectF(x + 12, area.y(), end - x - 12, area.height()), middle, place)
        painter.restore()


def _draw_words(painter: QPainter, area: QRectF, text: str, places: Sequence[int], font: QFont) -> float:
    """Letter runs, those at `places` bold; where they end."""
    heavy, x, start = QFont(font), area.x(), 0
    heavy.setBold(True)
    while start < len(text):
        end = start + 1
        while end < len(text) and (end in places) == (start in places):
            end += 1
        chosen = heavy if start in places else font
        painter.setFont(chosen)
        painter.drawText(
            QRectF(x, area.y(), area.right() - x, area.height()), Qt.AlignmentFlag.AlignVCenter, text[start:end]
        )
        x += QFontMetrics(chosen).horizontalAdvance(text[start:end])
        start = end
    return x
