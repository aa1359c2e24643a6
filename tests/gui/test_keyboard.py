"""Everything by the keyboard: what can be reached, in which order, under which name, and which keys do what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QMenu, QTabBar, QWidget

from driftlab.gui.actions import ACTIONS
from driftlab.gui.command_palette import CommandPalette
from driftlab.gui.docks import DOCKS
from driftlab.gui.main_window import MainWindow
from driftlab.gui.panels.jobs import JobsPopup
from driftlab.gui.problem import Problem
from driftlab.gui.tab_order import stops
from driftlab.isp.develop import Region


def controls(root: QWidget) -> Iterator[QWidget]:
    """All that accept the focus, but for the parts that Qt makes a combo box's list of."""
    for widget in root.findChildren(QWidget):
        parents = [widget.parentWidget()]
        while parents[-1] is not None:
            parents.append(parents[-1].parentWidget())
        internal = isinstance(widget, QMenu) or any(isinstance(each, QComboBox) for each in parents)
        if not internal and widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
            yield widget


def name(widget: QWidget) -> str:
    return widget.accessibleName() or getattr(widget, "text", str)()


def test_every_control_has_a_name(opened: MainWindow, until: Any) -> None:
    opened.sensitivity.bars.chosen.emit("white_balance.r")
    opened.messages.show_problem(Problem("Something is amiss: mend it.", "details", lambda: None))
    opened.document.set("white_balance.r", 1.3)
    until(lambda: opened.current)
    found = [*controls(opened)]
    assert len(found) > 80
    nameless = [each for each in found if not name(each)]
    assert not nameless


@pytest.mark.parametrize("show", ["show_palette", "show_jobs", "show_about"])
def test_every_control_of_what_opens_has_a_name(opened: MainWindow, show: str) -> None:
    getattr(opened, show)()
    kinds = (CommandPalette, JobsPopup, QDialog)
    shown = [each for each in QApplication.topLevelWidgets() if isinstance(each, kinds) and each.isVisible()]
    assert len(shown) == 1
    nameless = [each for each in controls(shown[0]) if not name(each) and each.isVisible()]
    shown[0].close()
    assert not nameless


def test_tab_goes_round_all_controls_in_the_order_of_the_panels(opened: MainWindow, qtbot: Any) -> None:
    opened.activateWindow()
    opened.preview.view.setFocus()
    seen: list[QWidget] = []
    while opened.focusWidget() not in seen and len(seen) < 500:
        seen.append(opened.focusWidget())
        qtbot.keyClick(opened.focusWidget(), Qt.Key.Key_Tab)
    reachable = [
        each for each in controls(opened)
        if each.isVisible() and each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and each.parentWidget() is not opened.findChild(QWidget, "tools") and each.focusProxy() is None
    ]  # fmt: skip
    assert {id(each) for each in reachable} == {id(each) for each in seen}
    panels = [opened.preview, opened.frames, opened.stages, opened.logits, opened.sensitivity, opened.status]
    numbers = [next((at for at, panel in enumerate(panels) if panel.isAncestorOf(each)), 0) for each in seen]
    ordered = [number for number in numbers if number]
    assert ordered == sorted(ordered)
    qtbot.keyClick(opened.focusWidget(), Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert opened.focusWidget() is seen[-1]


def test_tab_follows_the_rows_as_they_lie(opened: MainWindow) -> None:
    group = opened.stages.groups["white_balance"]
    group.set_open(True)
    heights = [each.mapTo(group, each.rect().center()).y() for each in stops([group])]
    assert len(heights) > 8
    rows = [round(height / 10) for height in heights]
    assert rows == sorted(rows)


def test_tab_brings_what_it_reaches_in_sight(opened: MainWindow, qtbot: Any) -> None:
    opened.activateWindow()
    opened.frames.list.setFocus()
    for group in opened.stages.groups.values():
        group.set_open(True)
    last = stops([opened.stages])[-1]
    after = stops([opened.logits, opened.sensitivity])[0]
    after.setFocus()
    qtbot.keyClick(after, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert opened.focusWidget() is last
    assert not last.visibleRegion().isEmpty()


def test_keys_are_distinct_and_told(opened: MainWindow) -> None:
    keys = [QKeySequence(key).toString() for entry in ACTIONS for key in entry.keys]
    assert all(keys) and len(keys) == len(set(keys))
    for entry in ACTIONS:
        action = opened.actions_by_name[entry.name]
        for key in entry.keys[:1]:
            assert QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) in action.toolTip()


def test_tabs_of_panels_are_named_before_anybody_comes_there(window: MainWindow) -> None:
    beside = [each.title for each in DOCKS if "sensitivity" in (each.name, each.beside)]
    bar = next(iter(window.findChildren(QTabBar)))
    assert bar.accessibleName() == "Panels: " + ", ".join(beside)


def test_the_region_is_drawn_moved_and_resized_by_keys(opened: MainWindow, qtbot: Any, until: Any) -> None:
    view, document, control = opened.preview.view, opened.document, Qt.KeyboardModifier.ControlModifier
    shift = Qt.KeyboardModifier.ShiftModifier
    opened.activateWindow()
    opened.actions_by_name["region"].trigger()
    assert view.hasFocus()
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert document.region == Region(32, 32, 64, 64)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    qtbot.keyClick(view, Qt.Key.Key_Down, shift)
    assert document.region == Region(31, 42, 64, 64)
    qtbot.keyClick(view, Qt.Key.Key_Right, control)
    qtbot.keyClick(view, Qt.Key.Key_Up, control | shift)
    assert document.region == Region(31, 42, 65, 54)
    for _ in range(12):
        qtbot.keyClick(view, Qt.Key.Key_Right, shift)
    assert document.region == Region(63, 42, 65, 54)  # the picture ends there
    assert document.current is not None and document.current.path.name == "eosinophil-03.dng"
    until(lambda: opened.current)


def test_the_divider_is_moved_by_keys(opened: MainWindow, qtbot: Any, until: Any) -> None:
    left, right = (opened.actions_by_name[name] for name in ("divider_left", "divider_right"))
    assert not left.isEnabled() and "not split" in left.toolTip()
    opened.actions_by_name["split"].trigger()
    assert left.isEnabled() and right.isEnabled()
    left.trigger()
    assert opened.preview.view.split == pytest.approx(0.45)
    for _ in range(20):
        right.trigger()
    assert opened.preview.view.split == 0.98
    until(lambda: opened.current)
