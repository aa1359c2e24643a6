"""`driftlab attack`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

import driftlab
from tests.cli.test_commands import MODEL, refused, run

FILES = [str(driftlab.resource(f"demo/{name}-01.dng")) for name in ("eosinophil", "neutrophil")]


def asked(out: Path, *more: str) -> list[str]:
    few = ["--param", "white_balance.r=0.8:1.6", "--param", "exposure.ev", "--lambda", "1e3", "--restarts", "0"]
    return ["attack", *FILES, "--model", MODEL, *few, "--budget", "300", "-o", str(out), *more]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_it_writes_and_prints(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, err = run(capsys, *asked(out))
    assert (code, err) == (0, "")
    report = json.loads((out / "forensics.json").read_text(encoding="utf-8"))
    assert report["schema"] == "driftlab.forensics/1" and report["method"]["seed"] == 0
    assert report["environment"]["device"] == "cpu" and str(out) not in report["argv"]
    assert [each["file"] for each in report["data"]] == [Path(file).name for file in FILES]
    results = report["results"]
    assert [each["name"] for each in results["groups"]] == ["exposure", "white_balance", "all"]
    assert results["evaluations"] <= 300 and results["metric"] == 1.0
    (red,) = [each for each in results["parameters"] if each["key"] == "white_balance.r"]
    assert red["searched"] == [0.8, 1.6] and 0.8 <= red["first_flip"]["settings"][0]["position"] <= 1.6
    ranked = rows(out / "tables" / "ranked.csv")
    assert [row["name"] for row in ranked] == [each["name"] for each in results["ranked"]]
    assert {path.name for path in (out / "tables").iterdir()} == {
        "ranked.csv", "curves.csv", "travel.csv", "parameters.csv", "flips.csv"
    }  # fmt: skip
    for name in ("curves.png", "gallery.png"):
        with Image.open(out / name) as picture:
            assert picture.width >= 900 and len(picture.convert("RGB").getcolors(1 << 20)) > 20
    assert "what breaks it first" in said and "white_balance.r" in said and "eosinophil-01.dng" in said
    assert said.splitlines()[-1] == f"forensics.json, pictures and tables in {out}"

    again = tmp_path / "again"
    code, said, _ = run(capsys, *asked(again, "--json"))
    assert code == 0 and json.loads(said) == results
    assert (again / "gallery.png").read_bytes() == (out / "gallery.png").read_bytes()
    assert sorted(path.name for path in again.iterdir()) == ["curves.png", "forensics.json", "gallery.png", "tables"]


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (["--group", "lens"], "There is no group 'lens'"),
        (["--break-at", "2"], "between 0 and 1"),
        (["--lambda", "0"], "must be above 0"),
        (["--restarts", "-1"], "give 0 or more"),
        (["--seed", "-1"], "no seed -1: give 0 or more"),
        (["--param", "white_balance.red"], "did you mean white_balance"),
        (["--budget", "3"], "give at least 4"),
    ],
)
def test_what_can_not_be_done_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: list[str], match: str
) -> None:
    assert match in refused(capsys, *asked(tmp_path / "out", *more))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("budget", "closed"), [("30", False), ("3000", True)])
def test_a_bracket_that_was_not_closed_is_said_to_be_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, budget: str, closed: bool
) -> None:
    code, said, _ = run(capsys, *asked(tmp_path / "out", "--budget", budget))
    report = json.loads((tmp_path / "out" / "forensics.json").read_text(encoding="utf-8"))
    brackets = {each["key"]: each["flip_bracket"] for each in report["results"]["parameters"]}
    (told,) = (line for line in said.splitlines()[1:] if line.startswith("  white_balance.r ") and "→" not in line)
    red = brackets["white_balance.r"]
    assert code == 0 and red["closed"] is closed and 0 <= red["lower"] < red["upper"]
    assert (red["upper"] - red["lower"] <= red["upper"] / 63) == closed
    assert ("≤" in told, f"between {red['held']:.4g} and {red['failed']:.4g}" in told) == (not closed, not closed)
    assert said.startswith(
        "2 pictures, nominally right: 100 % (2 without a label are held against their nominal answers); broken at 90 %"
    )


def test_a_folder_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    assert "is a file" in refused(capsys, *asked(tmp_path / "taken"))
    assert "make it first" in refused(capsys, *asked(tmp_path / "none" / "out"))
