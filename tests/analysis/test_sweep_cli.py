"""`driftlab sweep`, through the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from driftlab import load_model, load_raw, predict, resource
from driftlab.cli import main
from driftlab.isp.pipeline import CAMERA

MODEL = str(resource("demo/leukocyte_net.safetensors"))
FILES = [str(resource(f"demo/eosinophil-0{number}.dng")) for number in (1, 3)]
RED = "white_balance.r"


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["sweep", *arguments, "--model", MODEL])
    return int(end.value.code or 0)


def test_a_curve_gives_what_predict_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "curve.csv"
    assert ran(FILES[1], "--param", f"{RED}=0.5:2", "--points", "4", "-o", str(table), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["params"] == [
        {"param": RED, "unit": "", "nominal": pytest.approx(1.1465, abs=1e-4), "searched": [0.5, 2]}
    ]
    frame, model = load_raw(FILES[1]), load_model(MODEL)
    settings = CAMERA.settings(frame)
    nominal = predict(frame, settings, model).top[0].label
    for row in told["rows"]:
        answer = predict(frame, settings.changed({RED: row[RED]}), model)
        assert row["answer"] == answer.top[0].label
        assert abs(row["margin"]) == pytest.approx(answer.margin, abs=1e-4) or row["answer"] != nominal
        assert (row["metric"] == 1.0) == (row["answer"] == nominal) == (row["margin"] >= 0)
    assert told["evaluations"] == len(told["rows"]) == 5
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row[RED]) for row in rows] == [row[RED] for row in told["rows"]]
    assert [float(row["margin"]) for row in rows] == [row["margin"] for row in told["rows"]]


def test_a_map_of_two_parameters_and_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ranges = ("--param", f"{RED}=0.5:1.5", "--param", "optics.blur", "--points", "3")
    assert ran(*FILES, *ranges, "--criterion", "margin>=0.5", "--over", "rate=0.5", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["param"] for each in told["params"]] == [RED, "optics.blur"]
    assert len(told["rows"]) == 9 and told["level"] == 0.5
    assert all(row["holds"] == (row["margin"] >= 0.5) for row in told["rows"])
    assert {row["holds"] for row in told["rows"]} == {True, False}
    assert ran(*FILES, *ranges, "--criterion", "margin>=0.5", "--over", "rate=0.5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "from left to right" in lines[0] and len(lines) == 4
    signs = "".join(line.split()[1] for line in reversed(lines[1:]))
    assert signs == "".join("+" if row["holds"] else "·" for row in told["rows"])


def test_a_data_set_is_held_against_its_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, names = tmp_path / "labels.csv", ("basophil-01.dng", "eosinophil-01.dng")
    for name in names:
        (tmp_path / name).write_bytes(resource(f"demo/{name}").read_bytes())
    table.write_text(f"file,label\n{names[0]},basophil\n{names[1]},neutrophil\n")
    words = ("--param", f"{RED}=1:1.3", "--points", "3", "--criterion", "accuracy>=0.5", "--json")
    assert ran(str(tmp_path), *words) == 0
    told = json.loads(capsys.readouterr().out)
    (nominal,) = (row for row in told["rows"] if row[RED] == told["params"][0]["nominal"])
    assert nominal["metric"] == 0.5 and nominal["answer"] == "eosinophil" and nominal["margin"] < 0
    assert told["files"] == [str(tmp_path / name) for name in names]
    assert ran(FILES[0], FILES[0], *words) == 2
    assert "would count twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--param", "white_balance.q"], "did you mean"),
        (["--param", RED, "--param", "exposure.ev", "--param", "optics.blur"], "one parameter or over two, not 3"),
        (["--param", f"{RED}=2:3"], "give a range that holds it"),
        (["--param", RED, "--criterion", "margin"], "is no criterion"),
        (["--param", RED, "--points", "2"], "take 3 or more"),
        (["--param", RED, "-o", "nowhere/at/all.csv"], "make it first"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(FILES[0], *arguments) == 2
    told = capsys.readouterr()
    assert sentence in told.err and told.err.count("\n") == 1 and not told.out
