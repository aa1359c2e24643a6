"""Everything fits at 1280 × 800: nothing widens the window, scrolls sideways, or is cut off."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QScrollBar, QSizePolicy
from superqt import QElidingLabel

from driftlab.gui.docks import DOCKS
from driftlab.gui.main_window import MainWindow
from driftlab.gui.problem import Problem

SIZE = (1280, 800)


def cut(window: MainWindow) -> list[str]:
    """The buttons, boxes and plain labels that have less room than their words need."""
    boxes = [*window.findChildren(QAbstractButton), *window.findChildren(QComboBox)]
    labels = [
        label
        for label in window.findChildren(QLabel)
        if not isinstance(label, QElidingLabel)
        and not label.wordWrap()
        and label.sizePolicy().horizontalPolicy() != QSizePolicy.Policy.Ignored
    ]
    narrow = [each for each in boxes if each.isVisible() and each.width() < each.minimumSizeHint().width()]
    narrow += [each for each in labels if each.isVisible() and each.width() < each.sizeHint().width()]
    return [getattr(each, "text", each.accessibleName)() for each in narrow]


def sideways(window: MainWindow) -> list[QScrollBar]:
    bars = window.findChildren(QScrollBar)
    return [bar for bar in bars if bar.isVisible() and bar.orientation() == Qt.Orientation.Horizontal]


def test_empty(window: MainWindow, qapp: Any) -> None:
    qapp.processEvents()
    assert (window.width(), window.height()) == SIZE
    assert cut(window) == [] and sideways(window) == []


@pytest.mark.parametrize("dock", [each.name for each in DOCKS])
def test_each_panel_in_front_with_all_stages_open(opened: MainWindow, until: Any, dock: str) -> None:
    opened.docks[dock].raise_()
    for group in opened.stages.groups.values():
        group.set_open(True)
    opened.messages.show_problem(Problem("Something is amiss with this file: " * 6, "details", lambda: None))
    opened.document.set("white_balance.r", 0.8)
    until(lambda: opened.current and opened.messages.messages[0].isVisible())
    assert (opened.width(), opened.height()) == SIZE
    assert cut(opened) == [] and sideways(opened) == []


def test_what_is_cut_off_is_found(opened: MainWindow) -> None:
    group = opened.stages.groups["white_balance"]
    group.set_open(True)
    label = next(each for each in group.findChildren(QLabel) if each.text() == "Highlights")
    label.setText("Highlights and what becomes of them")
    assert cut(opened) == ["Highlights and what becomes of them"]
