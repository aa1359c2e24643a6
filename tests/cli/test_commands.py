"""The command line, run as a user runs it: what it prints, what it writes, and how it says no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import driftlab
from driftlab import cli
from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA, PAPER
from driftlab.raw.load import load_raw
from tests.model.tiny import save_segmenter
from tests.patience import PATIENCE

DNG = str(driftlab.resource("demo/eosinophil-01.dng"))
MODEL = str(driftlab.resource("demo/leukocyte_net.safetensors"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `driftlab ARGUMENTS`."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence on stderr of a command that must exit with 2 and print nothing else."""
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1 and err.endswith((".\n", "?\n")), (code, out, err)
    return err


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info", DNG, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["cfa"] == "RGGB" and facts["origin"] == "simulated" and len(facts["sha256"]) == 64
    assert facts["width"] == load_raw(DNG).size[1]
    code, out, _ = run(capsys, "info", DNG, DNG)
    assert code == 0 and out.count("RGGB") == 2


def test_info_goes_on_after_a_bad_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "notes.dng"
    bad.write_text("no picture")
    code, out, err = run(capsys, "info", str(bad), DNG, "--json")
    assert code == 2 and len(out.splitlines()) == 1 and len(err.splitlines()) == 1 and "notes.dng" in err


def test_stages_lists_every_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "stages", "--json", "--pipeline", "paper")
    rows = json.loads(out)
    assert code == 0 and [row["key"] for row in rows] == [key for stage in PAPER.stages for key in stage.keys]
    for row in rows:
        if row["kind"] == "parameter":
            assert {"unit", "default", "soft", "hard", "gradient"} <= row.keys()
            assert row["hard"][0] <= row["soft"][0] < row["soft"][1] <= row["hard"][1]
            assert row["gradient"] in ("exact", "surrogate", "none")
    code, out, _ = run(capsys, "stages")
    assert code == 0 and "white_balance.r" in out and "EV" in out


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_develop_writes_what_the_api_gives(capsys: pytest.CaptureFixture[str], tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a picture{suffix}"
    code, out, err = run(capsys, "develop", DNG, "-o", str(target), "--set", "exposure.ev=0.5", "--crop", "8,4,40,30")
    assert code == 0 and "40 × 30" in out and err == ""
    frame = load_raw(DNG)
    exact = develop(frame, CAMERA.settings(frame).changed({"exposure.ev": 0.5}))[:, 4:34, 8:48]
    if suffix == ".npy":
        np.testing.assert_array_equal(np.load(target), exact)
        return
    got = np.asarray(Image.open(target)) if suffix == ".png" else tifffile.imread(target)
    top = 255 if suffix == ".png" else 65535
    assert got.dtype == (np.uint8 if suffix == ".png" else np.uint16)
    assert np.abs(got.transpose(2, 0, 1) - exact.astype(np.float64) * top).max() < 0.52


def test_develop_until_and_saved_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    samples, settings = tmp_path / "samples.npy", tmp_path / "settings.json"
    arguments = [
        "-o",
        str(samples),
        "--until",
        "noise",
        "--set",
        "noise.intensity=0.5",
        "--save-settings",
        str(settings),
    ]
    assert run(capsys, "develop", DNG, *arguments)[0] == 0
    assert np.load(samples).shape == (1, *load_raw(DNG).size)
    again = tmp_path / "again.npy"
    assert run(capsys, "develop", DNG, "-o", str(again), "--until", "noise", "--settings", str(settings))[0] == 0
    np.testing.assert_array_equal(np.load(samples), np.load(again))
    assert "in DN" in refused(capsys, "develop", DNG, "-o", str(tmp_path / "a.png"), "--until", "noise")


def test_predict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "predict", DNG, DNG, "--model", MODEL, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and err == "" and len(answers) == 2 and answers[0] == answers[1]
    answer = answers[0]
    assert {
        "file",
        "logits",
        "labels",
        "top",
        "margin",
        "settings",
        "pipeline",
        "model_sha256",
        "raw_sha256",
    } <= answer.keys()
    assert answer["top"][0].keys() == {"label", "index", "probability"} and answer["top"][0]["label"] == "eosinophil"
    logits = np.array(answer["logits"])
    assert answer["margin"] == pytest.approx(np.sort(logits)[-1] - np.sort(logits)[-2], rel=1e-5)
    assert answer["top"][0]["probability"] == pytest.approx(np.exp(logits).max() / np.exp(logits).sum(), rel=1e-4)
    assert answer["settings"]["exposure.ev"] == 0 and answer["pipeline"] == "camera" and not answer["model_ran_code"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_predict_saves_a_mask_and_holds_it_against_another(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["predict", DNG, "--model", str(save_segmenter(tmp_path / "net.pt")), "--trust"]
    saved = tmp_path / "mask.png"
    code, out, err = run(capsys, *words, "--crop", "8,4,100,96", "--save-mask", str(saved), "--json")
    assert code == 0 and err == ""
    told = json.loads(out)
    mask = np.asarray(Image.open(saved))
    assert mask.shape == (96, 100) and told["saved_mask"] == str(saved) and len(told["areas"]) > 1
    for area in told["areas"]:
        assert area["share"] == pytest.approx(float((mask == area["index"]).mean())) and "iou" not in area
    most = told["areas"][0]["index"]
    other = np.where(np.arange(100) < 50, mask, (most + 1) % 3).astype(np.uint8)
    other[:, 0] = 255
    Image.fromarray(other).save(tmp_path / "other.png")
    code, out, _ = run(capsys, *words, "--crop", "8,4,100,96", "--mask", str(tmp_path / "other.png"), "--json")
    for area in json.loads(out)["areas"]:
        here, there = mask[:, 1:] == area["index"], other[:, 1:] == area["index"]
        assert area["iou"] == pytest.approx((here & there).sum() / (here | there).sum())
    assert "one FILE at a time" in refused(capsys, "predict", DNG, *words[1:], "--save-mask", str(tmp_path / "two.png"))
    assert "end it in .png" in refused(capsys, *words, "--save-mask", str(tmp_path / "mask.jpg"))
    assert "gives no mask" in refused(capsys, "predict", DNG, "--model", MODEL, "--save-mask", str(tmp_path / "a.png"))
    assert not {"two.png", "mask.jpg", "a.png"} & {path.name for path in tmp_path.iterdir()}


def test_a_setting_moves_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    gain = load_raw(DNG).gains[0]
    said = []
    for factor in (1.0, 0.8):
        _, out, _ = run(capsys, "predict", DNG, "--model", MODEL, "--json", "--set", f"white_balance.r={factor * gain}")
        said.append(json.loads(out)["top"][0]["label"])
    assert said == ["eosinophil", "neutrophil"]


REFUSALS = {
    "unknown key": (["--set", "white_balance.red=2"], "did you mean white_balance.r"),
    "no number": (["--set", "exposure.ev=bright"], "'bright' is no number for exposure.ev"),
    "not a number": (["--set", "exposure.ev=nan"], "give a number from -16 to 16 EV"),
    "beyond the hard range": (["--set", "exposure.ev=17"], "give a number from -16 to 16 EV"),
    "not whole": (["--set", "noise.seed=1.5"], "give a whole number"),
    "no choice": (["--set", "demosaic.method=fast"], "use one of bilinear, malvar2004"),
    "no switch": (["--set", "tone.on=maybe"], "use on or off"),
    "must be on": (["--set", "demosaic.on=off"], "can't be switched off"),
    "nothing set": (["--set", "exposure.ev"], "KEY=VALUE"),
    "pipeline": (["--pipeline", "film"], "use camera or paper"),
    "preset": (["--preset", "moon"], "use microscope or drone"),
    "settings file": (["--settings", "missing.json"], "missing.json"),
    "stage": (["--until", "sharp"], "it has exposure"),
    "crop": (["--crop", "0,0,9999,5"], "give X,Y,W,H within it"),
    "crop text": (["--crop", "left"], "X,Y,W,H"),
    "temperature": (["--temperature", "90"], "1500 to 25000 K"),
    "too large": (["--max-megapixels", "0.001"], "--max-megapixels"),
    "tint alone": (["--tint", "5"], "A tint goes with --temperature"),
    "levels": (["--black", "a,b"], "'a,b' is no number"),
    "not finite": (["--white", "inf"], "give --white one"),
    "limit": (["--time-limit", "nan"], "give --time-limit a number above 0"),
    "option": (["--sett", "x"], "driftlab --help"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_develop_refuses_in_one_sentence_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, case: str
) -> None:
    arguments, mend = REFUSALS[case]
    assert mend in refused(capsys, "develop", DNG, "-o", str(tmp_path / "out.png"), *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "mend"), [("out.jpg", "end it in .png"), ("none/out.png", "make it first"), ("out", "end it in .png")]
)
def test_outputs_that_can_not_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, out: str, mend: str
) -> None:
    assert mend in refused(capsys, "develop", DNG, "-o", str(tmp_path / out))
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_fails_midway_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from driftlab.picture import PictureError, write_picture

    target = tmp_path / "kept.png"
    target.write_bytes(b"before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(PictureError, match="No space left"):
        write_picture(np.zeros((3, 4, 4), np.uint8), target)
    assert target.read_bytes() == b"before" and list(tmp_path.iterdir()) == [target]


def test_models_are_refused_in_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "missing.pt" in refused(capsys, "predict", DNG, "--model", "missing.pt")
    (tmp_path / "bad.safetensors").write_bytes(b"\x00" * 64)
    refused(capsys, "predict", DNG, "--model", str(tmp_path / "bad.safetensors"))
    assert "--trust" in refused(capsys, "predict", DNG, "--model", "json:loads")


def test_the_demo_runs_end_to_end(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "demo", "--out", str(tmp_path / "demo"))
    assert code == 0 and err == "" and str(tmp_path / "demo") in out
    assert {path.suffix for path in (tmp_path / "demo").rglob("*")} >= {".dng", ".png", ".csv", ".json", ".txt"}


def test_unknown_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert "use isp, develop, predict" in refused(capsys, "bench", "speed")


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("driftlab.raw.load.load_raw", interrupt)
    assert run(capsys, "info", DNG) == (130, "", "Interrupted.\n")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f'"{sys.executable}" -m driftlab stages --json | head -c 10'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stderr == "" and len(done.stdout) == 10


@pytest.mark.parametrize("arguments", [["--help"], ["develop", "--help"], ["predict", "--help"]])
def test_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "") and "driftlab" in out


def test_without_a_command_and_without_the_window(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftlab.cli.gui.is_installed", lambda: False)
    assert "driftlab --help" in refused(capsys)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_display_the_window_is_refused_but_not_its_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert "There is no display" in refused(capsys, "gui", DNG)
    platforms: list[str] = []
    app = types.ModuleType("driftlab.gui.app")
    app.Start = dict  # type: ignore[attr-defined]
    app.run = lambda start: platforms.append(os.environ["QT_QPA_PLATFORM"])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "driftlab.gui.app", app)
    assert run(capsys, "gui", DNG, "--screenshot", "window.png")[0] == 0
    assert platforms == ["offscreen"]
    monkeypatch.delenv("QT_QPA_PLATFORM")


def test_every_bad_file_gets_one_sentence(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted([*(data / "corrupt").iterdir(), *(data / "unsupported").iterdir()])
    assert len(files) > 40
    code, out, err = run(capsys, "info", "--json", *map(str, files))
    assert code == 2 and len(out.splitlines()) + len(err.splitlines()) == len(files)
    assert "Traceback" not in err and all(line.endswith(".") for line in err.splitlines())


def test_an_input_is_never_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "mosaic.png"
    Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)).save(picture)
    before = picture.read_bytes()
    assert "is the input itself" in refused(capsys, "develop", str(picture), "-o", str(picture))
    assert picture.read_bytes() == before


def test_values_that_a_picture_can_not_hold_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "develop", DNG, "-o", str(tmp_path / "a.tif"), "--until", "color_matrix")
    assert code == 0 and "values of linear RGB outside 0 to 1 are cut" in err


@pytest.mark.parametrize("content", ["[" * 100_000, '{"settings": {"exposure.ev": 1' + "0" * 400 + "}}"])
def test_hostile_settings_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str) -> None:
    (tmp_path / "s.json").write_text(content)
    refused(capsys, "stages", "--settings", str(tmp_path / "s.json"))


def test_stages_shows_values_as_given(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "stages", "--set", "white_balance.r=3")
    assert next(line for line in out.splitlines() if "white_balance.r" in line).split()[1] == "3"


def test_a_full_disk_behind_stdout_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = f'"{sys.executable}" -m driftlab stages --json > /dev/full'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "can't be written" in done.stderr
