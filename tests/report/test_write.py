"""A report is written whole or not at all, and the same report is the same bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from driftlab.analysis.criterion import Criterion
from driftlab.report.canonical import canonical, report_id_of
from driftlab.report.command import path_word
from driftlab.report.purpose import Purpose, ReportError, Responsible, read_purpose
from driftlab.report.self_test import self_test
from driftlab.report.write import write_report
from tests.report.planted import ARGV, FILES, tolerance


def written(folder: Path, **options: Any) -> dict[str, Any]:
    planted = options.pop("tolerance", None) or tolerance()
    options = {"files": FILES, "argv": ARGV} | options
    return json.loads(write_report(folder, planted, **options).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_an_axis_holds_what_is_promised_of_it(tmp_path: Path) -> None:
    report = written(tmp_path / "out")
    assert report["schema"] == "driftlab.tolerance/1"
    exposure, blur, red, blue = report["results"]["axis"]
    assert red["param"] == "white_balance.r" and red["nominal"] == 1.7 and red["safe"] == [1.25, 2.0]
    assert red["searched"] == [1.0, 2.5] and red["evaluations"] == 18 and red["status"] == "holds-on-samples"
    # The nearer of the two failures, by shares of the range.
    assert red["first_failure"]["value"] == 2.05 and red["first_failure"]["name"] == "third.dng"
    assert (red["first_failure"]["from"], red["first_failure"]["to"]) == ("a", "b")
    assert exposure["unit"] == "EV" and exposure["first_failure"] is None and exposure["open_ended"] == [True, True]
    assert blur["gaps"] == [[1.4, 1.6]] and blur["monotone"] is False
    assert (blue["unit"], blue["kind"]) == ("× nominal", "factor")
    for axis in (exposure, blur, red, blue):
        assert axis["not_jointly_valid"] is True
        assert axis["searched"][0] <= axis["safe"][0] <= axis["safe"][1] <= axis["searched"][1]


def test_a_factor_is_told_with_the_value_that_it_makes(tmp_path: Path) -> None:
    report = written(tmp_path / "out")
    (blue,) = (each for each in report["parameters"] if each["param"] == "white_balance.b")
    assert blue["kind"] == "factor" and blue["unit"] == "× nominal"
    assert blue["nominal_values"] == pytest.approx([1.5, 1.7])


def test_what_held_over_the_whole_range_passed_and_what_was_seen_to_fail_failed(tmp_path: Path) -> None:
    report = written(tmp_path / "out")
    assert [each["param"] for each in report["passed"]] == ["exposure.ev"]
    assert [each["param"] for each in report["failed"]] == ["optics.blur", "white_balance.r"]
    assert [each["param"] for each in report["undecided"]] == ["white_balance.b"]


def test_every_counterexample_has_a_command_and_is_named_once(tmp_path: Path) -> None:
    report = written(tmp_path / "out")
    commands = [each["command"] for each in report["counterexamples"]]
    assert len(commands) == len(set(commands)) == 5
    assert commands[2] == (
        "driftlab predict 'a second.dng' --model net.pt --trust --pipeline camera --set tone.curve=power "
        "--set white_balance.r=1.2 --crop 4,2,24,20"
    )
    for axis in report["results"]["axis"]:
        for end in (axis["lower"], axis["upper"]):
            if end["failure"]:
                example = report["counterexamples"][end["failure"]["counterexample"]]
                assert example["sha256"] == end["failure"]["sha256"]


def test_the_same_search_gives_the_same_bytes_but_for_the_volatile_block(tmp_path: Path) -> None:
    first = written(tmp_path / "one", started=datetime(2026, 1, 2, tzinfo=UTC))
    second = written(tmp_path / "two", argv=[*ARGV[:-2], "--out=elsewhere"])
    assert first.pop("volatile") != second.pop("volatile")
    assert canonical(first) == canonical(second)
    assert first["report_id"] == second["report_id"] == report_id_of(first)
    other = written(tmp_path / "three", tolerance=tolerance(seed=8))
    assert other["report_id"] != first["report_id"]


def test_times_stand_in_the_volatile_block_alone(tmp_path: Path) -> None:
    report = written(tmp_path / "out", started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert report["volatile"]["criterion_fixed_utc"] == "2026-01-02T03:04:05Z"
    assert report["volatile"]["seconds"] > 0 and report["volatile"]["created_utc"].endswith("Z")
    assert report["criterion"]["fixed_before_search"] is True


def test_what_a_person_says_and_what_was_left_out_is_kept(tmp_path: Path) -> None:
    purpose = Purpose("count cells", "", "", ("diagnosis",), (Responsible("owner", "A <b> & c"),))
    report = written(tmp_path / "out", purpose=purpose, excluded=[("bad.dng", "it is no camera file")])
    assert report["purpose"] == {
        "intended_use": "count cells", "decision": None, "harm_if_wrong": None, "exclusions": ["diagnosis"]
    }  # fmt: skip
    assert report["responsible"] == [{"role": "owner", "name": "A <b> & c"}]
    assert report["data"]["excluded"] == [{"file": "bad.dng", "reason": "it is no camera file"}]


def test_the_criterion_and_the_command_are_recorded(tmp_path: Path) -> None:
    report = written(tmp_path / "out", tolerance=tolerance(criterion=Criterion("margin", 0.5, "quantile", 0.9)))
    assert report["criterion"]["text"] == "margin>=0.5" and report["criterion"]["aggregation"] == "quantile=0.9"
    assert report["replay"]["argv"] == list(ARGV[:-2])
    assert report["method"]["seed"] == 7 and report["method"]["class"] == ["gradient-guided"]


def test_files_of_others_stay_and_an_older_report_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "report.json").write_text("old")
    report = written(folder)
    assert (folder / "notes.txt").read_text() == "mine" and report["report_id"].startswith("sha256:")
    assert not list(folder.rglob(".*"))


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    folder = tmp_path / "out"
    if there:
        folder.mkdir()
        (folder / "report.json").write_text("old")
    before = sorted(tmp_path.rglob("*"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ReportError, match=r"can't be written to .*out': No space left on device"):
        written(folder)
    assert sorted(tmp_path.rglob("*")) == before
    if there:
        assert (folder / "report.json").read_text() == "old"


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="can't be written"):
        written(tmp_path / "no" / "such" / "out")


def test_the_self_test_stands_in_the_report_and_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = written(tmp_path / "out")
    assert report["tool"]["self_test"] == self_test() and self_test()["passed"] is True
    monkeypatch.setattr("driftlab.report.self_test.LIMITS", (1e-30, -1.0))
    self_test.cache_clear()
    failing = self_test()
    self_test.cache_clear()
    assert failing["passed"] is False and [each["passed"] for each in failing["checks"]] == [False, False]


def test_a_purpose_is_read_from_json_or_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "purpose.json"
    path.write_text('{"intended_use": "cells", "responsible": [{"role": "r", "name": "n"}], "exclusions": ["x"]}')
    assert read_purpose(path) == Purpose("cells", exclusions=("x",), responsible=(Responsible("r", "n"),))
    for content in ('{"use": "x"}', "[]", '{"decision": 3}', '{"responsible": [{"role": "r"}]}', '{"exclusions": "x"}'):
        path.write_text(content)
        with pytest.raises(ReportError, match="is no purpose"):
            read_purpose(path)
    path.write_text("{")
    with pytest.raises(ReportError, match="can't be read"):
        read_purpose(path)


def test_nothing_but_the_report_is_written(tmp_path: Path) -> None:
    written(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_how_far_apart_nothing_was_asked_is_told(tmp_path: Path) -> None:
    def why(report: dict[str, Any]) -> str:
        return next(
            str(each["why"]) for each in report["limits"] if each["not_tested"] == "between the positions asked"
        )

    assert "up to 50% of the searched range apart" in why(written(tmp_path / "out"))  # exposure at -1, 0 and 1
    red = next(each for each in tolerance().axes if each.axis.key == "white_balance.r")  # 1.25, 1.7, 2 of 1 to 2.5
    assert "up to 30% of" in why(written(tmp_path / "red", tolerance=tolerance(axes=(red,))))


@pytest.mark.parametrize(("path", "word"), [("--trust.dng", "./--trust.dng"), ("-", "./-"), ("a/-b.dng", "a/-b.dng")])
def test_no_file_is_taken_for_an_option(path: str, word: str) -> None:
    assert path_word(Path(path)) == word
