"""Menus, toolbar and shortcuts, made from the table of actions; and what of them changes while the window is open."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from driftlab.gui import dialogs, icons
from driftlab.gui.action import Action
from driftlab.gui.actions import ACTIONS
from driftlab.gui.titles import edit_name

if TYPE_CHECKING:
    from driftlab.gui.main_window import MainWindow

__all__ = ["make_actions", "make_menus", "recolor", "refresh"]


def make_actions(window: MainWindow) -> dict[str, QAction]:
    """An action of the window for every line of the table, by name."""
    return {entry.name: _action(window, entry) for entry in ACTIONS}


def make_menus(window: MainWindow) -> dict[str, QMenu]:
    """Fill the menu bar and the toolbar of a window that has its actions and docks; the menus by title."""
    menus: dict[str, QMenu] = {}
    bar = QToolBar("Tools", window)
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    window.addToolBar(bar)
    for entry in ACTIONS:
        menu = menus.get(entry.menu) or menus.setdefault(entry.menu, window.menuBar().addMenu(entry.menu))
        action = window.actions_by_name[entry.name]
        if entry.apart:
            menu.addSeparator()
        menu.addAction(action)
        if entry.tool:
            if entry.menu == "Help":  # at the far end, as its menu is
                bar.addWidget(_spring())
            elif entry.apart:
                bar.addSeparator()
            bar.addAction(action)
            button = bar.widgetForAction(action)
            if isinstance(button, QToolButton) and entry.wordless:
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    recent = QMenu("Recent", window)
    recent.aboutToShow.connect(partial(_fill_recent, recent, window))
    menus["File"].insertMenu(window.actions_by_name["open_model"], recent)
    panels = menus["View"].addMenu("Panels")
    for dock in window.docks.values():
        panels.addAction(dock.toggleViewAction())
    presets = window.stages.presets.menu()
    presets.aboutToShow.connect(partial(_fill_presets, presets, window))
    return menus


def refresh(window: MainWindow) -> None:
    """Each action possible or not, as the document is, where not with the reason; and what undo and redo would do."""
    for entry in ACTIONS:
        action, possible = window.actions_by_name[entry.name], entry.when.holds(window)
        if action.isEnabled() != possible:
            action.setEnabled(possible)
            action.setToolTip(_tip(action, entry, possible))
    document = window.document
    history, settings = document.history, document.settings
    for name, edit in (
        ("undo", history.undoes if history else None),
        ("redo", history.redoes if history else None),
    ):
        window.actions_by_name[name].setText(f"{name.title()} {edit_name(settings, edit)}".rstrip())


def recolor(actions: dict[str, QAction]) -> None:
    """Icons in the colors of the theme in force."""
    icons.forget()
    for entry in ACTIONS:
        if entry.icon:
            actions[entry.name].setIcon(icons.icon(entry.icon))


def _action(window: MainWindow, entry: Action) -> QAction:
    action = QAction(entry.text, window)
    action.setObjectName(entry.name)
    action.setShortcuts([QKeySequence(key) for key in entry.keys])
    action.setToolTip(_tip(action, entry, possible=True))
    if entry.tool:
        action.setIconText(entry.tool)
    action.setCheckable(entry.checkable)
    action.setChecked(entry.checked)
    if entry.icon:
        action.setIcon(icons.icon(entry.icon))
    if entry.checkable:
        action.toggled.connect(partial(entry.run, window))
    else:
        action.triggered.connect(lambda checked=False: entry.run(window))
    window.addAction(action)
    return action


def _spring() -> QWidget:
    spring = QWidget()
    spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return spring


def _tip(action: QAction, entry: Action, possible: bool) -> str:
    keys = f" ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if entry.keys else ""
    reason = "" if possible else f"; not now: {entry.when.reason}"
    return f"{entry.help or entry.text}{keys}{reason}"


def _fill_recent(menu: QMenu, window: MainWindow) -> None:
    menu.clear()
    for path in window.opening.recent:
        menu.addAction(path, partial(window.opening.open, [Path(path)]))
    if not window.opening.recent:
        menu.addAction("Nothing yet").setEnabled(False)


def _fill_presets(menu: QMenu, window: MainWindow) -> None:
    dialogs.fill_presets(menu, window.document, window.store, window.messages)
