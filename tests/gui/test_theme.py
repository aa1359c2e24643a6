"""Light and dark, followed while the window is open."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QWidget

from driftlab.gui import theme
from driftlab.gui.main_window import MainWindow
from driftlab.gui.problem import Problem


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tell the application that the system is dark, or light again."""

    def to(dark: bool) -> None:
        monkeypatch.setattr(theme, "is_dark", lambda: dark)
        scheme = Qt.ColorScheme.Dark if dark else Qt.ColorScheme.Light
        QGuiApplication.styleHints().colorSchemeChanged.emit(scheme)

    yield to
    to(False)


def light_share(widget: QWidget) -> float:
    """Share of bright pixels."""
    image = widget.grab().toImage()
    places = [(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 3)]
    return sum(image.pixelColor(x, y).lightness() > 140 for x, y in places) / len(places)


def test_a_switch_of_the_system_recolors_all_that_is_open(opened: MainWindow, turn: Any, until: Any) -> None:
    opened.docks["heatmap"].raise_()
    until(lambda: opened.current)
    opened.messages.show_problem(Problem("Something is amiss: mend it."))
    until(lambda: opened.messages.messages[0].isVisible())
    parts = [opened.menuBar(), opened.stages, opened.logits, opened.frames, opened.status, opened.messages.messages[0]]
    icon = opened.actions_by_name["open"].icon().pixmap(20, 20).toImage()
    before = [light_share(part) for part in parts]
    assert min(before) > 0.5
    turn(True)
    until(lambda: max(light_share(part) for part in parts) < 0.5)
    assert opened.actions_by_name["open"].icon().pixmap(20, 20).toImage() != icon
    assert opened.palette().color(QPalette.ColorRole.Window) == QColor("#2b2b2b")
    assert opened.heatmap._plot.backgroundBrush().color() == QColor("#2b2b2b")
    turn(False)
    until(lambda: min(light_share(part) for part in parts) > 0.5)


@pytest.mark.parametrize("dark", [False, True])
def test_an_empty_check_box_is_seen(qapp: QApplication, turn: Any, dark: bool) -> None:
    theme.apply(qapp)
    turn(dark)
    box = QCheckBox()
    image = box.grab().toImage()
    ground = theme.color("window").lightness()
    edges = {image.pixelColor(x, image.height() // 2).lightness() for x in range(image.width())}
    assert max(abs(edge - ground) for edge in edges) > 40
    box.deleteLater()


def test_text_is_legible_on_its_ground(turn: Any) -> None:
    def luminance(color: QColor) -> float:  # WCAG 2.2
        parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for dark in (False, True):
        turn(dark)
        for text, least in (("text", 7.0), ("dim", 4.5), ("increase", 3.0), ("decrease", 3.0), ("violated", 3.0)):
            for ground in ("window", "base", "raised"):
                light, low = sorted((luminance(theme.color(text)), luminance(theme.color(ground))), reverse=True)
                assert (light + 0.05) / (low + 0.05) >= least, (text, ground, dark)
