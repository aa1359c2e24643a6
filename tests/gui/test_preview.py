"""The preview against the numbers: what is below the pointer, and the nominal picture beside the one in force."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from driftlab.gui.main_window import MainWindow
from driftlab.gui.preview_source import Readout
from driftlab.isp.develop import develop


def painted(window: MainWindow) -> NDArray[np.float64]:
    """What the preview shows, RGB of 255 `[h, w, 3]`."""
    image = window.preview.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width(), 2::-1].astype(float)


def test_the_readout_is_of_the_picture_that_is_shown(opened: MainWindow, until: Any) -> None:
    document, view, told = opened.document, opened.preview.view, list[Readout]()
    opened.preview.readout_changed.connect(told.append)
    document.set("white_balance.r", 2.5)
    until(lambda: opened.current)
    frame, settings, nominal = document.frame, document.settings, document.nominal
    assert frame is not None and settings is not None and nominal is not None
    now, then = (tuple(develop(frame, each, bits=8)[:, 40, 30].tolist()) for each in (settings, nominal))
    assert now != then
    view.hovered.emit(30, 40)
    until(lambda: bool(told) and told[-1].display == now)
    assert not told[-1].nominal
    opened.actions_by_name["compare"].setChecked(True)
    until(lambda: told[-1].display == then and told[-1].nominal)
    assert opened.status.pixel.text().strip().startswith("nominal  ·  30, 40")
    opened.actions_by_name["compare"].setChecked(False)
    until(lambda: told[-1].display == now)
    opened.actions_by_name["split"].setChecked(True)
    until(lambda: opened.source.idle)
    view.hovered.emit(30, 40)  # left of the divider
    until(lambda: told[-1].display == then)
    view.hovered.emit(90, 40)
    until(lambda: told[-1].at == (90, 40) and not told[-1].nominal)


def test_the_readout_follows_the_settings_below_a_resting_pointer(opened: MainWindow, until: Any) -> None:
    document, told = opened.document, list[Readout]()
    opened.preview.readout_changed.connect(told.append)
    opened.preview.view.hovered.emit(30, 40)
    until(lambda: bool(told))
    document.set("exposure.ev", -1.0)
    assert document.frame is not None and document.settings is not None
    now = tuple(develop(document.frame, document.settings, bits=8)[:, 40, 30].tolist())
    until(lambda: told[-1].display == now)
    opened.preview.view.left.emit()
    assert opened.status.pixel.text() == ""
    count = len(told)
    document.undo()
    until(lambda: opened.current)
    assert len(told) == count  # nothing is below it any more


def test_a_nominal_picture_of_another_size_lies_where_the_one_in_force_does(opened: MainWindow, until: Any) -> None:
    whole = painted(opened)
    opened.document.set("demosaic.method", "superpixel")
    until(lambda: opened.current)
    opened.actions_by_name["split"].setChecked(True)
    until(lambda: opened.preview.view.nominal is not None and opened.current)
    assert opened.preview.view.nominal is not None
    assert opened.preview.view.nominal.size == (128, 128) and opened.preview.view.size_ == (64, 64)
    left = slice(40, -40), slice(0, whole.shape[1] // 2 - 80)  # beside the badges
    assert np.abs(painted(opened)[left] - whole[left]).mean() < 2


def test_the_nominal_side_of_a_split_is_never_the_picture_in_force(opened: MainWindow, until: Any) -> None:
    opened.actions_by_name["split"].setChecked(True)
    until(lambda: opened.preview.view.nominal is not None)
    opened.document.set("demosaic.method", "superpixel")  # a picture of another size forgets what lay beside it
    until(lambda: opened.current)
    until(lambda: opened.preview.view.nominal is not None)
    assert opened.preview.view.nominal is not None
    assert opened.preview.view.nominal.settings == opened.document.nominal
