"""The window as a whole: drops, actions, commands, problems, closing."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PySide6
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from driftlab import __version__, resource
from driftlab.cli import main, parser
from driftlab.cli.options import model_of, model_words
from driftlab.gui.app import Start
from driftlab.gui.app import _open as open_start
from driftlab.gui.command import command
from driftlab.gui.dialogs import about
from driftlab.gui.main_window import MainWindow
from driftlab.gui.sorting import sort
from driftlab.inference import predict
from driftlab.isp.develop import Region, develop
from driftlab.model.load import load_model
from tests.patience import PATIENCE

DEMO = resource("demo")


def drop(window: MainWindow, *paths: Path) -> bool:
    """Hover, then let go if the window takes it; whether it did."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    none = Qt.KeyboardModifier.NoModifier
    hover = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    hover.setAccepted(False)
    QApplication.sendEvent(window, hover)
    if hover.isAccepted():
        at = QPointF(50, 50)
        QApplication.sendEvent(window, QDropEvent(at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none))
    return hover.isAccepted()


def test_a_drop_end_to_end(window: MainWindow, until: Any) -> None:
    assert drop(window, DEMO / "eosinophil-03.dng", DEMO / "leukocyte_net.safetensors")
    until(lambda: window.computing.answer is not None and window.current)
    document, answer = window.document, window.computing.answer
    assert document.frame is not None and document.settings is not None and answer is not None
    model = load_model(DEMO / "leukocyte_net.safetensors")
    expected = predict(document.frame, document.settings, model)
    assert answer.prediction.logits.tolist() == expected.logits.tolist()  # type: ignore[union-attr]
    shown = window.preview.view.exact
    assert shown is not None
    image = shown.levels[0]
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]
    assert np.array_equal(pixels, develop(document.frame, document.settings, bits=8).transpose(1, 2, 0))


def test_a_folder_is_a_list_to_step_through(window: MainWindow, until: Any, tmp_path: Path) -> None:
    for name in ("basophil-01.dng", "basophil-02.dng", "basophil-03.dng"):
        (tmp_path / name).write_bytes((DEMO / name).read_bytes())
    assert drop(window, tmp_path)
    until(lambda: window.document.frame is not None)
    assert window.frames.list.count() == 3
    for name, shown in (("next", "basophil-02.dng"), ("next", "basophil-03.dng"), ("previous", "basophil-02.dng")):
        window.actions_by_name[name].trigger()
        until(lambda shown=shown: window.document.current.path.name == shown)  # type: ignore[union-attr]
    until(lambda: window.current)
    assert window.frames.list.currentRow() == 1


def test_the_frame_that_is_shown_can_be_closed(window: MainWindow, until: Any) -> None:
    names = ["basophil-01.dng", "basophil-02.dng"]
    window.opening.open([DEMO / name for name in names])
    until(lambda: window.document.frame is not None and window.current)
    window.actions_by_name["close_frame"].trigger()
    until(lambda: [entry.path.name for entry in window.document.entries] == names[1:])
    assert window.document.current is window.document.entries[0] and window.frames.list.count() == 1
    until(lambda: window.current)
    assert not window.actions_by_name["close_frame"].isEnabled(), "the last one stays"


def test_a_frame_stays_where_the_next_one_can_not_be_opened(window: MainWindow, until: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.dng").write_bytes(b"II*\0" + b"\0" * 100)
    paths = [DEMO / "basophil-01.dng", tmp_path / "broken.dng", DEMO / "basophil-02.dng"]
    window.opening.open(paths)
    until(lambda: window.document.frame is not None and window.current)
    window.actions_by_name["close_frame"].trigger()
    until(lambda: window.messages.messages and window.opening.idle)
    assert window.document.current is not None and window.document.current.path == paths[0]
    window.opening.step(1)
    until(lambda: window.document.current.path == paths[2] and window.current)  # type: ignore[union-attr]
    assert [entry.path for entry in window.document.entries] == [paths[0], paths[2]], "it was not closed after all"


def test_a_drop_says_what_it_will_do_and_why_not(window: MainWindow, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b")
    assert sort([DEMO / "basophil-01.dng"]).sentence() == "Open basophil-01.dng"
    both = sort([DEMO, DEMO / "leukocyte_net.safetensors"])
    assert both.sentence() == "Open 40 frames, use leukocyte_net.safetensors as the task model"
    assert not drop(window, table)
    assert "no .csv files" in window.status.currentMessage()
    hovered = sort([DEMO, DEMO / "leukocyte_net.safetensors"], search=False)
    assert hovered.opens and hovered.sentence() == (
        "Open the frames in demo, use leukocyte_net.safetensors as the task model"
    )
    assert "no such file" in sort([tmp_path / "none.dng"]).sentence()
    assert "without camera files" in sort([tmp_path / "."]).sentence()


def test_what_cannot_be_opened_is_a_sentence_and_the_old_picture_stays(
    opened: MainWindow, until: Any, tmp_path: Path
) -> None:
    bad = tmp_path / "broken.dng"
    bad.write_bytes(b"II*\0" + b"\0" * 100)
    before = opened.document.frame
    opened.opening.open([bad])
    until(lambda: opened.messages.messages)
    assert opened.document.frame is before
    assert opened.messages.messages[0].text.endswith(".")
    opened.messages.messages[0].buttons[-1].click()
    assert "Traceback" in QGuiApplication.clipboard().text()
    assert opened.opening.idle


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_model_that_runs_code_is_asked_about_once(window: MainWindow, until: Any, store: QSettings) -> None:
    torch = pytest.importorskip("torch")

    class Mean(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, image: Any) -> Any:
            return image.mean((2, 3))

    path = Path(store.fileName()).parent / "mean.pt"
    program = torch.jit.trace(Mean(), torch.zeros(1, 3, 8, 8))
    torch.jit.save(program, str(path))
    path.with_suffix(".json").write_text(json.dumps({"task": "classification", "input_size": [8, 8]}))
    window.opening.open([path])
    until(lambda: window.messages.messages)
    assert window.document.model is None
    assert "can run code" in window.messages.messages[0].text
    window.messages.messages[0].buttons[0].click()
    until(lambda: window.document.model is not None)
    window.document.model = None
    window.opening.open([path])
    until(lambda: window.document.model is not None)
    assert not [message for message in window.messages.messages if message.isVisible()]


@pytest.mark.parametrize("name", ["develop", "predict", "sensitivity"])
def test_a_copied_command_gives_the_same_numbers(
    name: str, opened: MainWindow, until: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for key, value in (("white_balance.r", 1.23456789), ("denoise.method", "gaussian"), ("jpeg.on", False)):
        opened.document.set(key, value)
    until(lambda: opened.current)
    opened.copy_command(name)
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words == shlex.split(command(opened.document, name))
    assert words[0] == "driftlab"
    if name == "develop":
        words[words.index("-o") + 1] = "out.npy"
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert not end.value.code
    document = opened.document
    assert document.frame is not None and document.settings is not None and opened.computing.answer is not None
    if name == "develop":
        assert np.array_equal(np.load("out.npy"), develop(document.frame, document.settings))
    elif name == "sensitivity":
        text = capsys.readouterr().out
        table = opened.explaining.table
        assert table is not None
        for row in table.rows:
            assert f'"{row.key}"' in text
            assert json.dumps(row.gradient) in text
    else:
        said = json.loads(capsys.readouterr().out)
        assert said["logits"] == opened.computing.answer.prediction.logits.tolist()  # type: ignore[union-attr]


def test_a_copied_command_names_region_pipeline_and_what_was_said_of_the_model(
    window: MainWindow, until: Any, tmp_path: Path, capsys: Any
) -> None:
    """As `driftlab gui --model M --model-mean …` opens it, from a folder whose name needs quotes."""
    torch, folder = pytest.importorskip("torch"), tmp_path / "a folder's name"
    folder.mkdir()
    frame, net = folder / "cell 1.dng", folder / "net.safetensors"
    frame.write_bytes((DEMO / "eosinophil-03.dng").read_bytes())
    for name in (net, net.with_suffix(".json")):
        name.write_bytes((DEMO / "leukocyte_net").with_suffix(name.suffix).read_bytes())
    words = ["gui", str(frame), "--model", str(net), "--model-mean=-0.1,0.5,0.6"]
    arguments = parser().parse_args(words)
    start = Start([str(frame)], str(net), model_words=model_words(arguments), load_model=lambda *_: model_of(arguments))
    open_start(window, start)
    until(lambda: window.computing.answer is not None and window.current)
    plain = window.computing.answer
    document = window.document
    document.choose_pipeline("paper")
    document.set_region(Region(8, 16, 96, 80))
    document.set("noise.on", False)
    until(lambda: window.current and window.computing.answer is not plain)
    window.copy_command("predict")
    copied = shlex.split(QGuiApplication.clipboard().text())
    with pytest.raises(SystemExit) as end:
        main(copied[1:])
    assert not end.value.code
    answer = window.computing.answer
    assert answer is not None
    assert json.loads(capsys.readouterr().out)["logits"] == answer.prediction.logits.tolist()  # type: ignore[union-attr]
    other = predict(document.frame, document.settings, load_model(net), region=document.region)
    assert not torch.equal(other.logits, answer.prediction.logits), "the flag changes nothing here"  # type: ignore[union-attr]
    window.opening.open([net])  # now without the flag
    until(lambda: window.computing.answer not in (None, answer) and window.current)
    window.copy_command("predict")
    assert "--model-mean" not in QGuiApplication.clipboard().text()
    assert window.computing.answer is not None
    assert torch.equal(other.logits, window.computing.answer.prediction.logits)  # type: ignore[union-attr]


def test_settings_travel_by_file_and_clipboard(opened: MainWindow, tmp_path: Path) -> None:
    document = opened.document
    document.set("exposure.ev", 1.25)
    kept = document.settings
    assert kept is not None
    kept.save(tmp_path / "kept.json")
    opened.copy_settings()
    for restore in (lambda: opened.opening.open([tmp_path / "kept.json"]), opened.paste_settings):
        document.reset()
        assert document.settings != kept
        restore()
        assert document.settings == kept
    QGuiApplication.clipboard().setText("no settings")
    opened.paste_settings()
    assert "holds no settings" in opened.messages.messages[-1].text


def test_the_first_run_invites_and_its_buttons_work(window: MainWindow, until: Any) -> None:
    assert window.preview.drop_area.isVisible()
    assert window.document.frame is None
    window.preview.drop_area.buttons[2].click()
    until(lambda: window.computing.answer is not None and window.current)
    assert len(window.document.entries) == 40
    assert window.computing.answer is not None
    assert window.computing.answer.top == "eosinophil"


def test_nominal_while_a_key_is_held_and_by_a_split(opened: MainWindow, until: Any, qtbot: Any) -> None:
    opened.document.set("exposure.ev", 1.0)
    view = opened.preview.view
    qtbot.keyPress(view, Qt.Key.Key_Backslash)
    until(lambda: view.nominal is not None)
    assert view.holds_nominal
    qtbot.keyRelease(view, Qt.Key.Key_Backslash)
    assert not view.holds_nominal
    opened.actions_by_name["split"].setChecked(True)
    assert view.split == 0.5
    until(lambda: opened.current)


def test_the_readout_tells_of_the_pixel(opened: MainWindow, until: Any) -> None:
    frame = opened.document.frame
    assert frame is not None
    until(lambda: opened.source.idle)
    opened.preview.view.hovered.emit(20, 30)
    until(lambda: opened.status.pixel.text())
    text = opened.status.pixel.text()
    assert "20, 30" in text and f"DN {frame.mosaic[0, 30, 20]:.0f}" in text and "sRGB" in text


def test_the_about_box_says_what_is_there_and_that_nothing_is_sent(opened: MainWindow) -> None:
    torch, rawpy = pytest.importorskip("torch"), pytest.importorskip("rawpy")
    text = about(opened.source.engine)
    assert "No network access, ever: nothing is sent, nothing is fetched." in text
    libraw = ".".join(map(str, rawpy.libraw_version))
    for each in (__version__, torch.__version__, libraw, PySide6.__version__, opened.source.engine.name):
        assert each in text
    assert f"on the processor with {torch.get_num_threads()} threads" in text
    opened.show_about()
    box = next(each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible())
    next(each for each in box.buttons() if each.text() == "Copy").click()
    assert f"driftlab {__version__}" in QGuiApplication.clipboard().text()
    assert box.isVisible()
    box.close()


def test_closing_during_a_job_leaves_nothing(window: MainWindow, until: Any) -> None:
    window.opening.open_sample()
    until(lambda: window.document.frame is not None)
    window.document.set("exposure.ev", 1.0)
    window.close()


def test_real_files_where_they_are(window: MainWindow, until: Any, data: Path) -> None:
    files = sorted((data / "raw").glob("*.CRW"))[:2]
    assert drop(window, *files)
    until(lambda: window.document.frame is not None and window.current)
    before = window.source.shown
    window.document.drag_begin()
    for step in range(10):
        window.document.set("exposure.ev", step / 10)
    until(lambda: window.preview.view.draft is not None and window.source.idle)
    assert not window.preview.view.draft.exact  # type: ignore[union-attr]
    assert window.source.shown - before < 10, "every value of a drag was drawn"
    window.document.drag_end()
    until(lambda: window.current)
    assert window.preview.view.draft is None
    assert window.preview.view.exact.settings == window.document.settings  # type: ignore[union-attr]


def test_the_command_takes_a_picture_of_the_window(tmp_path: Path) -> None:
    out = tmp_path / "window.png"
    words = ["gui", str(DEMO / "eosinophil-03.dng"), "--model", str(DEMO / "leukocyte_net.safetensors")]
    done = subprocess.run(
        [sys.executable, "-m", "driftlab", *words, "--set", "white_balance.r=0.9", "--screenshot", str(out)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_what_cannot_be_opened_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    words = ["gui", str(tmp_path / "none.dng"), "--screenshot", str(tmp_path / "window.png")]
    done = subprocess.run(
        [sys.executable, "-m", "driftlab", *words], capture_output=True, text=True, timeout=PATIENCE, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 2
    assert "no such file" in done.stderr


def test_the_window_starts_without_torch() -> None:
    code = "import sys; import driftlab.gui.app; print(bool({'torch', 'pyqtgraph', 'rawpy', 'wgpu'} & {*sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "False"
