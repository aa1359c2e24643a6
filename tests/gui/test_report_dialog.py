"""The export of a tolerance report: a form, a search, a preview, and the same files as from the command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from driftlab import resource
from driftlab.cli import main
from driftlab.gui.main_window import MainWindow
from driftlab.gui.report_dialog import ReportDialog

pytestmark = pytest.mark.usefixtures("nothing_left")
DEMO = resource("demo")


def asked(window: MainWindow) -> ReportDialog:
    window.actions_by_name["export_report"].trigger()
    dialog = window.searches.report
    assert dialog is not None
    return dialog


def choose(dialog: ReportDialog, **spans: str) -> None:
    """Only these parameters, with the texts of their ranges."""
    for row, key in enumerate(dialog.form._keys):
        span = spans.get(key.replace(".", "_"))
        name, ends = dialog.form.parameters.item(row, 0), dialog.form.parameters.item(row, 1)
        name.setCheckState(Qt.CheckState.Unchecked if span is None else Qt.CheckState.Checked)
        ends.setText(span or "")


def test_the_report_is_that_of_the_command_it_names(
    opened: MainWindow, until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.document.add([DEMO / "eosinophil-01.dng"])
    opened.searches.open_labels(DEMO / "labels.csv")
    opened.searches.tolerating.choose(truths={}, table=None)
    dialog = asked(opened)
    dialog.form.scope.setCurrentText("all frames")
    dialog.form.criterion.kind.setCurrentText("margin ≥")
    dialog.form.criterion.threshold.setValue(0.2)
    dialog.form.criterion.over.setCurrentText("of a share of")
    choose(dialog, white_balance_r="0.5:2", exposure_ev="")
    dialog.form.texts["intended_use"].setText("counting cells")
    dialog.form.people.setPlainText("data: A. Example\nB. Example")
    dialog.form.exclusions.setPlainText("children\n\nanimals")
    assert not dialog.write.isEnabled()
    dialog.search.click()
    until(lambda: dialog.draft is not None)
    assert "Red gain" in dialog.preview.toPlainText() and "2 pictures" in dialog.preview.toPlainText()
    dialog.write_to(tmp_path / "here")
    until(lambda: dialog.path is not None)
    here = json.loads((tmp_path / "here" / "report.json").read_text())
    assert here["purpose"]["intended_use"] == "counting cells"
    assert here["purpose"]["exclusions"] == ["children", "animals"]
    assert here["responsible"] == [
        {"role": "data", "name": "A. Example"},
        {"role": "", "name": "B. Example"},
    ]
    assert {path.name for path in (tmp_path / "here").iterdir()} >= {"report.html", "report.pdf", "tables"}
    dialog.copy.click()
    words = shlex.split(QGuiApplication.clipboard().text())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert end.value.code == 0
    there = json.loads((tmp_path / words[-1] / "report.json").read_text())
    for part in here.keys() - {"purpose", "responsible", "volatile", "report_id"}:
        assert here[part] == there[part], part
    assert [each["param"] for each in here["results"]["axis"]] == ["exposure.ev", "white_balance.r"]
    dialog.close()
    again = asked(opened)
    assert again.form.texts["intended_use"].text() == "counting cells", "the purpose is kept for the next report"
    again.close()


def test_a_canceled_search_writes_nothing(opened: MainWindow, until: Any) -> None:
    dialog = asked(opened)
    dialog.search.click()
    until(lambda: dialog._searching.running)
    assert dialog.search.text() == "Cancel" and not dialog.form.isEnabled()
    dialog.search.click()
    until(lambda: not opened.worker.busy)
    assert dialog.draft is None and not dialog.write.isEnabled() and dialog.form.isEnabled()
    dialog.search.click()
    until(lambda: dialog._searching.running)
    dialog.close()
    until(lambda: "report" not in opened.worker.busy)


def test_what_can_not_be_is_a_sentence_in_the_dialog(opened: MainWindow, until: Any, tmp_path: Path) -> None:
    dialog = asked(opened)
    choose(dialog)
    dialog.search.click()
    assert "choose at least one" in dialog.state.text()
    choose(dialog, white_balance_r="3:4")
    dialog.search.click()
    until(lambda: "give a range that holds it" in dialog.state.text())
    assert dialog.form.isEnabled() and dialog.draft is None
    choose(dialog, white_balance_r="1:2")
    dialog.search.click()
    until(lambda: dialog.draft is not None)
    blocked = tmp_path / "file"
    blocked.write_text("")
    dialog.write_to(blocked / "below")
    until(lambda: "can't be written" in dialog.state.text())
    assert dialog.path is None
    dialog.close()


def test_it_begins_as_the_tolerance_panel_was_left(opened: MainWindow) -> None:
    opened.document.add([DEMO / "eosinophil-01.dng"])
    opened.searches.tolerating.choose(criterion="margin>=1.5")
    dialog = asked(opened)
    question = dialog.question
    assert (question.criterion, question.ranges, question.budget) == ("margin>=1.5", (), None)
    named = [each for each in dialog.form.findChildren(type(dialog.form.budget)) if not each.accessibleName()]
    assert not named
    dialog.close()
