"""One drag in a real window: an X display of its own, and a mouse that presses, moves and releases there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE

#: Opens the example, says where the handle of the red gain is, and tells what a drag of it has led to.
SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QPoint, QSettings, QTimer
from PySide6.QtWidgets import QApplication
from driftlab import resource
from driftlab.gui import theme
from driftlab.gui.main_window import MainWindow

app = QApplication([])
theme.apply(app)
window = MainWindow(QSettings(sys.argv[1], QSettings.Format.IniFormat))
window.resize(1280, 800)
window.move(0, 0)
window.show()
folder = resource("demo")
window.opening.open([folder / "leukocyte_net.safetensors", folder / "eosinophil-03.dng"])
state = {"told": False, "steps": 0, "dragged": False}

def step(settings):
    if document.dragging:
        state.update(dragged=True, steps=state["steps"] + 1)
        print("moved", flush=True)

document, computing = window.document, window.computing
document.settings_changed.connect(step)

def look():
    if not window.current or computing.answer is None:
        return
    if not state["told"]:
        track = window.stages.groups["white_balance"].rows["white_balance.r"].track
        track.setFocus()
        share = track.share(document.settings["white_balance.r"])
        at = track.mapToGlobal(QPoint(round(8 + share * (track.width() - 16)), 11))
        state["told"] = True
        print(at.x(), at.y(), flush=True)
    elif state["dragged"] and not document.dragging:
        gain = document.settings["white_balance.r"]
        document.undo()
        print(gain, document.settings["white_balance.r"], computing.answer.top, state["steps"], flush=True)
        timer.stop()
        window.close()

timer = QTimer(interval=20)
timer.timeout.connect(look)
timer.start()
app.exec()
"""

#: Opens the example, and tells after every change what is shown: a stage's output, a popup, the split.
KEYS = """
import sys
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication
from driftlab.gui import theme
from driftlab.gui.main_window import MainWindow

app = QApplication([])
theme.apply(app)
window = MainWindow(QSettings(sys.argv[1], QSettings.Format.IniFormat))
window.resize(1280, 800)
window.move(0, 0)
window.show()
window.activateWindow()
window.opening.open_sample()
told = []

def look():
    if window.document.frame is None or not window.current or not window.isActiveWindow():
        return
    popup, output = QApplication.activePopupWidget(), window.preview.view.output
    said = " ".join([type(popup).__name__, output.stage if output else "picture", str(window.preview.view.split)])
    if said != (told or [""])[-1]:
        told.append(said)
        print(said, flush=True)

timer = QTimer(interval=20)
timer.timeout.connect(look)
timer.start()
window.closed.connect(app.quit)
app.exec()
"""


@pytest.fixture
def display() -> Iterator[str]:
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("a window on a virtual display needs Xvfb and xdotool")
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(PATIENCE)


def test_a_real_mouse_drags_a_slider_until_the_decision_flips(display: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    window = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "settings.ini")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert window.stdout is not None and window.stderr is not None
        place = window.stdout.readline().split()
        if not place:
            pytest.fail(window.stderr.read())
        x, y = map(int, place)

        def mouse(*words: str) -> None:
            subprocess.run(["xdotool", *words], env=environment, check=True)

        mouse("mousemove", str(x), str(y), "mousedown", "1")
        for step in range(1, 13):
            mouse("mousemove", str(x - step), str(y))
            assert window.stdout.readline() == "moved\n", window.stderr.read()  # as fast as the window goes
        mouse("mouseup", "1")
        while (last := window.stdout.readline()) == "moved\n":
            pass
        gain, before, top, steps = last.split()
        assert float(gain) < 0.95 < float(before), "the drag was not one step"
        assert top == "neutrophil"
        assert int(steps) >= 12
        assert window.wait(PATIENCE) == 0
    finally:
        window.kill()
        window.wait()
        for stream in (window.stdout, window.stderr):
            if stream is not None:
                stream.close()


def test_real_keys_find_commands_list_jobs_and_step_through_stages(display: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    window = subprocess.Popen(
        [sys.executable, "-c", KEYS, str(tmp_path / "settings.ini")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert window.stdout is not None and window.stderr is not None
        for words, expected in (
            ([], "NoneType picture None"),
            (["key", "bracketleft"], "NoneType tone None"),
            (["key", "Escape"], "NoneType picture None"),
            (["key", "ctrl+j"], "JobsPopup picture None"),
            (["key", "Escape"], "NoneType picture None"),
            (["key", "ctrl+shift+p"], "CommandPalette picture None"),
            (["type", "spli"], None),
            (["key", "Return"], "NoneType picture 0.5"),
        ):
            if words:
                subprocess.run(["xdotool", *words], env=environment, check=True)
            if expected is not None:
                said = window.stdout.readline().strip()
                assert said == expected, window.stderr.read() if not said else words
        subprocess.run(["xdotool", "key", "ctrl+q"], env=environment, check=True)
        assert window.wait(PATIENCE) == 0
    finally:
        window.kill()
        window.wait()
        for stream in (window.stdout, window.stderr):
            if stream is not None:
                stream.close()
