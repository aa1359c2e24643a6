"""`driftlab tolerance`: the report it writes, what it refuses, and how it goes on after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
import torch

import driftlab
from driftlab.analysis.pictures import Pictures
from driftlab.cli.tolerance import JOURNAL
from tests.cli.test_commands import DNG, MODEL, refused, run
from tests.model.tiny import save_segmenter

FILES = [str(driftlab.resource(f"demo/{name}-01.dng")) for name in ("eosinophil", "neutrophil", "basophil")]
RED = "white_balance.r=0.6:2"


def asked(out: Path, *more: str) -> list[str]:
    return ["tolerance", *FILES, "--model", MODEL, "--param", RED, "-o", str(out), *more]


def results(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["results"]
    return content


def test_the_report_and_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, err = run(capsys, *asked(out, "--param", "optics.blur=0:0.2"))
    assert (code, err) == (0, "")
    blur, red = results(out)["axis"]  # type: ignore[misc]
    for axis in (blur, red):
        assert {"param", "unit", "nominal", "searched", "safe", "status", "first_failure", "evaluations"} <= axis.keys()
    assert (red["param"], red["searched"], red["status"]) == ("white_balance.r", [0.6, 2], "holds-on-samples")
    assert 0.6 < red["safe"][0] < red["nominal"] < red["safe"][1] < 2 and red["first_failure"]
    assert blur["safe"] == [0, 0.2] and blur["first_failure"] is None
    assert not (out / JOURNAL).exists()
    rows = {row["param"]: row for row in results(out)["sensitivity"]}  # type: ignore[attr-defined]
    assert rows["white_balance.r"]["n"] == 3 and rows["white_balance.r"]["mean_size"] > 0
    assert 0 <= rows["color_matrix.rb"]["finite_difference_error"] < 0.1
    table = said.splitlines()
    assert table[0].startswith("prediction-unchanged over all: 3 of 3 pictures hold nominally")
    assert "not jointly valid" in table[0] and "white_balance.r" in table[3] and "≤0 to ≥0.2" in table[2]
    assert red["first_failure"]["name"] in table[3] and table[-1] == f"report in {out}"


def test_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said, _ = run(
        capsys, *asked(tmp_path / "out", "--json", "--criterion", "margin>=0.5", "--over", "quantile=0.6")
    )
    told = json.loads(said)
    assert code == 0 and told["report"] == str(tmp_path / "out" / "report.json")
    assert told["results"] == results(tmp_path / "out")


def test_joint(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    more = ["--param", "optics.blur=0:3", "--joint", "--budget", "900", "--seed", "4"]
    code, said, _ = run(capsys, *asked(tmp_path / "out", *more))
    assert code == 0 and "together: " in said
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["results"]["joint"] is not None and report["method"]["seed"] == 4


def test_an_interrupted_search_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, *asked(tmp_path / "whole"))[0] == 0
    pictures, left, asked_again = Pictures.at, [4], [0]

    def interrupted(self: Pictures, *arguments: object) -> Generator[None, None, torch.Tensor]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return pictures(self, *arguments)  # type: ignore[arg-type]

    def counted(self: Pictures, *arguments: object) -> Generator[None, None, torch.Tensor]:
        asked_again[0] += 1
        return pictures(self, *arguments)  # type: ignore[arg-type]

    out = tmp_path / "out"
    monkeypatch.setattr(Pictures, "at", interrupted)
    assert run(capsys, *asked(out)) == (130, "", "Interrupted.\n")
    assert [path.name for path in out.iterdir()] == [JOURNAL]
    monkeypatch.setattr(Pictures, "at", counted)
    code, _, err = run(capsys, *asked(out))
    assert code == 0 and err.startswith("Going on from ") and asked_again[0] > 0
    assert results(out) == results(tmp_path / "whole")
    assert not (out / JOURNAL).exists()


def test_a_full_disk_leaves_no_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        code, _, err = run(capsys, *asked(out))
    assert code == 2 and err.count("\n") == 1 and "No space left on device" in err
    assert [path.name for path in out.iterdir()] == [JOURNAL]
    code, _, err = run(capsys, *asked(out))
    assert code == 0 and "Going on from" in err and "report.json" in {path.name for path in out.iterdir()}


def test_what_is_no_frame_in_a_folder_is_told_and_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in FILES[:2]:
        shutil.copy(file, data)
    (data / "broken.dng").write_bytes(b"no picture")
    words = ["tolerance", str(data), "--model", MODEL, "--param", RED, "-o", str(tmp_path / "out"), "--json"]
    code, _, err = run(capsys, *words)
    assert code == 0 and err.count("\n") == 1 and err.startswith("Left out: ") and "broken.dng" in err
    assert "broken.dng" in refused(capsys, *words[:1], str(data / "broken.dng"), *words[2:])


def test_the_same_picture_under_two_names_counts_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file, name in zip((FILES[0], FILES[0], FILES[1]), ("a.dng", "b.dng", "c.dng"), strict=True):
        shutil.copy(file, data / name)
    words = ["tolerance", str(data), "--model", MODEL, "--param", RED, "-o", str(tmp_path / "out")]
    code, said, err = run(capsys, *words)
    assert code == 0 and err.count("\n") == 1 and "b.dng' is the same picture as" in err
    assert "2 of 2 pictures hold nominally" in said.splitlines()[0]
    again = refused(capsys, *words[:1], str(data / "a.dng"), str(data / "b.dng"), *words[2:])
    assert "would count twice" in again


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_segmentation_with_masks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shutil.copy(DNG, tmp_path / "a.dng")
    net = str(save_segmenter(tmp_path / "net.pt"))
    mask = tmp_path / "mask.png"
    assert run(capsys, "predict", DNG, "--model", net, "--trust", "--save-mask", str(mask))[0] == 0
    (tmp_path / "masks.csv").write_text("file,mask\na.dng,mask.png\n")
    words = ["tolerance", str(tmp_path / "masks.csv"), "--model", net, "--trust", "--param", RED]
    code, said, _ = run(capsys, *words, "-o", str(tmp_path / "out"), "--criterion", "accuracy>=0.9")
    assert "1 picture, nominal mean IoU 1;" in said.splitlines()[0]
    assert code == 0 and results(tmp_path / "out")["nominal"]["metric"] == 1.0  # type: ignore[index]
    said = refused(capsys, *words, "-o", str(tmp_path / "other"))
    assert "use accuracy>=" in said and not (tmp_path / "other").exists()
    (tmp_path / "labels.csv").write_text("file,label\na.dng,sky\n")
    words[1] = str(tmp_path / "labels.csv")
    assert "give masks (file,mask)" in refused(capsys, *words, "-o", str(tmp_path / "other"))
    words = ["tolerance", str(tmp_path / "masks.csv"), "--model", MODEL, "-o", str(tmp_path / "other")]
    assert "give labels" in refused(capsys, *words)


REFUSALS = {
    "nominal": (["--criterion", "margin>=1000"], "fails at the nominal settings already"),
    "criterion": (["--criterion", "precision>=0.9"], "is no criterion"),
    "over": (["--over", "most"], "is no share of the pictures"),
    "key": (["--param", "white_balance.red"], "did you mean white_balance.r"),
    "not of this pipeline": (["--param", "denoise.range"], "has no effect under these settings"),
    "range": (["--param", "exposure.ev=2:1"], "is no range"),
    "without nominal": (["--param", "exposure.ev=1:2"], "outside 1:2"),
    "budget": (["--budget", "2"], "does not reach for 3 nominal answers"),
    "seed": (["--seed", "-1"], "'-1' is no whole number from 0"),
    "resolution": (["--resolution", "0"], "give a share of the range"),
    "crop": (["--crop", "0,0,9999,5"], "give X,Y,W,H within it"),
    "purpose": (["--purpose", "missing.json"], "missing.json"),
    "settings": (["--set", "exposure.ev=99"], "is out of range"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_refuses_in_one_sentence_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, case: str
) -> None:
    words, mend = REFUSALS[case]
    assert mend in refused(capsys, *asked(tmp_path / "out", *words))
    assert list(tmp_path.iterdir()) == []


def test_labels_that_do_not_fit_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for file in FILES[:2]:
        shutil.copy(file, tmp_path)
    words = ["tolerance", str(tmp_path), "--model", MODEL, "--criterion", "accuracy>=0.5", "-o", str(tmp_path / "out")]
    for labels, mend in (
        (("zebra", "neutrophil"), "is labeled 'zebra', a class that the model does not have"),
        (("neutrophil", "neutrophil"), "All 2 pictures are labeled 'neutrophil'"),
    ):
        rows = [f"{Path(file).name},{label}\n" for file, label in zip(FILES, labels, strict=False)]
        (tmp_path / "labels.csv").write_text("".join(["file,label\n", *rows]))
        assert mend in refused(capsys, *words)
    assert not (tmp_path / "out").exists()


def test_an_output_that_can_not_be_is_refused_before_anything_is_loaded(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    np.save(tmp_path / "file.npy", np.zeros(1))
    for out, mend in ((tmp_path / "file.npy", "is a file"), (tmp_path / "none" / "out", "make it first")):
        assert mend in refused(capsys, "tolerance", "missing.dng", "--model", "missing.pt", "-o", str(out))
