"""A headerless dump: the question how it is laid out, the picture of the answer, and what comes of it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication

from driftlab.cli import main
from driftlab.gui.dump_dialog import DumpDialog
from driftlab.gui.main_window import MainWindow
from driftlab.isp.develop import develop
from driftlab.raw.description import Description
from driftlab.raw.load import load_raw
from tests.isp.frames import smooth_frame

pytestmark = pytest.mark.usefixtures("nothing_left")
BLACK, WHITE = 600.0, 16383.0


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A 14-bit scene of 60 × 40 samples, GRBG, black at 600 DN, whose name tells its sides."""
    frame = smooth_frame("GRBG", 40, 60, black=(BLACK,) * 4, white=WHITE)
    path = tmp_path / "scene_60x40.raw"
    path.write_bytes(frame.mosaic[0].astype("<u2").tobytes())
    return path


def asked(window: MainWindow, path: Path, until: Any) -> DumpDialog:
    window.opening.open([path])
    until(lambda: window.findChildren(DumpDialog) and window.opening.idle)
    dialog = window.findChildren(DumpDialog)[-1]
    assert isinstance(dialog, DumpDialog)
    return dialog


def settled(dialog: DumpDialog) -> bool:
    return not dialog._later.isActive() and not dialog._worker.busy


def pixels(dialog: DumpDialog) -> np.ndarray[Any, Any]:
    image = dialog.thumbnail.image
    assert image is not None
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : image.width() * 3].reshape(image.height(), image.width(), 3)


def test_the_guess_is_filled_in_and_its_picture_is_that_of_the_file(window: MainWindow, dump: Path, until: Any) -> None:
    dialog = asked(window, dump, until)
    assert not dialog.isModal() and not window.document.entries and not window.messages.messages
    assert (dialog.width_.value(), dialog.height_.value(), dialog.bits.value()) == (60, 40, 14)
    assert dialog.array.currentText() == "RGGB"
    until(lambda: dialog.shown is not None)
    said = Description(width=60, height=40, bits=14, cfa="RGGB", black=(0.0,), white=WHITE)
    frame = load_raw(dump, description=said)
    from driftlab.isp.pipeline import CAMERA

    assert np.array_equal(pixels(dialog), develop(frame, CAMERA.settings(frame), bits=8).transpose(1, 2, 0))
    assert f"to {int(frame.mosaic.max())} DN" in dialog.sentence.text()
    dialog.reject()


def test_the_picture_follows_and_the_answer_is_opened(window: MainWindow, dump: Path, until: Any) -> None:
    dialog = asked(window, dump, until)
    until(lambda: dialog.shown is not None)
    before = pixels(dialog).copy()
    dialog.array.setCurrentText("GRBG")
    dialog.black.setText("600")
    assert dialog.thumbnail.stale and not dialog._open.isEnabled()
    until(lambda: settled(dialog) and not dialog.thumbnail.stale)
    assert not np.array_equal(pixels(dialog), before)
    dialog._open.click()
    until(lambda: window.document.frame is not None and window.current)
    frame = window.document.frame
    assert frame is not None
    assert (frame.size, frame.cfa.name, frame.black, frame.white) == ((40, 60), "GRBG", (BLACK,) * 4, WHITE)
    assert not dump.with_name(dump.name + ".json").exists()
    assert [entry.path for entry in window.document.entries] == [dump]


def test_a_wrong_answer_is_a_sentence_and_the_old_picture_stays(window: MainWindow, dump: Path, until: Any) -> None:
    dialog = asked(window, dump, until)
    until(lambda: dialog.shown is not None)
    image = dialog.thumbnail.image
    for change, says in (
        (lambda: dialog.width_.setValue(59), "header 80 would fit"),
        (lambda: dialog.height_.setValue(20), "height 40 would fit"),
        (lambda: dialog.black.setText("dark"), "no black level"),
        (lambda: dialog.array.setCurrentText("RGB"), "no color filter array"),
        (lambda: dialog.packing.setCurrentText("mipi10"), "bits 16 packing plain would fit"),
        (lambda: dialog.black.setText("16383"), "not above its black level"),
    ):
        change()
        until(lambda says=says: settled(dialog) and says in dialog.sentence.text())
        assert "--" not in dialog.sentence.text()
        assert dialog.thumbnail.image is image and dialog.thumbnail.stale
        assert not dialog._open.isEnabled()
        dialog._fill(dialog.dump.guess)
        until(lambda: settled(dialog) and dialog._open.isEnabled())
        image = dialog.thumbnail.image
    assert not window.messages.messages
    dialog.reject()
    assert not window.document.entries


def test_what_is_remembered_is_read_without_a_question(window: MainWindow, dump: Path, until: Any) -> None:
    dialog = asked(window, dump, until)
    dialog.remember.setChecked(True)
    until(lambda: dialog._open.isEnabled())
    dialog._open.click()
    until(lambda: window.document.frame is not None and window.current)
    kept = json.loads(dump.with_name(dump.name + ".json").read_text())
    assert (kept["width"], kept["height"], kept["bits"]) == (60, 40, 14)
    assert load_raw(dump).size == (40, 60)


def test_the_next_dump_of_a_series_is_asked_about_with_the_last_answer(
    window: MainWindow, dump: Path, until: Any
) -> None:
    dialog = asked(window, dump, until)
    dialog.array.setCurrentText("GRBG")
    until(lambda: settled(dialog) and dialog._open.isEnabled())
    dialog._open.click()
    until(lambda: window.document.frame is not None and window.current)
    second = dump.with_name("another.raw")
    second.write_bytes(dump.read_bytes())
    dialog = asked(window, second, until)
    assert (dialog.width_.value(), dialog.array.currentText()) == (60, "GRBG")
    dialog.reject()


def test_a_described_frame_comes_back_and_its_command_says_how(
    window: MainWindow, dump: Path, until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = asked(window, dump, until)
    dialog.black.setText("600, 601, 602, 603")
    until(lambda: settled(dialog) and dialog._open.isEnabled())
    dialog._open.click()
    until(lambda: window.document.frame is not None and window.current)
    described = window.document.current
    other = tmp_path / "other.npy"
    np.save(other, np.load(_npy(tmp_path)))
    window.opening.open([other])
    until(lambda: window.document.current is not described and window.current)
    assert described is not None
    window.opening.select(described)
    until(lambda: window.document.current is described and window.current)
    assert window.document.frame is not None and window.document.frame.black == (600.0, 601.0, 602.0, 603.0)
    window.copy_command("develop")
    words = shlex.split(QGuiApplication.clipboard().text())
    monkeypatch.chdir(tmp_path)
    words[words.index("-o") + 1] = "out.npy"
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert not end.value.code
    assert window.document.settings is not None
    assert np.array_equal(np.load("out.npy"), develop(window.document.frame, window.document.settings))


def _npy(folder: Path) -> Path:
    np.save(folder / "mosaic.npy", smooth_frame("RGGB", 20, 30).mosaic[0].astype(np.uint16))
    return folder / "mosaic.npy"


def test_closing_while_a_picture_is_made_leaves_nothing(window: MainWindow, dump: Path, until: Any) -> None:
    dialog = asked(window, dump, until)
    dialog.bits.setValue(16)
    dialog._draw()
    dialog.reject()


def test_a_window_closed_before_the_answer_leaves_nothing(window: MainWindow, dump: Path, until: Any) -> None:
    dialog = asked(window, dump, until)
    ended: list[int] = []
    dialog.finished.connect(ended.append)
    window.close()
    assert ended


def test_a_real_dump(window: MainWindow, data: Path, until: Any) -> None:
    dialog = asked(window, data / "tiles" / "mushfiqul_DSC_1339_768x512_bggr.raw", until)
    assert (dialog.bits.value(), dialog.array.currentText()) == (14, "BGGR")
    dialog.black.setText("600")
    until(lambda: settled(dialog) and dialog._open.isEnabled())
    dialog._open.click()
    until(lambda: window.document.frame is not None and window.current)
    assert window.document.frame is not None and window.document.frame.size == (512, 768)
