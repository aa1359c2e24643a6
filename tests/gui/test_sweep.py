"""Curves and maps in the window: drawn while somebody looks, of the settings in force, and a click sets them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from driftlab import resource
from driftlab.gui.main_window import MainWindow
from driftlab.gui.tolerating import Scope

pytestmark = pytest.mark.usefixtures("nothing_left")
GAIN, EV, GREEN = "white_balance.r", "exposure.ev", "white_balance.g"
DEMO = resource("demo")


@pytest.fixture
def drawn(opened: MainWindow, until: Any) -> MainWindow:
    """The window with the curve along the red gain."""
    opened.docks["sweep"].raise_()
    until(lambda: opened.searches.sweeping.watched)
    opened.searches.sweep.show_key(GAIN)
    until(lambda: opened.searches.sweeping.found is not None and opened.searches.sweeping.current)
    return opened


def click(window: MainWindow, plot: Any, *places: float) -> None:
    """A click at these coordinates of the plot."""
    at = plot.mapFromScene(plot.box.mapViewToScene(QPointF(*places)))
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def test_nothing_is_asked_while_nobody_looks(opened: MainWindow, until: Any) -> None:
    sweeping = opened.searches.sweeping
    until(lambda: opened.searches.tolerating.current)
    assert not sweeping.watched and sweeping.question is None and sweeping.found is None


def test_the_curve_is_the_margin_of_the_answer(drawn: MainWindow, until: Any) -> None:
    sweeping, panel = drawn.searches.sweeping, drawn.searches.sweep
    curve, answer = sweeping.found, drawn.computing.answer
    assert curve is not None and answer is not None and panel.curve is not None
    nominal = next(point for point in curve.points if point.position == curve.axis.nominal)  # type: ignore[union-attr]
    assert nominal.scores[0] == pytest.approx(answer.prediction.margin, abs=1e-4)  # type: ignore[union-attr]
    x, y = panel.curve.line.getData()
    assert x.tolist() == [point.position for point in curve.points]  # type: ignore[union-attr]
    assert y.tolist() == [point.scores[0] for point in curve.points]  # type: ignore[union-attr]
    assert panel.curve.limit.isVisible() and panel.curve.limit.value() == 0.0
    assert min(y) < 0 < max(y)


def test_the_swept_slider_moves_along_a_curve_that_stays(drawn: MainWindow, until: Any) -> None:
    sweeping, panel = drawn.searches.sweeping, drawn.searches.sweep
    before = sweeping.found
    drawn.document.set(GAIN, 2.0)
    assert sweeping.fresh and sweeping.found is before and panel.curve is not None
    assert panel.curve.current.value() == 2.0
    assert panel.curve.nominal.value() == pytest.approx(1.1465, abs=1e-3)
    drawn.document.set(EV, 0.5)
    assert not sweeping.fresh and panel.state.text().startswith("for earlier settings")
    until(lambda: sweeping.current)
    assert sweeping.found is not before and sweeping.fresh
    drawn.document.set(GAIN, 0.9)
    until(lambda: drawn.computing.current)
    margin = drawn.computing.answer.prediction.margin  # type: ignore[union-attr]
    curve = sweeping.found
    scores = [point.scores[0] for point in curve.points]  # type: ignore[union-attr]
    at = np.interp(0.9, [point.position for point in curve.points], scores)  # type: ignore[union-attr]
    assert abs(abs(at) - margin) < 1.5


def test_a_click_on_the_curve_sets_the_parameter_as_one_step(drawn: MainWindow) -> None:
    plot = drawn.searches.sweep.curve
    click(drawn, plot, 3.0, 2.0)
    assert drawn.document.settings[GAIN] == pytest.approx(3.0, abs=0.05)  # type: ignore[index]
    drawn.document.undo()
    assert drawn.document.settings == drawn.document.nominal


def test_a_second_parameter_makes_a_map_that_a_click_sets(drawn: MainWindow, until: Any) -> None:
    panel, sweeping = drawn.searches.sweep, drawn.searches.sweeping
    panel.up.setCurrentIndex(panel.up.findData(EV))
    until(lambda: sweeping.current and panel.map is not None)
    found, plot = sweeping.found, panel.map
    assert plot is not None and plot.border.isVisible()
    assert np.array_equal(plot.image.image, found.scores.numpy())  # type: ignore[union-attr]
    click(drawn, plot, 2.0, 0.5)
    settings = drawn.document.settings
    assert settings is not None
    assert (settings[GAIN], settings[EV]) == (pytest.approx(2.0, abs=0.1), pytest.approx(0.5, abs=0.2))
    assert sweeping.fresh, "what is mapped moves on the map"
    assert plot.current.getData()[0].tolist() == [settings[GAIN]]
    drawn.document.undo()
    assert drawn.document.settings == drawn.document.nominal
    panel._say((2.0, 0.5))
    assert "eosinophil" in panel.state.text()


def test_a_chosen_bar_or_row_is_the_parameter_of_the_curve(drawn: MainWindow) -> None:
    drawn.sensitivity.bars.chosen.emit(GREEN)
    assert drawn.searches.sweeping.keys == (GREEN,)
    drawn.searches.tolerance.chosen.emit(EV)
    assert drawn.searches.sweeping.keys == (EV,)


def test_all_frames_have_a_share_with_its_interval(drawn: MainWindow, until: Any) -> None:
    panel, sweeping = drawn.searches.sweep, drawn.searches.sweeping
    drawn.document.add([DEMO / "neutrophil-02.dng", DEMO / "lymphocyte-01.dng"])
    panel.scope.setCurrentText(Scope.FRAMES)
    assert sweeping.current and not sweeping.running
    panel.search.click()
    until(lambda: sweeping.fresh and sweeping.current and not sweeping.running)
    assert panel.curve is not None and len(sweeping.found.points[0].scores) == 3  # type: ignore[union-attr]
    low, high = (edge.getData()[1] for edge in panel.curve.edges)
    _, shares = panel.curve.line.getData()
    assert all(low <= shares) and all(shares <= high) and max(high - low) > 0.5
    drawn.document.set(EV, 0.3)
    assert sweeping.fresh, "the share of all frames is around their nominal settings"


def test_what_is_drawn_can_be_copied(drawn: MainWindow) -> None:
    panel, found = drawn.searches.sweep, drawn.searches.sweeping.found
    table, facts = (panel.more.menu().actions()[at] for at in (0, 1))
    table.trigger()
    rows = list(csv.DictReader(io.StringIO(QGuiApplication.clipboard().text())))
    assert [float(row[GAIN]) for row in rows] == [point.position for point in found.points]  # type: ignore[union-attr]
    facts.trigger()
    told = json.loads(QGuiApplication.clipboard().text())
    assert told["params"][0]["param"] == GAIN and len(told["rows"]) == len(rows)


def test_a_failure_is_told_with_another_try(drawn: MainWindow, until: Any) -> None:
    panel = drawn.searches.sweep
    drawn.searches.sweep.scope.setCurrentText(Scope.FRAMES)
    drawn.document.add([DEMO / "nowhere.dng"])
    panel.search.click()
    until(lambda: drawn.searches.sweeping.failure is not None)
    assert "nowhere.dng" in panel.notice.label.text()
    assert [button.text() for button in panel.notice.buttons] == ["Try again", "Copy details"]


def test_escape_ends_it(drawn: MainWindow, until: Any) -> None:
    panel, sweeping = drawn.searches.sweep, drawn.searches.sweeping
    panel.up.setCurrentIndex(panel.up.findData(EV))
    until(lambda: sweeping.running)
    drawn.cancel_jobs()
    until(lambda: not sweeping.running)
    assert sweeping.current
