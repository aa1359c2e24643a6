"""Forensics in the window: searched on request, a ranked list, a gallery, and settings that are applied as one step."""

from __future__ import annotations

import csv
import io
import shlex
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QIcon

from driftlab import resource
from driftlab.cli import parser
from driftlab.gui.main_window import MainWindow
from driftlab.gui.tolerating import Scope

pytestmark = pytest.mark.usefixtures("nothing_left")
DEMO = resource("demo")


@pytest.fixture
def broken(opened: MainWindow, until: Any) -> MainWindow:
    """The window with what breaks its picture by white balance and optics."""
    breaking = opened.searches.breaking
    breaking.choose(groups=("white_balance", "optics"))
    opened.searches.forensics.search.click()
    assert opened.searches.forensics.search.text() == "Stop"
    until(lambda: breaking.found is not None and breaking.found.complete and not breaking.running, 60_000)
    return opened


def test_nothing_is_searched_before_it_is_asked_for(opened: MainWindow) -> None:
    panel = opened.searches.forensics
    assert panel._stack.currentIndex() == 1 and panel.search.text() == "Search"
    assert opened.searches.breaking.found is None and "smallest change" in panel.notice.label.text()
    assert not panel.apply.isEnabled()


def test_the_list_is_ranked_and_copied_and_the_gallery_shows_what_flips(broken: MainWindow) -> None:
    panel, found = broken.searches.forensics, broken.searches.breaking.found
    assert found is not None
    assert [row.key for row in panel.table.rows] == [rank.name for rank in found.ranked]
    assert panel.table.rows[0].texts[0] == "White balance (stage)"
    assert "neutrophil" in panel.table.rows[0].help and panel.table.rows[-1].texts[1] == "not broken"
    assert panel.gallery.count() == len(found.gallery) > 0
    item, view = panel.gallery.item(0), found.gallery[0]
    assert view.flip.after in item.text()
    plain, chosen = (
        item.icon().pixmap(panel.gallery.iconSize(), mode) for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected)
    )
    assert plain.toImage() == chosen.toImage(), "a chosen view has other colors"
    table, command = panel.more.menu().actions()[:2]
    table.trigger()
    rows = list(csv.DictReader(io.StringIO(QGuiApplication.clipboard().text())))
    assert [row["name"] for row in rows] == [rank.name for rank in found.ranked]
    command.trigger()
    words = shlex.split(QGuiApplication.clipboard().text())
    told = parser().parse_args(words[1:])
    assert told.group == ["white_balance", "optics"] and told.distance == "l2"
    assert told.data == [str(broken.document.current.path)]  # type: ignore[union-attr]


def test_a_view_or_a_row_is_applied_as_one_step_and_breaks_the_model(
    broken: MainWindow, until: Any, qtbot: Any
) -> None:
    panel, document = broken.searches.forensics, broken.document
    found = broken.searches.breaking.found
    assert found is not None
    document.set("exposure.ev", 0.2)
    panel.gallery.setCurrentRow(0)
    panel.gallery.setFocus()
    qtbot.keyClick(panel.gallery, Qt.Key.Key_Return)
    settings, sight = document.settings, found.gallery[0].sight
    assert settings is not None and settings["exposure.ev"] == 0.0, "the view is of the nominal settings"
    for move in sight.moves:
        assert settings[move.key] == pytest.approx(move.position)
    until(lambda: broken.computing.current)
    assert broken.computing.answer is not None and broken.computing.answer.top == found.gallery[0].flip.after
    assert broken.searches.breaking.fresh, "what was found is of the nominal settings"
    document.undo()
    assert document.settings is not None and document.settings["exposure.ev"] == 0.2
    # A row of the list, by the button.
    key = next(rank.name for rank in found.ranked if rank.kind == "parameter")
    panel.table.setCurrentCell([row.key for row in panel.table.rows].index(key), 0)
    assert "→" in panel.state.text()
    panel.apply.click()
    assert document.settings[key] != document.nominal[key]  # type: ignore[index]
    until(lambda: broken.computing.current)
    assert broken.computing.answer.top != "eosinophil"
    # Another nominal is another question.
    document.pin()
    assert panel.state.text().startswith("for earlier settings") and not panel.gallery.isEnabled()


def test_a_view_of_another_frame_shows_that_frame(opened: MainWindow, until: Any) -> None:
    breaking, panel = opened.searches.breaking, opened.searches.forensics
    opened.document.add([DEMO / "eosinophil-01.dng"])
    panel.scope.setCurrentText(Scope.FRAMES)
    breaking.choose(groups=("white_balance.r",))
    panel.search.click()
    until(lambda: breaking.found is not None and breaking.found.complete, 60_000)
    views = breaking.found.gallery  # type: ignore[union-attr]
    at = next(number for number, view in enumerate(views) if view.case == 1)
    panel.gallery.setCurrentRow(at)
    panel.apply.click()
    until(lambda: opened.document.current.path.name == "eosinophil-01.dng" and opened.computing.current)  # type: ignore[union-attr]
    assert opened.computing.answer is not None and opened.computing.answer.top == views[at].flip.after
    assert breaking.fresh, "the same frames, though another one is shown"


def test_stopping_keeps_what_was_found(opened: MainWindow, until: Any) -> None:
    breaking, panel = opened.searches.breaking, opened.searches.forensics
    panel.search.click()
    until(lambda: breaking.found is not None)
    panel.search.click()
    until(lambda: not breaking.running and not opened.worker.busy)
    assert panel.search.text() == "Search" and breaking.found is not None and not breaking.found.complete


def test_groups_are_chosen_from_a_menu(opened: MainWindow) -> None:
    panel = opened.searches.forensics
    panel.groups.menu().aboutToShow.emit()
    names = [action.text() for action in panel.groups.menu().actions()]
    assert names[0] == "exposure" and names[-1] == "all"
    panel.groups.menu().actions()[0].trigger()
    assert opened.searches.breaking.groups == tuple(names[1:])
    panel.groups.menu().actions()[0].trigger()
    assert opened.searches.breaking.groups == ()
