"""The command palette, by the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from driftlab import resource
from driftlab.gui.actions import ACTIONS
from driftlab.gui.command_palette import CommandPalette, commands
from driftlab.gui.main_window import MainWindow

DEMO = resource("demo")


@pytest.fixture
def show(qtbot: Any, until: Any) -> Callable[[MainWindow], CommandPalette]:
    def palette(window: MainWindow) -> CommandPalette:
        window.activateWindow()
        qtbot.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        until(lambda: isinstance(QApplication.activePopupWidget(), CommandPalette))
        found = QApplication.activePopupWidget()
        assert isinstance(found, CommandPalette)
        return found

    return palette


def words(palette: CommandPalette) -> list[str]:
    return [palette.list.item(row).text() for row in range(palette.list.count())]


def test_it_lists_all_there_is(window: MainWindow, show: Any, until: Any) -> None:
    window.opening.open([DEMO / "eosinophil-03.dng"])
    until(lambda: window.document.frame is not None)
    palette = show(window)
    expected = {window.actions_by_name[entry.name].text() for entry in ACTIONS if entry.name != "palette"}
    assert expected - {each.removesuffix(" ✓") for each in words(palette)} == set()
    assert "Open eosinophil-03.dng" in words(palette)
    assert "Hide the panel Logits" in words(palette)
    palette.close()


def test_type_and_enter(opened: MainWindow, show: Any, qtbot: Any) -> None:
    assert not opened.preview.view.draws_region
    palette = show(opened)
    high = palette.height()
    qtbot.keyClicks(palette.line, "regi")
    assert palette.height() < high, "room for commands that do not match"
    assert words(palette)[0] == "Region"
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert opened.preview.view.draws_region
    assert QApplication.activePopupWidget() is None
    assert {each.text: each for each in commands(opened)}["Region ✓"].keys == "R"


def test_arrows_choose_and_escape_leaves(opened: MainWindow, show: Any, qtbot: Any) -> None:
    palette = show(opened)
    for key, row in ((Qt.Key.Key_Up, 0), (Qt.Key.Key_Down, 1), (Qt.Key.Key_PageDown, 13), (Qt.Key.Key_PageUp, 1)):
        qtbot.keyClick(palette.line, key)
        assert palette.list.currentRow() == row
    qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None


def test_what_is_not_possible_says_why_and_does_not_run(window: MainWindow, show: Any, qtbot: Any) -> None:
    palette = show(window)
    qtbot.keyClicks(palette.line, "pin as")
    item = palette.list.currentItem()
    assert item.text() == "Pin as nominal"
    assert item.data(Qt.ItemDataRole.AccessibleTextRole) == "Pin as nominal, P, not now: open a frame first"
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert QApplication.activePopupWidget() is palette
    palette.close()


def test_a_recent_file_opens(window: MainWindow, show: Any, qtbot: Any, until: Any) -> None:
    window.store.setValue("recent", [str(DEMO / "basophil-01.dng")])
    palette = show(window)
    qtbot.keyClicks(palette.line, "basoph")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    until(lambda: window.document.current is not None)
    assert window.document.current is not None
    assert window.document.current.path.name == "basophil-01.dng"
    until(lambda: window.current)
