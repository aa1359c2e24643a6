"""A picture of the whole window against one that was looked at: panels where they belong, the picture in its place.

Compared are means over squares, in which the letters of one font and of another come to nearly the same; a panel that
is missing or moved does not. `DRIFTLAB_RENEW_PICTURES=1` writes the reference anew: look at it before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from driftlab.gui import theme
from driftlab.gui.main_window import MainWindow

REFERENCE: Final = Path(__file__).with_name("window.png")
#: Pixels of a side of a square, and squares of the window.
SQUARE: Final = 16
SIZE: Final = (1280, 800)
#: Levels of 255 by which a square may be off, and the share of squares that may be further off.
OFF: Final = 24
SHARE: Final = 0.02


def squares(window: MainWindow) -> NDArray[np.int16]:
    """What the window looks like, `[rows, columns]` mean luma from 0 to 255."""
    picture = window.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    lines = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    light = lines[: SIZE[1], : SIZE[0]].reshape(SIZE[1] // SQUARE, SQUARE, SIZE[0] // SQUARE, SQUARE)
    return np.rint(light.mean((1, 3))).astype(np.int16)


def off(window: MainWindow) -> float:
    """The share of squares that are not as they were."""
    picture = QImage(str(REFERENCE)).convertToFormat(QImage.Format.Format_Grayscale8)
    lines = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return float((np.abs(squares(window) - lines[:, : picture.width()]) > OFF).mean())


@pytest.fixture
def shown(opened: MainWindow, qapp: QApplication, until: Any) -> MainWindow:
    """The window with the example, at a size of its own, all of it current."""
    opened.resize(*SIZE)
    until(lambda: opened.size().toTuple() == SIZE and opened.current)
    qapp.processEvents()
    return opened


def test_the_window_looks_as_it_did(shown: MainWindow) -> None:
    if os.environ.get("DRIFTLAB_RENEW_PICTURES"):
        levels = squares(shown).astype(np.uint8)
        QImage(
            levels.tobytes(), levels.shape[1], levels.shape[0], levels.shape[1], QImage.Format.Format_Grayscale8
        ).save(str(REFERENCE))
    share = off(shown)
    assert share <= SHARE, f"{share:.1%} of the window are not as in {REFERENCE.name}: look at both, then renew it"


@pytest.mark.parametrize("font", ["font-family: 'DejaVu Serif'", "font-family: 'DejaVu Sans Mono'; font-size: 8pt"])
def test_another_font_passes(font: str, shown: MainWindow, qapp: QApplication) -> None:
    before, sheet = shown.grab().toImage(), qapp.styleSheet()
    try:
        qapp.setStyleSheet(f"{sheet} * {{ {font} }}")
        qapp.processEvents()
        assert shown.grab().toImage() != before
        assert off(shown) <= SHARE
    finally:
        qapp.setStyleSheet(sheet)


def test_a_missing_panel_is_seen(shown: MainWindow, qapp: QApplication) -> None:
    for name, dock in shown.docks.items():
        if dock.visibleRegion().isEmpty():
            continue  # behind another tab
        dock.hide()
        qapp.processEvents()
        assert off(shown) > SHARE, f"nobody would miss the panel {name}"
        dock.show()
        dock.raise_()
        qapp.processEvents()


def test_a_missing_picture_is_seen(shown: MainWindow, qapp: QApplication) -> None:
    shown.preview.view.exact = None
    shown.preview.view.update()
    qapp.processEvents()
    assert off(shown) > SHARE


def test_wrong_colors_are_seen(shown: MainWindow, qapp: QApplication) -> None:
    shown.setStyleSheet(f"QWidget {{ background: {theme.color('surround').name()}; }}")
    qapp.processEvents()
    assert off(shown) > SHARE
    shown.setStyleSheet("")
