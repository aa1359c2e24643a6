"""Frames that are asked for faster than they load, and frames that do not load."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from driftlab import resource
from driftlab.gui.main_window import MainWindow
from driftlab.isp.pipeline import CAMERA
from driftlab.model.load import load_model
from driftlab.raw import load as raw_load
from tests.patience import PATIENCE

DEMO = resource("demo")
NAMES = [f"basophil-0{number}.dng" for number in range(1, 7)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "frames"
    made.mkdir()
    for name in NAMES:
        shutil.copy(DEMO / name, made)
    return made


def shown(window: MainWindow) -> str:
    current = window.document.current
    return current.path.name if current else ""


def test_steps_faster_than_frames_load_are_all_counted(window: MainWindow, until: Any, folder: Path) -> None:
    window.opening.open([folder])
    until(lambda: window.opening.idle)
    for _ in range(4):
        window.actions_by_name["next"].trigger()
    until(lambda: window.opening.idle)
    assert shown(window) == NAMES[4]
    for _ in range(3):
        window.actions_by_name["previous"].trigger()
    until(lambda: window.current)
    assert shown(window) == NAMES[1]
    picture = window.preview.view.exact
    assert picture is not None and picture.frame is window.document.frame


def test_a_frame_that_fails_late_takes_no_other_off_the_list(
    window: MainWindow, until: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, was = threading.Event(), threading.Event(), raw_load.load_raw
    (folder / NAMES[1]).write_bytes(b"II*\0 nothing")

    def slow(path: Path, **rest: Any) -> Any:
        if path.name == NAMES[1]:
            begun.set()
            gate.wait(PATIENCE)
        return was(path, **rest)

    window.opening.open([folder])
    until(lambda: window.opening.idle)
    monkeypatch.setattr(raw_load, "load_raw", slow)
    window.opening.step(1)
    until(begun.is_set)
    window.opening.step(1)
    gate.set()
    until(lambda: shown(window) == NAMES[2])
    until(lambda: window.current)
    assert [entry.path.name for entry in window.document.entries] == NAMES
    assert window.document.current in window.document.entries
    assert not window.messages.messages  # nobody waits for it any more


def test_the_first_frame_that_can_be_opened_is_shown(window: MainWindow, until: Any, folder: Path) -> None:
    for name in NAMES[:2]:
        (folder / name).write_bytes(b"II*\0 nothing")
    window.opening.open([folder])
    until(lambda: window.opening.idle and window.current)
    assert shown(window) == NAMES[2]
    assert [entry.path.name for entry in window.document.entries] == NAMES[2:]
    assert len(window.messages.messages) == 2


def test_what_is_no_measurement_and_what_was_guessed_is_told(window: MainWindow, until: Any, tmp_path: Path) -> None:
    window.opening.open([DEMO / NAMES[0]])
    until(lambda: window.current and window.document.frame is not None)
    remarks = window.frames.remarks
    assert remarks.text() == "Simulated." and remarks.isVisible()
    picture = tmp_path / "picture.png"
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(picture)
    window.opening.open([picture])
    until(lambda: shown(window) == "picture.png")
    assert "Pseudo-RAW" in remarks.text() and "not a measurement" in remarks.text()
    item = window.frames.list.currentItem()
    assert item is not None and "64 × 64" in item.toolTip()


def test_the_list_tells_no_answers_of_another_model(opened: MainWindow, until: Any, tmp_path: Path) -> None:
    opened.opening.open([DEMO / NAMES[0]])
    until(lambda: shown(opened) == NAMES[0] and opened.current)
    texts = [opened.frames.list.item(row).text() for row in range(2)]
    assert all("\n" in text for text in texts)
    opened.document.set_model(load_model(DEMO / "leukocyte_net.safetensors"), "another")
    assert "\n" not in opened.frames.list.item(0).text()
    until(lambda: opened.current)
    assert "\n" not in opened.frames.list.item(0).text() and "\n" in opened.frames.list.item(1).text()


def test_a_frame_that_opens_with_another_decision_is_flagged(window: MainWindow, until: Any) -> None:
    window.opening.named = frozenset({DEMO / "eosinophil-03.dng"})
    window.opening.first_settings = lambda frame: CAMERA.settings(frame).changed({"white_balance.r": 0.9})
    window.opening.open([DEMO / "leukocyte_net.safetensors", DEMO / "eosinophil-03.dng"])
    until(lambda: window.computing.nominal is not None and window.computing.answer is not None and window.current)
    item = window.frames.list.item(0)
    assert item is not None and "⚑" in item.text()
