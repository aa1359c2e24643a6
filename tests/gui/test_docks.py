"""The table of docks: a panel is a line of it, and where it was left is where it is found again."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QLabel

from driftlab.gui import docks
from driftlab.gui.docks import DOCKS, Dock
from driftlab.gui.main_window import MainWindow

AREA = Qt.DockWidgetArea


@pytest.fixture
def make(qapp: QApplication, store: QSettings) -> Any:
    made: list[MainWindow] = []

    def window() -> MainWindow:
        made.append(MainWindow(store))
        made[-1].show()
        return made[-1]

    yield window
    for each in made:
        each.close()
        each.deleteLater()


def test_a_new_panel_is_one_line_of_the_table(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Dock("curves", "Curves", AREA.BottomDockWidgetArea, lambda w: QLabel("a curve"), beside="heatmap")
    monkeypatch.setattr(docks, "DOCKS", (*DOCKS, line))
    window = make()
    assert window.docks["curves"].widget().text() == "a curve"
    assert window.docks["curves"] in window.tabifiedDockWidgets(window.docks["sensitivity"])
    panels = next(each for each in window.menus["View"].actions() if each.text() == "Panels").menu()
    assert [each.text() for each in panels.actions()] == [each.title for each in docks.DOCKS]
    assert not window.docks["curves"].visibleRegion().boundingRect().isValid(), "the first tab is in front"


def test_docks_are_found_as_they_were_left(make: Any) -> None:
    window = make()
    assert window.docks["frames"].isVisible()
    window.docks["frames"].hide()
    window.addDockWidget(AREA.LeftDockWidgetArea, window.docks["stages"])
    window.close()
    again = make()
    assert not again.docks["frames"].isVisible()
    assert again.dockWidgetArea(again.docks["stages"]) == AREA.LeftDockWidgetArea
