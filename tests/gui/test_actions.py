"""The table of actions: each runs, has a key of its own, and says why where it is not possible."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QApplication, QDialog

from driftlab import resource
from driftlab.gui.actions import ACTIONS
from driftlab.gui.main_window import MainWindow

DEMO = resource("demo")


def test_every_action_runs(opened: MainWindow, until: Any) -> None:
    opened.document.set("exposure.ev", 0.5)
    for entry in ACTIONS:
        if entry.name == "quit":
            continue
        action = opened.actions_by_name[entry.name]
        opened.refresh()
        if action.isEnabled():
            action.trigger()
            if entry.checkable:
                action.trigger()
        for dialog in [
            each for each in QApplication.topLevelWidgets() if isinstance(each, QDialog) and each.isVisible()
        ]:
            dialog.close()
        until(lambda: opened.opening.idle)
    until(lambda: opened.current)
    problems = [message.text for message in opened.messages.messages if "clipboard" not in message.text]
    assert not problems


def test_keys_names_and_words_of_the_actions() -> None:
    keys = [key for entry in ACTIONS for key in entry.keys]
    assert len(keys) == len(set(keys)), "two actions have the same key"
    assert len({entry.name for entry in ACTIONS}) == len(ACTIONS)


def test_what_is_not_possible_says_why_and_no_longer_once_it_is(window: MainWindow, until: Any) -> None:
    undo = window.actions_by_name["undo"]
    assert not undo.isEnabled()
    assert undo.toolTip() == "Take the last step back (Ctrl+Z); not now: nothing has been changed"
    assert all(entry.when.reason for entry in ACTIONS if not window.actions_by_name[entry.name].isEnabled())
    window.opening.open([DEMO / "eosinophil-03.dng"])
    until(lambda: window.document.frame is not None)
    window.document.set("exposure.ev", 0.5)
    assert undo.isEnabled()
    assert undo.toolTip() == "Take the last step back (Ctrl+Z)"
