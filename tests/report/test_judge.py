"""Camera files held against a report: three values, and never a guess."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftlab import cli
from driftlab.raw.dng import write_dng
from driftlab.raw.frame import CFA, RawFrame
from driftlab.report.canonical import readable
from driftlab.report.content import content_of
from driftlab.report.judge import Judgement, judge, overall
from driftlab.report.origin import light_of
from driftlab.report.purpose import ReportError
from tests.isp.frames import frame_of, scene
from tests.report.planted import ARGV, FILES, frame, tolerance

NEW = "f" * 64


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return json.loads(readable(content_of(tolerance(), files=FILES, argv=ARGV)))  # type: ignore[no-any-return]


def judged(report: dict[str, Any], given: dict[str, float] | None = None, **facts: Any) -> dict[str, Judgement]:
    """What is found of a new frame of the planted camera, by parameter."""
    usual = {"sha256": NEW, "gains_source": "as shot"}
    return {each.param: each for each in judge(frame(0, **(usual | facts)), report, given)}


def test_a_picture_that_was_tested_is_in(report: dict[str, Any]) -> None:
    for index in range(3):
        found = judge(frame(index, gains_source="as shot"), report)
        assert overall(found) == "in" and {each.verdict for each in found} == {"in"}


def test_a_new_file_is_unknown_where_nothing_tells(report: dict[str, Any]) -> None:
    found = judged(report)
    assert found["optics.blur"].verdict == "unknown" and "measure it" in found["optics.blur"].reason
    assert {key for key, each in found.items() if each.verdict != "in"} == {"optics.blur"}
    found = judged(report, {"optics.blur": 0.3})
    assert {each.verdict for each in found.values()} == {"in"} and found["optics.blur"].source == "given"


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [(1.0, "out"), (1.2, "out"), (1.22, "unknown"), (1.25, "in"), (1.7, "in"), (2.0, "in"), (2.03, "unknown"),
     (2.05, "out"), (9.0, "out")],
)  # fmt: skip
def test_gains_as_shot_are_held_against_what_held_and_what_failed(
    report: dict[str, Any], gain: float, verdict: str
) -> None:
    found = judged(report, gains=(gain, 1.0, 1.5))["white_balance.r"]
    assert (found.verdict, found.value, found.source) == (verdict, gain, "EXIF")


@pytest.mark.parametrize("source", ["gray world", "none", "daylight", "un-processing"])
def test_gains_that_nobody_stated_are_unknown(report: dict[str, Any], source: str) -> None:
    found = judged(report, gains=(9.0, 1.0, 1.5), gains_source=source)["white_balance.r"]
    assert found.verdict == "unknown" and source in found.reason and found.value is None


def test_a_factor_is_of_the_nearest_nominal_value(report: dict[str, Any]) -> None:
    # Nominal blue gains are 1.5 to 1.7, so that all between are no displacement; the search there was not settled.
    assert judged(report, gains=(1.7, 1.0, 1.62))["white_balance.b"].position == pytest.approx(1.0)
    assert judged(report, gains=(1.7, 1.0, 1.62))["white_balance.b"].verdict == "in"
    near = judged(report, gains=(1.7, 1.0, 1.785))["white_balance.b"]
    assert near.position == pytest.approx(1.05) and near.verdict == "unknown" and "budget" in near.reason
    far = judged(report, gains=(1.7, 1.0, 3.4))["white_balance.b"]
    assert far.position == pytest.approx(2.0) and far.verdict == "unknown" and "beyond" in far.reason


def test_beyond_an_open_end_is_unknown(report: dict[str, Any]) -> None:
    found = judged(report, {"exposure.ev": 1.5})["exposure.ev"]
    assert found.verdict == "unknown" and "beyond what was searched" in found.reason
    assert judged(report, {"exposure.ev": -1.0})["exposure.ev"].verdict == "in"


def test_what_is_no_number_is_unknown(report: dict[str, Any]) -> None:
    found = judged(report, {"optics.blur": math.nan}, gains=(math.inf, 1.0, 1.5))
    assert {found["optics.blur"].verdict, found["white_balance.r"].verdict} == {"unknown"}
    assert found["optics.blur"].value is None and "nan is no value" in found["optics.blur"].reason


def test_where_it_held_again_beyond_a_failure_is_out(report: dict[str, Any]) -> None:
    assert judged(report, {"optics.blur": 1.5})["optics.blur"].verdict == "out"


def test_light_is_read_from_the_pixels(report: dict[str, Any]) -> None:
    lit = frame(0)

    def dimmed(ev: float) -> Judgement:
        mosaic = ((lit.mosaic - 64) * 2**ev + 64).astype(np.float32)
        return judged(report, mosaic=mosaic)["exposure.ev"]

    assert dimmed(-0.5).position == pytest.approx(-0.5, abs=0.02)
    assert dimmed(-0.5).verdict == "in" and dimmed(-0.5).source == "pixels"
    assert dimmed(-1.5).verdict == "unknown"  # beyond what was searched
    failing = copy.deepcopy(report)
    failing["runtime_guard"]["ranges"][0] |= {"allowed": [-0.3, 1.0], "fails": [-0.4, None]}
    mosaic = ((lit.mosaic - 64) * 2**-0.5 + 64).astype(np.float32)
    assert judged(failing, mosaic=mosaic)["exposure.ev"].verdict == "out"


def test_light_is_that_of_the_green_sites() -> None:
    rgb = np.stack([np.full((8, 12), level) for level in (0.9, 0.25, 0.7)])
    for name in ("rggb", "bggr", "xtrans", "quad-grbg", "linear"):
        made = frame_of(rgb, CFA.parse(name), black=(10.0, 20.0, 30.0, 40.0), white=1000.0)
        assert light_of(made) == pytest.approx(-2.0, abs=1e-4), name
    mono = frame_of(rgb, CFA.parse("mono"), black=(20.0,) * 4, white=1000.0)
    assert light_of(mono) == pytest.approx(-2.0, abs=1e-4)
    dark = frame_of(scene(8, 8) * 0, CFA.parse("rggb"), black=(64.0,) * 4)
    assert light_of(dark) == -20.0


@pytest.mark.parametrize(
    ("facts", "row"),
    [
        ({"make": "Other", "model": "Two"}, "camera.model"),
        ({"make": "", "model": ""}, "camera.model"),
        ({"cfa": CFA.parse("bggr")}, "camera.cfa"),
        ({"bits": 11}, "camera.bits"),
        ({"white": 4000.0}, "camera.white"),
        ({"iso": 400.0}, "camera.iso"),
        ({"iso": None}, "camera.iso"),
    ],
)
def test_a_camera_that_was_not_tested_is_unknown(report: dict[str, Any], facts: dict[str, Any], row: str) -> None:
    found = judged(report, **facts)
    assert found[row].verdict == "unknown"
    assert overall(list(found.values())) == "unknown"


def test_a_deeper_file_of_the_same_white_level_is_the_same(report: dict[str, Any]) -> None:
    assert judged(report, bits=16)["camera.bits"].verdict == "in"
    assert judged(report, bits=16, white=16383.0)["camera.bits"].verdict == "unknown"


def test_the_gains_of_another_camera_say_nothing(report: dict[str, Any]) -> None:
    found = judged(report, make="Other", model="Two", gains=(9.0, 1.0, 1.0))
    assert found["white_balance.r"].verdict == found["exposure.ev"].verdict == "unknown"


def test_several_displaced_parameters_need_the_box(report: dict[str, Any]) -> None:
    assert "jointly" not in judged(report, {"optics.blur": 0.3})
    inside = judged(report, {"optics.blur": 0.3}, gains=(1.8, 1.0, 1.5))
    assert inside["jointly"].verdict == "in"
    beyond = judged(report, {"optics.blur": 0.6}, gains=(1.95, 1.0, 1.5))
    assert beyond["optics.blur"].verdict == beyond["white_balance.r"].verdict == "in"
    assert beyond["jointly"].verdict == "unknown" and overall(list(beyond.values())) == "unknown"
    outside_the_box = judged(report, {"exposure.ev": 0.5}, gains=(1.8, 1.0, 1.5))
    assert outside_the_box["jointly"].verdict == "unknown"
    without = copy.deepcopy(report)
    without["runtime_guard"]["joint"] = None
    assert judged(without, {"optics.blur": 0.3}, gains=(1.8, 1.0, 1.5))["jointly"].verdict == "unknown"
    unproven = copy.deepcopy(report)
    unproven["runtime_guard"]["joint"]["status"] = "unproven"
    assert judged(unproven, {"optics.blur": 0.3}, gains=(1.8, 1.0, 1.5))["jointly"].verdict == "unknown"


def test_a_value_for_what_was_not_searched_is_refused(report: dict[str, Any]) -> None:
    with pytest.raises(ReportError, match=r"'tone\.gamma' was not searched"):
        judged(report, {"tone.gamma": 2.0})


# --- The command ---


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report of three written frames, and new files: alike, too red, and of another camera."""
    folder = tmp_path_factory.mktemp("camera")
    planted = tolerance()
    frames: dict[str, RawFrame] = {
        "alike": frame(0, sha256=NEW),
        "red": frame(0, gains=(3.0, 1.0, 1.5)),
        "other": frame(0, model="Two"),
    }
    for name, each in frames.items():
        write_dng(replace(each, gains_source="as shot"), folder / f"{name}.dng")
    content = content_of(planted, files=FILES, argv=ARGV)
    (folder / "report.json").write_bytes(readable(content))
    return folder


def check(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, list[str], str]:
    with pytest.raises(SystemExit) as end:
        cli.main(["check", *arguments, "--report", str(folder / "report.json")])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out.splitlines(), err


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (["alike"], ["--set", "optics.blur=0"], 0),
        (["alike"], [], 3),
        (["other"], ["--set", "optics.blur=0"], 3),
        (["red"], [], 1),
        (["alike", "red", "other"], [], 1),
    ],
)
def test_exit_codes(
    capsys: pytest.CaptureFixture[str], camera: Path, names: list[str], options: list[str], code: int
) -> None:
    paths = [str(camera / f"{name}.dng") for name in names]
    got, lines, err = check(capsys, camera, *paths, *options, "--json")
    facts = [json.loads(line) for line in lines]
    unsettled = [row for each in facts for row in each["parameters"] if row["verdict"] != "in"]
    assert (got, err) == (code, ""), unsettled
    assert [each["file"] for each in facts] == paths and all(each["report_as_written"] for each in facts)


def test_the_table_names_every_parameter(capsys: pytest.CaptureFixture[str], camera: Path) -> None:
    code, lines, _ = check(capsys, camera, str(camera / "red.dng"))
    assert code == 1 and lines[0].endswith("red.dng: out")
    (row,) = (line for line in lines if "white_balance.r" in line)
    assert "out" in row and "1.250 to 2.000" in row and "seen to fail at 2.050" in row


def test_bad_input_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str], camera: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.dng"
    bad.write_text("no picture")
    code, lines, err = check(capsys, camera, str(bad), str(camera / "red.dng"), "--json")
    assert code == 2 and len(lines) == 1 and err.count("\n") == 1 and "bad.dng" in err
    for options in (["--set", "optics.blur"], ["--set", "optics.blur=x"], ["--set", "optics.blur=nan"]):
        code, lines, err = check(capsys, camera, str(camera / "red.dng"), *options)
        assert code == 2 and lines == [] and "gives no value" in err
    code, _, err = check(capsys, camera, str(tmp_path / "none.dng"))
    assert code == 2 and "There is no file" in err
    code, _, err = check(capsys, tmp_path, str(camera / "red.dng"))
    assert code == 2 and "report.json" in err


def test_a_changed_report_is_told(capsys: pytest.CaptureFixture[str], camera: Path, tmp_path: Path) -> None:
    report = json.loads((camera / "report.json").read_text())
    report["runtime_guard"]["ranges"][2] |= {"allowed": [1.0, 2.5], "fails": [None, None]}
    (tmp_path / "report.json").write_bytes(readable(report))
    _, lines, err = check(capsys, tmp_path, str(camera / "alike.dng"), "--json")
    assert "was changed since it was written" in err and json.loads(lines[0])["report_as_written"] is False
