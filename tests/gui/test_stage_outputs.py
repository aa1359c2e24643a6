"""The output of one stage instead of the picture: which, on which scale, and never mistaken for the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from driftlab.gui.main_window import MainWindow
from driftlab.isp.develop import develop


def pixels(image: QImage) -> Any:
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]


def test_brackets_step_through_the_stages_and_back(opened: MainWindow, until: Any, qtbot: Any) -> None:
    document, view, outputs = opened.document, opened.preview.view, opened.outputs
    assert document.settings is not None and document.frame is not None
    names = [stage.name for stage in document.settings.pipeline.stages]
    assert not opened.actions_by_name["next_stage"].isEnabled()
    seen = []
    for _ in range(len(names) + 2):  # further than there are stages
        qtbot.keyClick(view, Qt.Key.Key_BracketLeft)
        until(lambda: opened.current)
        assert view.output is not None and view.output.stage == outputs.stage
        seen.append(view.output.stage)
    assert seen == [*reversed(names[:-1]), names[0], names[0], names[0]]
    for _ in names[:-1]:
        assert view.output is not None
        qtbot.keyClick(view, Qt.Key.Key_BracketRight)
        until(lambda: opened.current)
    assert view.output is None and outputs.stage is None


def test_an_output_is_the_stages_and_says_so(opened: MainWindow, until: Any, qtbot: Any) -> None:
    document, view = opened.document, opened.preview.view
    frame, settings = document.frame, document.settings
    assert frame is not None and settings is not None
    while opened.outputs.stage != "black_level":
        opened.step_stage(-1)
    until(lambda: opened.current)
    assert view.output is not None
    light = develop(frame, settings, until="black_level")[0].clip(0, 1).astype(np.float64)
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    shown = pixels(view.output.picture.levels[0])
    assert np.abs(shown - expected[..., None]).max() < 0.51
    assert "After black level" in view.output.title and "mosaic in gray, 0 to 1" in view.output.scale
    banner = view.grab().toImage().pixelColor(view.width() - 5, 4)
    assert banner == view.palette().base().color(), "no strip says that this is no picture"
    until(lambda: opened.source.idle)
    view.hovered.emit(20, 30)
    until(lambda: "after the stage" in opened.status.pixel.text())
    assert f"{light[30, 20]:.4g}" in opened.status.pixel.text()
    opened.activateWindow()
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.output is None


def test_an_output_follows_the_settings_and_frames(opened: MainWindow, until: Any) -> None:
    document, view = opened.document, opened.preview.view
    opened.step_stage(-1)
    until(lambda: opened.current)
    document.set("tone.contrast", 1.4)
    assert view.outdated, "an output of earlier settings must say so"
    until(lambda: opened.current)
    assert view.output is not None and view.output.picture.settings == document.settings and not view.outdated
    document.set("tone.on", False)
    until(lambda: opened.current)
    assert "off" in view.output.title
    document.choose_pipeline("paper")
    until(lambda: opened.current)
    assert view.output.picture.settings.pipeline.name == "paper"


def test_split_and_an_output_exclude_each_other(opened: MainWindow, until: Any) -> None:
    split = opened.actions_by_name["split"]
    split.setChecked(True)
    opened.step_stage(-1)
    assert not split.isChecked()
    until(lambda: opened.current)
    split.setChecked(True)
    assert opened.preview.view.output is None and opened.outputs.stage is None
    until(lambda: opened.current)
