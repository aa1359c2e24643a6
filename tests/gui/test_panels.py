"""Every panel both ways: the document moves the widgets without an echo, the widgets move the document once."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from driftlab.gui.main_window import MainWindow
from driftlab.gui.widgets.param_row import ParamRow

pytestmark = pytest.mark.usefixtures("nothing_left")
GAIN = "white_balance.r"


def row(window: MainWindow, key: str) -> ParamRow:
    group = window.stages.groups[key.partition(".")[0]]
    group.set_open(True)
    return group.rows[key]


def announced(window: MainWindow) -> list[Any]:
    seen: list[Any] = []
    window.document.settings_changed.connect(seen.append)
    return seen


def wheel(widget: Any, turn: int = 120) -> None:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle, widget.mapToGlobal(middle), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_every_parameter_moves_both_ways_and_never_echoes(opened: MainWindow) -> None:
    document, seen = opened.document, announced(opened)
    for name, group in opened.stages.groups.items():
        for key, each in group.rows.items():
            param, before = each.param, len(seen)
            each.track.moved.emit(param.high)
            assert document.settings is not None
            assert document.settings[key] == param.high, key
            assert len(seen) - before <= 1, f"{key} was announced more than once"
            document.set(key, param.low)
            assert each.edit.text() != ""
            assert each.track.at(each.track.share(param.low)) == pytest.approx(
                param.low, abs=1e-3 * abs(param.low) + 1e-6
            )
        assert opened.stages.groups[name] is group
    document.reset()
    assert document.settings == document.nominal


def test_switches_and_choices_move_both_ways(opened: MainWindow) -> None:
    document = opened.document
    for name, group in opened.stages.groups.items():
        if group.switch.isEnabled():
            group.switch.setChecked(False)
            assert document.settings is not None
            assert document.settings[f"{name}.on"] is False
            document.undo()
            assert group.switch.isChecked()
        for key, box in group.choices.items():
            for option in [box.itemText(at) for at in range(box.count())]:
                box.setCurrentText(option)
                assert document.settings is not None
                assert document.settings[key] == option
            document.reset([key])
            assert document.nominal is not None
            assert box.currentText() == document.nominal[key]


def test_what_has_no_effect_is_not_there(opened: MainWindow) -> None:
    group = opened.stages.groups["denoise"]
    group.set_open(True)
    assert group.rows["denoise.sigma"].isHidden()
    opened.document.set("denoise.method", "gaussian")
    assert not group.rows["denoise.sigma"].isHidden()
    assert group.grid is not None
    assert group.grid.isHidden()
    opened.document.set("denoise.method", "kernel")
    assert not group.grid.isHidden()
    group.grid.edits["denoise.k22"].typed.emit(0.5)
    assert opened.document.settings is not None
    assert opened.document.settings["denoise.k22"] == 0.5


def test_a_drag_is_one_step_and_one_answer_follows_the_last_value(opened: MainWindow, until: Any) -> None:
    document, track = opened.document, row(opened, GAIN).track
    opened.stages.reveal(GAIN)
    start = document.settings
    y = track.height() // 2
    QTest.mousePress(track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(40, y))
    for x in range(41, 90):
        QTest.mouseMove(track, QPoint(x, y))
    assert document.dragging
    QTest.mouseRelease(track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(89, y))
    assert not document.dragging
    last = document.settings
    assert last is not None and last[GAIN] != start[GAIN]  # type: ignore[index]
    until(lambda: opened.current)
    assert opened.computing.answer is not None
    assert opened.computing.answer.question.settings == last
    assert opened.preview.view.exact is not None
    assert opened.preview.view.exact.settings == last
    document.undo()
    assert document.settings == start
    document.redo()
    assert document.settings == last


def test_typing_keys_and_double_clicks(opened: MainWindow, qtbot: Any) -> None:
    document, each = opened.document, row(opened, GAIN)
    opened.stages.reveal(GAIN)
    shot = document.settings[GAIN]  # type: ignore[index]
    each.edit.setFocus()
    each.edit.selectAll()
    qtbot.keyClicks(each.edit, "x*2")
    qtbot.keyClick(each.edit, Qt.Key.Key_Return)
    assert document.settings[GAIN] == pytest.approx(2 * shot)  # type: ignore[index]
    each.edit.selectAll()
    qtbot.keyClicks(each.edit, "99")
    qtbot.keyClick(each.edit, Qt.Key.Key_Return)
    assert each.edit.property("wrong") and "out of range" in each.edit.toolTip()
    qtbot.keyClick(each.edit, Qt.Key.Key_Escape)
    assert not each.edit.property("wrong")
    QTest.mouseDClick(each.label, Qt.MouseButton.LeftButton)
    assert document.settings[GAIN] == shot  # type: ignore[index]
    each.track.setFocus()
    steps = []
    for modifier in (
        Qt.KeyboardModifier.NoModifier,
        Qt.KeyboardModifier.ShiftModifier,
        Qt.KeyboardModifier.ControlModifier,
    ):
        before = document.settings[GAIN]  # type: ignore[index]
        qtbot.keyClick(each.track, Qt.Key.Key_Right, modifier)
        steps.append(document.settings[GAIN] - before)  # type: ignore[index, operator]
    assert steps[1] == pytest.approx(10 * steps[0], rel=0.1)
    assert steps[2] == pytest.approx(steps[0] / 10, rel=0.2)
    QTest.mouseDClick(each.track, Qt.MouseButton.LeftButton)
    assert document.settings[GAIN] == shot  # type: ignore[index]


def test_the_wheel_changes_a_value_only_with_the_focus(opened: MainWindow) -> None:
    track, document = row(opened, GAIN).track, opened.document
    before = document.settings
    opened.preview.view.setFocus()
    wheel(track)
    wheel(opened.stages.groups["white_balance"].choices["white_balance.highlights"])
    assert document.settings == before
    opened.activateWindow()
    track.setFocus()
    if track.hasFocus():
        wheel(track)
        assert document.settings != before


def test_another_pipeline_keeps_what_was_set_by_hand(opened: MainWindow, until: Any) -> None:
    opened.document.set(GAIN, 2.5)
    opened.stages.chooser.setCurrentText("paper")
    assert opened.document.settings is not None
    assert opened.document.settings.pipeline.name == "paper"
    assert opened.document.settings[GAIN] == 2.5
    until(lambda: opened.current)
    opened.document.undo()
    assert opened.stages.chooser.currentText() == "camera"
    until(lambda: opened.current)


def test_a_flip_is_told_with_its_parameter(opened: MainWindow, until: Any) -> None:
    opened.document.set(GAIN, 0.9)
    until(lambda: opened.current)
    assert opened.logits.flip.isVisible()
    text = opened.logits.flip.text()
    assert "eosinophil" in text and "neutrophil" in text and "Red gain" in text
    opened.document.undo()
    until(lambda: opened.current)
    assert not opened.logits.flip.isVisible()


def test_pinning_moves_the_nominal_tick_and_the_reference(opened: MainWindow, until: Any) -> None:
    opened.document.set(GAIN, 1.2)
    opened.document.pin()
    until(lambda: opened.current and opened.computing.nominal is not None)
    assert opened.document.nominal == opened.document.settings
    assert opened.computing.nominal is not None
    assert opened.computing.nominal.question.settings[GAIN] == 1.2


def test_a_region_is_what_the_model_is_given(opened: MainWindow, until: Any) -> None:
    opened.actions_by_name["region"].setChecked(True)
    view = opened.preview.view
    first, last = (view.to_widget(*place).toPoint() for place in ((10, 20), (74, 84)))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, first)
    QTest.mouseMove(view, last)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, last)
    region = opened.document.region
    assert region is not None
    assert abs(region.left - 10) <= 1 and abs(region.width - 64) <= 2
    until(lambda: opened.current)
    assert opened.computing.answer is not None
    assert opened.computing.answer.question.region == region
    inside = view.to_widget(region.left + 20, region.top + 20).toPoint()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, inside)
    QTest.mouseMove(view, inside + QPoint(round(10 * view.scale), 0))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, inside)
    moved = opened.document.region
    assert moved is not None and moved.width == region.width and moved.left > region.left
    opened.actions_by_name["clear_region"].trigger()
    assert opened.document.region is None


def test_a_bar_shows_its_heatmap_which_sums_to_it(opened: MainWindow, until: Any) -> None:
    explaining = opened.explaining
    assert explaining.table is not None
    assert opened.sensitivity.bars.rows
    until(lambda: len(explaining.heatmaps) > 5)
    opened.sensitivity.bars.chosen.emit(GAIN)
    until(lambda: GAIN in explaining.heatmaps)
    found = {each.key: each for each in explaining.table.rows}[GAIN]
    assert float(explaining.heatmaps[GAIN].values.double().sum()) == pytest.approx(found.gradient, rel=1e-2, abs=1e-4)
    opened.heatmap.overlay.setChecked(True)
    assert opened.preview.view.overlay is not None
    opened.document.set(GAIN, 1.3)
    assert opened.preview.view.overlay is None, "a heatmap of earlier settings lies over the picture"
    until(lambda: opened.current)


def test_zoom_keeps_the_place_under_the_pointer(opened: MainWindow) -> None:
    view = opened.preview.view
    at = QPointF(view.width() * 0.45, view.height() * 0.6)
    view.zoom_to(4.0)
    place = view.to_picture(at)
    view.zoom_to(8.0, at)
    assert (view.to_picture(at) - place).manhattanLength() < 1e-6
    assert not view.fits
    opened.actions_by_name["fit"].trigger()
    assert view.fits


def test_frames_that_are_not_open_yet_say_what_they_are(window: MainWindow, until: Any) -> None:
    window.opening.open_sample()
    until(lambda: window.document.frame is not None and window.current)
    icons = [window.frames.list.item(row).icon().pixmap(48, 48).toImage() for row in range(40)]
    opened = window.frames.list.currentRow()
    blank = icons[opened - 1]
    assert all(icon == blank for row, icon in enumerate(icons) if row != opened)
    assert icons[opened] != blank
    inside = [blank.pixelColor(x, y).alpha() for x in range(8, 40) for y in range(16, 32)]
    assert max(inside) > 100 and min(inside) == 0, "an empty box"


def test_the_heatmap_names_its_parameter_and_both_its_sums(opened: MainWindow, until: Any) -> None:
    opened.explaining.select(GAIN)
    until(lambda: GAIN in opened.explaining.heatmaps)
    assert opened.explaining.table is not None
    found = {each.key: each for each in opened.explaining.table.rows}[GAIN]
    text = opened.heatmap.title.text().replace("\u2212", "-")
    assert "White balance: Red gain" in text
    assert f"normalized {found.normalized:.3g}" in text
