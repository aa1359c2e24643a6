"""Tolerances in the window: searched aside, shown on the sliders and in a table, never those of something else."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest

from driftlab import load_model, load_raw, predict, resource
from driftlab.cli import main
from driftlab.gui.main_window import MainWindow
from driftlab.gui.resumable import Resumable
from driftlab.gui.tolerating import Scope
from driftlab.gui.widgets.band import Band
from driftlab.gui.widgets.criterion_edit import CriterionEdit
from driftlab.gui.widgets.track import Track
from driftlab.isp.pipeline import CAMERA
from driftlab.mask_file import write_mask
from tests.model.tiny import save_segmenter

pytestmark = pytest.mark.usefixtures("nothing_left")
GAIN = "white_balance.r"
DEMO = resource("demo")


@pytest.fixture
def searched(opened: MainWindow, until: Any) -> MainWindow:
    """The window with all tolerances of its picture."""
    until(lambda: opened.searches.tolerating.current)
    return opened


def bands(window: MainWindow) -> dict[str, Band]:
    rows = {key: row for group in window.stages.groups.values() for key, row in group.rows.items()}
    return {key: row.track.band for key, row in rows.items() if row.track.band is not None}


def copied(window: MainWindow, what: str) -> str:
    panel = window.searches.tolerance
    next(each for each in panel.more.menu().actions() if each.text() == f"Copy as {what}").trigger()
    return QGuiApplication.clipboard().text()


def test_every_slider_has_the_band_that_was_found(searched: MainWindow) -> None:
    found = searched.searches.tolerating.tolerance
    assert found is not None and found.complete and len(found.axes) > 20
    shown = bands(searched)
    assert set(shown) == {axis.key for axis in found.searched}
    for finding in found.axes:
        band = shown[finding.axis.key]
        assert band.safe == finding.safe and band.searched == (finding.axis.low, finding.axis.high)
        assert band.fails == (finding.lower.fails, finding.upper.fails)
        assert not band.stale and "not jointly valid" in band.help and "prediction-unchanged" in band.help
    assert shown[GAIN].fails[0] is not None and shown[GAIN].fails[1] is None
    tip = searched.stages.groups["white_balance"].rows[GAIN].track.toolTip()
    assert "Tolerance" in tip and "neutrophil" in tip and "Red gain" in tip


def test_where_the_band_ends_the_decision_flips(searched: MainWindow, until: Any) -> None:
    band = bands(searched)[GAIN]
    assert band.safe is not None and band.fails[0] is not None
    for value, top in ((band.safe[0], "eosinophil"), (band.fails[0], "neutrophil")):
        searched.document.set(GAIN, value)
        until(lambda: searched.computing.current)
        assert searched.computing.answer is not None and searched.computing.answer.top == top


def test_the_nominal_tolerances_outlast_a_drag_and_go_gray_with_another_nominal(
    searched: MainWindow, until: Any
) -> None:
    before = searched.searches.tolerating.tolerance
    searched.document.set(GAIN, 1.3)
    assert searched.searches.tolerating.fresh and not bands(searched)[GAIN].stale
    searched.document.pin()
    assert all(band.stale for band in bands(searched).values())
    assert searched.searches.tolerance.state.text().startswith("for earlier settings")
    until(lambda: searched.searches.tolerating.current)
    assert searched.searches.tolerating.tolerance is not before
    assert not any(band.stale for band in bands(searched).values())
    found = {each.axis.key: each for each in searched.searches.tolerating.tolerance.axes}  # type: ignore[union-attr]
    assert found[GAIN].axis.nominal == 1.3


def test_around_the_current_settings_they_follow_them(searched: MainWindow, until: Any) -> None:
    searched.searches.tolerance.in_force.setChecked(True)
    assert searched.searches.tolerating.fresh, "nominal and current are the same"
    searched.document.drag_begin()
    searched.document.set(GAIN, 1.4)
    assert all(band.stale for band in bands(searched).values())
    assert not searched.searches.tolerating.running, "a search during a drag"
    searched.document.drag_end()
    until(lambda: searched.searches.tolerating.current)
    assert not any(band.stale for band in bands(searched).values())
    assert searched.searches.tolerating.tolerance.cases[0].settings[GAIN] == 1.4  # type: ignore[union-attr]


def test_a_search_waits_while_a_slider_moves_and_goes_on(opened: MainWindow, until: Any) -> None:
    tolerating = opened.searches.tolerating
    until(lambda: tolerating.tolerance is not None and not tolerating.tolerance.complete)
    before = len(tolerating.tolerance.axes)  # type: ignore[union-attr]
    opened.document.drag_begin()
    opened.document.set(GAIN, 1.3)
    until(lambda: "tolerance" not in opened.worker.busy)
    assert tolerating.running and not tolerating.current
    opened.document.drag_end()
    until(lambda: tolerating.current)
    found = tolerating.tolerance
    assert found is not None and found.complete and len(found.axes) > before
    assert found.evaluations < 400, "the search began anew"


def test_another_criterion_is_another_search(searched: MainWindow, until: Any) -> None:
    panel, tolerating = searched.searches.tolerance, searched.searches.tolerating
    wide = bands(searched)[GAIN].safe
    panel.edit.kind.setCurrentText("margin ≥")
    panel.edit.threshold.setValue(3.0)
    assert tolerating.criterion == "margin>=3"
    assert bands(searched)[GAIN].stale
    until(lambda: tolerating.current)
    tight = bands(searched)[GAIN].safe
    assert wide is not None and tight is not None and tight[0] > wide[0]
    panel.edit.threshold.setValue(500.0)
    until(lambda: tolerating.failure is not None)
    assert "fails at the nominal settings already" in panel.notice.label.text()
    assert [button.text() for button in panel.notice.buttons] == ["Try again", "Copy details"]
    assert not bands(searched) and tolerating.current


def test_the_table_is_keyboard_reachable_and_reveals_the_slider(searched: MainWindow, qtbot: Any) -> None:
    table = searched.searches.tolerance.table
    searched.docks["tolerance"].raise_()
    keys = [row.key for row in table.rows]
    assert len(keys) == len(bands(searched))
    table.setFocus()
    table.setCurrentCell(0, 0)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.selected == keys[1]
    group = searched.stages.groups[keys[1].partition(".")[0]]
    assert not group.rows[keys[1]].isHidden()
    assert table.rows[-1].texts[3] == "none in the searched range"
    assert table.accessibleName() and searched.searches.tolerance.scope.accessibleName()


def test_stop_stays_stopped_until_something_changes(opened: MainWindow, until: Any) -> None:
    tolerating = opened.searches.tolerating
    until(lambda: tolerating.running)
    opened.cancel_jobs()
    until(lambda: not tolerating.running)
    until(lambda: not opened.worker.busy)
    assert tolerating.current
    opened.searches.tolerance.search.click()
    until(lambda: tolerating.tolerance is not None and tolerating.tolerance.complete)


def test_all_frames_together_when_asked_with_labels(opened: MainWindow, until: Any, tmp_path: Path) -> None:
    tolerating, panel = opened.searches.tolerating, opened.searches.tolerance
    paths = [DEMO / name for name in ("eosinophil-01.dng", "neutrophil-02.dng")]
    opened.document.add(paths)
    panel.scope.setCurrentText(Scope.FRAMES)
    assert tolerating.current and not tolerating.running and not bands(opened)
    assert "3 frames" in panel.notice.label.text()
    panel.edit.kind.setCurrentText("margin ≥")
    panel.edit.over.setCurrentText("of a share of")
    panel.edit.share.setValue(0.5)
    opened.searches.open_labels(DEMO / "labels.csv")
    panel.notice.buttons[0].click()
    until(lambda: tolerating.tolerance is not None and tolerating.tolerance.complete)
    found = tolerating.tolerance
    assert found is not None and len(found.cases) == 3 and found.criterion.aggregation == "quantile=0.5"
    assert [case.label for case in found.cases] == ["eosinophil", "eosinophil", "neutrophil"]
    assert not any(each.self_label for each in found.nominals)
    assert "against labels" in panel.state.text() and bands(opened)
    panel.scope.setCurrentText(Scope.PICTURE)
    until(lambda: tolerating.current)
    assert len(tolerating.tolerance.cases) == 1  # type: ignore[union-attr]


def test_copies_are_what_the_table_shows_and_what_the_command_finds(
    searched: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = searched.searches.tolerating.tolerance
    assert found is not None
    rows = list(csv.DictReader(io.StringIO(copied(searched, "CSV"))))
    assert [row["param"] for row in rows] == [each.axis.key for each in found.axes]
    assert [float(row["safe_low"]) for row in rows] == [each.safe[0] for each in found.axes]
    told = json.loads(copied(searched, "JSON"))["results"]["axis"]
    assert [each["safe"] for each in told] == [[*each.safe] for each in found.axes]
    words = shlex.split(copied(searched, "command"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert end.value.code == 0
    report = json.loads((tmp_path / "tolerance-report" / "report.json").read_text())
    assert [each["safe"] for each in report["results"]["axis"]] == [each["safe"] for each in told]


def test_a_segmentation_is_held_against_the_mask_that_was_opened(
    window: MainWindow, until: Any, tmp_path: Path
) -> None:
    frame = load_raw(DEMO / "eosinophil-03.dng")
    model = save_segmenter(tmp_path / "segmenter.pt")
    own = predict(frame, CAMERA.settings(frame), load_model(model, trust=True)).mask.numpy()  # type: ignore[union-attr]
    write_mask(own, tmp_path / "mask.png", 3)
    window.opening.open([DEMO / "eosinophil-03.dng"])
    window.opening.open_model(str(model), trust=True)
    tolerating = window.searches.tolerating
    until(lambda: window.document.model is not None and tolerating.tolerance is not None and tolerating.current)
    found = tolerating.tolerance
    assert found is not None and str(found.criterion) == "drop<=0.02" and found.nominals[0].self_label
    assert window.searches.tolerance.edit.kind.currentText() == "drop ≤"
    window.opening.open_mask(tmp_path / "mask.png")
    until(lambda: window.document.mask is not None and tolerating.fresh and tolerating.current)
    found = tolerating.tolerance
    assert found is not None and not found.nominals[0].self_label and found.nominals[0].score == 1.0


def test_a_model_without_decisions_has_none(window: MainWindow) -> None:
    panel = window.searches.tolerance
    assert panel._stack.currentIndex() == 0 and "task model" in panel.none.label.text()


def test_a_track_draws_its_band(qtbot: Any) -> None:
    def colors(band: Band | None) -> set[int]:
        track = Track(0.0, 1.0)
        qtbot.addWidget(track)
        track.resize(216, 24)
        track.show_value(0.5, 0.5)
        track.show_band(band)
        image = track.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        return {image.pixel(QPoint(x, 14)) for x in range(20, 90)}

    plain = colors(None)
    held = colors(Band((0.0, 1.0), (0.0, 1.0)))
    waiting = colors(Band((0.0, 1.0)))
    stale = colors(Band((0.0, 1.0), (0.0, 1.0), stale=True))
    assert len({frozenset(each) for each in (plain, held, waiting, stale)}) == 4
    assert len(held) == 1 and len(waiting) > 1, "filled is even, hatched is not"


def test_the_criterion_is_told_as_the_command_line_takes_it(qtbot: Any) -> None:
    edit = CriterionEdit()
    qtbot.addWidget(edit)
    edit.show()
    assert (edit.criterion, edit.aggregation) == ("prediction-unchanged", "all")
    edit.show_several(several=True)
    edit.over.setCurrentText("but for a share of")
    assert (edit.criterion, edit.aggregation) == ("prediction-unchanged", "rate=0.05")
    edit.kind.setCurrentText("accuracy ≥")
    assert (edit.criterion, edit.aggregation) == ("accuracy>=0.9", "all")
    edit.show_task(segmentation=True)
    assert (edit.criterion, edit.kind.count()) == ("drop<=0.02", 2)


def test_resumed_work_goes_on_where_it_ended_and_says_the_last_again() -> None:
    urgent = False

    def work() -> Iterator[int | None]:
        yield from (1, None, 2, 3)

    steps = Resumable(work, lambda: urgent)
    first = steps()
    assert [next(first), next(first), next(first)] == [None, 1, None]
    first.close()  # type: ignore[attr-defined]
    urgent = True
    assert list(steps()) == [1]
    urgent = False
    assert list(steps()) == [1, 2, 3] and steps.done


def test_a_click_on_a_band_still_sets_the_value(searched: MainWindow) -> None:
    searched.stages.reveal(GAIN)
    track = searched.stages.groups["white_balance"].rows[GAIN].track
    none = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, none, QPoint(track.width() - 30, track.height() // 2))
    assert searched.document.settings[GAIN] > 2  # type: ignore[index, operator]
