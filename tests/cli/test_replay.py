"""`driftlab replay`: the numbers come again, or it is said why not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

import driftlab
from driftlab import cli
from driftlab.report.canonical import readable, report_id_of
from driftlab.report.compare import ROUNDED, SAME
from tests.cli.test_commands import run

NAMES = ("eosinophil-01.dng", "neutrophil-01.dng")
MODEL = ("leukocyte_net.safetensors", "leukocyte_net.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, model, and the report of a small search that was run in it."""
    folder = tmp_path_factory.mktemp("made")
    for name in (*NAMES, *MODEL):
        shutil.copy(driftlab.resource(f"demo/{name}"), folder / name)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.chdir(folder)
        cli.main(["tolerance", *NAMES, "--model", MODEL[0], "--param", "white_balance.r=0.6:2", "-o", "out"])
    assert not end.value.code
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to change, which is the current folder."""
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    monkeypatch.chdir(copy)
    return copy


def changed(path: Path, **replay: Any) -> None:
    report = json.loads(path.read_text())
    report["replay"] |= replay
    path.write_bytes(readable({**report, "report_id": report_id_of(report)}))


def test_the_numbers_come_again(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, err = run(capsys, "replay", "out/report.json", "--json", "-o", "again")
    told = json.loads(out)
    assert (code, err) == (0, "") and told["again"] and told["bit_identical"] and told["differences"] == []
    first, second = (json.loads((folder / name / "report.json").read_text()) for name in ("out", "again"))
    assert first["results"] == second["results"] and first["report_id"] == second["report_id"]
    code, out, _ = run(capsys, "replay", "out/report.json")
    assert code == 0 and "bit for bit" in out and not (folder / ".trials.jsonl").exists()


@pytest.mark.parametrize(
    "processor",
    [
        {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"},
        {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"},
        {"OMP_NUM_THREADS": "1"},
    ],
    ids=["avx2", "sse", "one thread"],
)
def test_they_come_again_on_another_processor(folder: Path, processor: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "driftlab", "replay", "out/report.json", "--json", "-o", "again"],
        env={**os.environ, **processor}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["again"] and told["differences"] == [] and told["within"] in (0.0, SAME, ROUNDED)
    first, second = (json.loads((folder / name / "report.json").read_text()) for name in ("out", "again"))
    (here,), (there,) = first["results"]["axis"], second["results"]["axis"]
    assert (here["safe"], here["status"]) == (there["safe"], there["status"]), "no position moves"


def test_numbers_that_do_not_come_again_are_named(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    path = folder / "out" / "report.json"
    report = json.loads(path.read_text())
    report["results"]["axis"][0]["safe"][1] += 0.1
    path.write_bytes(readable(report))
    code, out, err = run(capsys, "replay", str(path))
    assert code == 2 and out == "" and "was changed since it was written" in err, "nothing of it is run"
    path.write_bytes(readable({**report, "report_id": report_id_of(report)}))
    _, out, _ = run(capsys, "replay", str(path), "--json")
    told = json.loads(out)
    assert (told["again"], told["bit_identical"], told["within"]) == (False, False, None) and told["differences"]
    code, out, _ = run(capsys, "replay", str(path))
    assert code == 1
    assert "1 differ, the first is results.axis[0].safe[1]" in out and "shrank    white_balance.r" in out


def test_what_has_changed_is_told_and_nothing_is_repeated(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    shutil.copy(NAMES[0], NAMES[1])
    code, out, _ = run(capsys, "replay", "out/report.json")
    assert code == 1 and f"the picture {NAMES[1]} has changed" in out and "not repeated" in out
    weights = {key: value + 1 for key, value in load_file(MODEL[0]).items()}
    save_file(weights, MODEL[0])
    code, out, _ = run(capsys, "replay", "out/report.json", "--json")
    told = json.loads(out)
    assert code == 1 and told["repeated"] is False and len(told["changed"]) == 2 and "model" in told["changed"][0]


def test_what_was_left_out_may_have_the_name_of_a_picture(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    for place, name in (("a", NAMES[0]), ("b", NAMES[1])):
        (folder / "data" / place).mkdir(parents=True)
        shutil.copy(name, folder / "data" / place / "x.dng")
    (folder / "data" / "c").mkdir()
    (folder / "data" / "c" / "x.dng").write_bytes(b"no picture")
    shutil.copytree(folder / "data" / "a", folder / "data" / "d")
    code, _, err = run(
        capsys, "tolerance", "data", "--model", MODEL[0], "--param", "white_balance.r=0.6:2", "-o", "several"
    )
    assert code == 0 and err.count("Left out: ") == 2
    code, out, _ = run(capsys, "replay", "several/report.json")
    assert code == 0 and "all 2 pictures are the same" in out and "bit for bit" in out
    (folder / "data" / "b" / "x.dng").write_bytes(b"another")
    code, out, _ = run(capsys, "replay", "several/report.json")
    assert code == 1 and "the picture x.dng is missing" in out


def test_files_that_moved_are_found_where_they_are_said_to_be(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed_folder = json.loads((folder / "out" / "report.json").read_text())
    changed_folder["volatile"]["folder"] = str(folder / "gone")
    (folder / "out" / "report.json").write_bytes(readable(changed_folder))
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in (*NAMES, *MODEL):
        shutil.move(name, elsewhere / name)
    code, out, err = run(capsys, "replay", "out/report.json")
    assert code == 2 and out == "" and "are not here: go to the folder" in err and "or give --data" in err
    code, out, err = run(capsys, "replay", "out/report.json", "--data", *(f"elsewhere/{name}" for name in NAMES))
    assert code == 2 and out == "" and MODEL[0] in err
    moved = ["--data", *(f"elsewhere/{name}" for name in NAMES), "--model", f"elsewhere/{MODEL[0]}"]
    code, out, err = run(capsys, "replay", "out/report.json", *moved, "--json")
    assert code == 0 and json.loads(out)["bit_identical"]


def test_no_report_leads_into_another_folder(
    capsys: pytest.CaptureFixture[str], made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "replay", str(made / "out" / "report.json"))
    assert (code, out) == (2, "") and str(made) in err and Path.cwd() == tmp_path
    moved = ["--data", *(str(made / name) for name in NAMES), "--model", str(made / MODEL[0])]
    code, out, _ = run(capsys, "replay", str(made / "out" / "report.json"), *moved, "--json")
    assert code == 0 and json.loads(out)["again"] and list(tmp_path.iterdir()) == []


def test_code_runs_only_where_it_is_trusted_again(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    marker = folder / "ran"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    changed(folder / "out" / "report.json", argv=["tolerance", *NAMES, "--model", "evil:make", "--trust"])
    code, out, err = run(capsys, "replay", "out/report.json")
    assert code == 2 and out == "" and "give --trust" in err and not marker.exists()
    # Trusted, it still is another model: nothing is run before its digest fits.
    code, out, _ = run(capsys, "replay", "out/report.json", "--trust")
    assert code == 1 and "has changed" in out and not marker.exists()


def test_a_report_of_another_command_is_refused(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    changed(folder / "out" / "report.json", argv=["gui"])
    code, out, err = run(capsys, "replay", "out/report.json")
    assert code == 2 and out == "" and "can't be repeated" in err
    code, out, err = run(capsys, "replay", "none.json")
    assert code == 2 and "none.json" in err
