"""`driftlab sensitivity`, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from driftlab import load_model, load_raw, resource
from driftlab.analysis.sensitivity.sensitivities import Table, sensitivities
from driftlab.cli import main
from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA
from tests.model.tiny import save_segmenter

MODEL = str(resource("demo/leukocyte_net.safetensors"))
FILES = [str(resource(f"demo/{name}.dng")) for name in ("eosinophil-01", "monocyte-02")]


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["sensitivity", *arguments])
    return int(end.value.code or 0)


def test_json_is_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", MODEL, "--crop", "8,4,100,96", "--set", "tone.curve=power", "--json"]
    assert ran(*FILES, *words, "--no-check") == 0
    *lines, _ = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == FILES
    frame, model = load_raw(FILES[0]), load_model(MODEL)
    from driftlab.isp.develop import Region

    settings = CAMERA.settings(frame).changed({"tone.curve": "power"})
    steps = sensitivities(frame, settings, model, region=Region(8, 4, 100, 96), heatmaps=())
    table = [item for item in steps if isinstance(item, Table)][-1]
    told = lines[0]
    assert told["target"] == "margin" and told["margin"] == told["value"] == table.value
    assert told["classes"] == list(table.question.target.classes) and told["heatmaps"] is None
    assert told["raw_sha256"] == frame.sha256 and told["model_sha256"] == model.sha256
    assert [row["key"] for row in told["parameters"]] == [row.key for row in table.rows]
    for row, exact in zip(told["parameters"], table.rows, strict=True):
        assert (row["unit"], row["value"], row["gradient"]) == (exact.unit, exact.value, exact.gradient)
        assert row["normalized"] == exact.normalized and row["gradient_kind"] == exact.gradient_kind
        assert row["finite_difference_error"] is None and ("step" in row) == (row["gradient_kind"] == "none")


def test_text_is_ranked_and_heatmaps_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(FILES[0], "--model", MODEL, "--heatmaps", str(tmp_path), "--stage-heatmaps") == 0
    out = capsys.readouterr().out
    assert "margin of eosinophil over" in out and "no effect here: optics.blur" in out
    rows = [line.split() for line in out.splitlines() if "█" in line]
    sizes = [abs(float(row[3])) for row in rows]
    assert sizes == sorted(sizes, reverse=True) and len(rows) > 10
    folder = tmp_path / "eosinophil-01.dng"
    for row in rows:
        values = np.load(folder / f"{row[0]}.npy")
        assert values.shape == (128, 128) and values.dtype == np.float32
        assert float(values.sum(dtype=np.float64)) == pytest.approx(float(row[-1]), rel=1e-4)
        assert float(row[-1]) == pytest.approx(float(row[2]), rel=2e-3)
        with Image.open(folder / f"{row[0]}.png") as picture:
            assert picture.mode == "RGB" and picture.width > 800
    assert len(list(folder.glob("stage-*.npy"))) == 12 and (folder / "stages.png").is_file()
    assert not list(folder.glob(".*"))


def test_a_target_and_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(FILES[1], "--model", MODEL, "--target", "basophil", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (
        told["target"] == "basophil"
        and told["margin"] is None
        and told["value"] == pytest.approx(told["logits"][told["labels"].index("basophil")], abs=1e-5)
    )
    errors = [row["finite_difference_error"] for row in told["parameters"]]
    assert None not in errors and np.median(errors) < 0.05


def test_several_files_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(*FILES, "--model", MODEL) == 0
    out = capsys.readouterr().out
    assert "all 2 files, normalized" in out and "eosinophil     monocyte\n" in out
    assert out.count("white_balance.r ") == 3


def test_json_of_several_files_ends_with_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(*FILES, "--model", MODEL, "--crop", "8,4,64,64", "--json") == 0
    *tables, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(tables) == 2 and last.keys() == {"summary"} and last["summary"]["files"] == 2
    found = {row["key"]: row for row in last["summary"]["parameters"]}
    sizes = [row["magnitude"] for row in last["summary"]["parameters"]]
    assert sizes == sorted(sizes, reverse=True)
    pair = [{row["key"]: row["normalized"] for row in table["parameters"]}["white_balance.r"] for table in tables]
    red = found["white_balance.r"]
    assert red["mean"] == pytest.approx(sum(pair) / 2) and red["count"] == 2
    assert red["magnitude"] == pytest.approx(sum(map(abs, pair)) / 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_soft_dice_against_a_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = str(save_segmenter(tmp_path / "net.pt"))
    mask = np.zeros((128, 128), np.uint8)
    mask[40:] = 2
    mask[:8] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    words = [FILES[0], "--model", net, "--trust", "--crop", "0,30,128,64", "--json"]
    values = []
    for extra in ([], ["--mask", str(tmp_path / "mask.png")]):
        assert ran(*words, "--target", "land", *extra) == 0
        told = json.loads(capsys.readouterr().out)
        values.append(told["value"])
    picture = torch.from_numpy(develop(load_raw(FILES[0]), CAMERA.settings(load_raw(FILES[0]))))[None, :, 30:94]
    land = load_model(net, trust=True)(picture).softmax(1)[0, 2].double()
    truth = torch.from_numpy(mask[30:94] == 2)
    assert values[1] == pytest.approx(float(2 * land[truth].sum() / (land.sum() + truth.sum())), rel=1e-5)
    assert values[0] != pytest.approx(values[1], rel=1e-3)
    Image.fromarray(mask[:50]).save(tmp_path / "small.png")
    assert ran(*words, "--mask", str(tmp_path / "small.png")) == 2
    assert "128 × 50 pixels, but the picture 128 × 128" in capsys.readouterr().err
    assert ran(FILES[0], "--model", MODEL, "--mask", str(tmp_path / "mask.png")) == 2
    assert "leave out --mask" in capsys.readouterr().err


def test_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    twin = tmp_path / "twin" / "eosinophil-01.dng"
    twin.parent.mkdir()
    twin.write_bytes(Path(FILES[1]).read_bytes())
    out = tmp_path / "maps"
    assert ran(FILES[0], str(twin), "--model", MODEL, "--crop", "0,0,64,64", "--heatmaps", str(out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["eosinophil-01.dng", "eosinophil-01.dng-2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", "eosinphil"], "did you mean eosinophil"),
        (["--stage-heatmaps"], "give it with --heatmaps DIR"),
        (["--crop", "100,100,64,64"], "does not lie in the picture"),
        (["--heatmaps", __file__], "can't be made"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(FILES[0], "--model", MODEL, *arguments) == 2
    captured = capsys.readouterr()
    assert says in captured.err and captured.err.count("\n") == 1 and not captured.out
