"""Color temperature and tint both ways: the gains move them, they move the gains; where not, they say why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from driftlab.gui.main_window import MainWindow
from driftlab.gui.widgets.temperature_rows import GAINS, TemperatureRows
from driftlab.isp.pipeline import CAMERA
from driftlab.isp.temperature import gains_at, temperature_of
from driftlab.raw.color import IDENTITY
from driftlab.raw.frame import ColorMatrix
from tests.isp.frames import smooth_frame

pytestmark = pytest.mark.usefixtures("nothing_left")
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def rows_of(window: MainWindow) -> TemperatureRows:
    rows = window.stages.temperature
    assert rows is not None
    window.stages.groups["white_balance"].set_open(True)
    return rows


def gains_in(window: MainWindow) -> tuple[float, float, float]:
    settings = window.document.settings
    assert settings is not None
    return settings.number(GAINS[0]), settings.number(GAINS[1]), settings.number(GAINS[2])


def shown(rows: TemperatureRows) -> list[str]:
    return [row.edit.text() for row in rows.rows.values()]


def test_they_stand_above_the_gains(opened: MainWindow) -> None:
    rows, group = rows_of(opened), opened.stages.groups["white_balance"]
    opened.stages.reveal(GAINS[0])
    assert rows.isVisible()
    assert rows.mapToGlobal(QPoint()).y() < group.rows[GAINS[0]].mapToGlobal(QPoint()).y()


def test_the_gains_move_them(opened: MainWindow) -> None:
    rows, frame = rows_of(opened), opened.document.frame
    assert frame is not None
    opened.document.set_several(dict(zip(GAINS, gains_at(3200.0, 12.0, frame), strict=True)), "planted")
    assert shown(rows) == ["3200\u2009K", "12.0"]
    assert rows.rows["temperature"].label.font().bold()
    before = shown(rows)
    opened.document.set(GAINS[0], gains_in(opened)[0] * 1.2)
    assert shown(rows) != before
    opened.document.reset()
    assert not rows.rows["temperature"].label.font().bold()


def test_they_move_the_gains_as_bright_as_before(opened: MainWindow) -> None:
    rows, frame = rows_of(opened), opened.document.frame
    assert frame is not None
    opened.document.set_several(dict.fromkeys(GAINS, 1.5), "planted")
    tint = temperature_of((1.5, 1.5, 1.5), frame)[1]
    rows.rows["temperature"].edited.emit("temperature", 4000.0)
    assert gains_in(opened) == pytest.approx([1.5 * gain for gain in gains_at(4000.0, tint, frame)], rel=1e-6)
    assert opened.document.last_edit == "Temperature"
    rows.rows["tint"].edited.emit("tint", 20.0)
    assert temperature_of(gains_in(opened), frame) == pytest.approx((4000.0, 20.0), rel=1e-4)
    opened.document.undo()
    assert temperature_of(gains_in(opened), frame) == pytest.approx((4000.0, tint), rel=1e-4)
    opened.document.undo()
    assert gains_in(opened) == (1.5, 1.5, 1.5)


def test_a_drag_is_one_step_and_holds_the_tint(opened: MainWindow, until: Any) -> None:
    rows, frame, start = rows_of(opened), opened.document.frame, gains_in(opened)
    assert frame is not None
    opened.stages.reveal(GAINS[0])
    told: list[Any] = []
    opened.document.settings_changed.connect(told.append)
    track, tint = rows.rows["temperature"].track, temperature_of(start, frame)[1]
    y = track.height() // 2
    QTest.mousePress(track, LEFT, NONE, QPoint(30, y))
    for x in range(31, 70, 3):
        QTest.mouseMove(track, QPoint(x, y))
    QTest.mouseRelease(track, LEFT, NONE, QPoint(69, y))
    assert len(told) > 5
    kelvin, now = temperature_of(gains_in(opened), frame)
    assert now == pytest.approx(tint, abs=0.01)
    assert track.at(track.share(kelvin)) == pytest.approx(kelvin, rel=2e-3)
    opened.document.undo()
    assert gains_in(opened) == start
    until(lambda: opened.current)


def test_a_double_click_resets_the_gains(opened: MainWindow) -> None:
    rows, start = rows_of(opened), gains_in(opened)
    rows.rows["temperature"].edited.emit("temperature", 4000.0)
    assert gains_in(opened) != start
    QTest.mouseDClick(rows.rows["temperature"].label, LEFT)
    assert gains_in(opened) == start


def test_light_that_can_not_be_balanced_leaves_the_gains(opened: MainWindow) -> None:
    rows = rows_of(opened)
    rows.rows["temperature"].edited.emit("temperature", 1500.0)
    rows.rows["tint"].edited.emit("tint", -150.0)
    before = gains_in(opened)
    rows.rows["temperature"].edited.emit("temperature", 90.0)
    assert gains_in(opened) == before
    assert "give a temperature from 1500" in rows.rows["temperature"].edit.toolTip()


@pytest.mark.parametrize(
    ("name", "matrix", "gain", "says"),
    [
        ("RGGB", IDENTITY, 1.0, "no color matrix"),
        ("mono", ColorMatrix(IDENTITY.values, "planted"), 1.0, "sees no colors"),
        ("RGGB", ColorMatrix(IDENTITY.values, "planted"), -1.0, "not above zero"),
        ("RGGB", ColorMatrix(IDENTITY.values, "planted"), 1.0, ""),
    ],
)
def test_where_there_is_no_temperature_the_tooltip_says_why(
    qapp: Any, name: str, matrix: ColorMatrix, gain: float, says: str
) -> None:
    frame = replace(smooth_frame(name, 8, 8), matrix=matrix)
    rows, settings = TemperatureRows(), CAMERA.settings(frame)
    rows.show_settings(frame, settings.changed({GAINS[0]: gain}), settings)
    tip = rows.rows["tint"].track.toolTip()
    assert rows.isEnabled() == (not says)
    assert says in tip if says else "stand in for those of daylight" in tip
    rows.deleteLater()
