"""Two reports compared: every way in which results may differ, and what does not count."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftlab import cli
from driftlab.report.canonical import readable
from driftlab.report.compare import changes, differing
from driftlab.report.content import content_of
from driftlab.report.write import write_report
from tests.report.planted import ARGV, FILES, tolerance

Mutation = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return json.loads(readable(content_of(tolerance(), files=FILES, argv=ARGV)))  # type: ignore[no-any-return]


def axis(report: dict[str, Any], key: str = "white_balance.r") -> dict[str, Any]:
    return next(each for each in report["results"]["axis"] if each["param"] == key)  # type: ignore[no-any-return]


def test_a_report_is_the_same_as_itself(report: dict[str, Any]) -> None:
    assert changes(report, copy.deepcopy(report)) == []
    assert list(differing(report, copy.deepcopy(report))) == []


MUTATIONS: dict[str, tuple[Mutation, tuple[str, str], str]] = {
    "lower grew": (lambda r: axis(r).update(safe=[1.1, 2.0]), ("grew", "white_balance.r"), "end was 1.250, now 1.100"),
    "lower shrank": (lambda r: axis(r).update(safe=[1.3, 2.0]), ("shrank", "white_balance.r"), "now 1.300"),
    "upper grew": (lambda r: axis(r).update(safe=[1.25, 2.1]), ("grew", "white_balance.r"), "end was 2.000, now 2.100"),
    "upper shrank": (lambda r: axis(r).update(safe=[1.25, 1.9]), ("shrank", "white_balance.r"), "now 1.900"),
    "vanished": (lambda r: r["results"]["axis"].pop(2), ("vanished", "white_balance.r"), "safe 1.250 to 2.000"),
    "status": (lambda r: axis(r).update(status="proven"), ("status", "white_balance.r"), "now proven"),
    "open": (lambda r: axis(r).update(open_ended=[False, True]), ("changed", "white_balance.r"), "end is now open"),
    "searched": (lambda r: axis(r).update(searched=[1.0, 3.0]), ("changed", "white_balance.r"), "searched"),
    "gaps": (lambda r: axis(r).update(gaps=[[2.2, 2.3]]), ("changed", "white_balance.r"), "none, now 2.20 to 2.30"),
    "nominal": (lambda r: axis(r).update(nominal=1.8), ("changed", "white_balance.r"), "1.80"),
    "unit": (lambda r: axis(r).update(kind="factor", unit="× nominal"), ("changed", "white_balance.r"), "comparable"),
    "no joint": (lambda r: r["results"].update(joint=None), ("vanished", "joint"), "no longer"),
    "box": (lambda r: r["results"]["joint"]["box"][1].update(safe=[1.5, 1.8]), ("shrank", "joint"), "white_balance.r"),
    "box of others": (lambda r: r["results"]["joint"]["box"].pop(), ("changed", "joint"), "now of optics.blur"),
    "joint status": (lambda r: r["results"]["joint"].update(status="unproven"), ("status", "joint"), "unproven"),
    "model": (lambda r: r["model"].update(sha256="1" * 64), ("changed", "model"), "now 111111111111…"),
    "data": (lambda r: r["data"].update(set_digest="2" * 64), ("changed", "data"), "the pictures"),
    "criterion": (lambda r: r["criterion"].update(text="margin>=1"), ("changed", "criterion"), "now margin>=1"),
    "share": (lambda r: r["criterion"].update(aggregation="rate=0.1"), ("changed", "criterion"), "rate=0.1"),
    "pipeline": (lambda r: r["pipeline"].update(id="paper"), ("changed", "pipeline"), "paper"),
    "baseline": (lambda r: r["criterion"]["baseline"].update(metric=0.5), ("changed", "nominal"), "0.500"),
    "camera": (lambda r: r["cameras"][0].update(model="Two"), ("changed", "cameras"), "Planted Two"),
    "seed": (lambda r: r["method"].update(seed=8), ("note", "seed"), "was 7, now 8"),
    "torch": (lambda r: r["environment"].update(torch="9"), ("note", "torch"), "now 9"),
}  # fmt: skip


@pytest.mark.parametrize(("mutate", "expected", "told"), MUTATIONS.values(), ids=MUTATIONS.keys())
def test_every_difference_is_told(
    report: dict[str, Any], mutate: Mutation, expected: tuple[str, str], told: str
) -> None:
    other = copy.deepcopy(report)
    mutate(other)
    (found,) = changes(report, other)
    assert (found.kind, found.what) == expected and told in found.text


def test_what_vanished_one_way_appeared_the_other(report: dict[str, Any]) -> None:
    other = copy.deepcopy(report)
    other["results"]["axis"].pop(0)
    other["results"]["joint"] = None
    assert [each.kind for each in changes(report, other)] == ["vanished", "vanished"]
    assert [each.kind for each in changes(other, report)] == ["appeared", "appeared"]


def test_what_the_search_can_not_resolve_is_told_so(report: dict[str, Any]) -> None:
    other = copy.deepcopy(report)
    axis(other)["safe"] = [1.22, 2.1]
    within, beyond = changes(report, other)
    assert "less than the search resolves" in within.text and "resolves" not in beyond.text


def test_rounding_is_no_difference(report: dict[str, Any]) -> None:
    other = copy.deepcopy(report)
    axis(other)["safe"] = [1.25 + 1e-8, 2.0 - 1e-8]
    assert changes(report, other) == [] and list(differing(report, other)) == []
    axis(other)["safe"] = [1.25 + 1e-5, 2.0]
    assert len(changes(report, other)) == 1
    assert list(differing(report["results"], other["results"])) == [
        "results.axis[2].safe[0] (1.25 before, 1.25001 after)"
    ]


@pytest.mark.parametrize(
    ("name", "before", "after", "same"),
    [
        ("score", 0.5, 0.5005, True),
        ("score", 0.5, 0.503, False),
        ("score", 4e-4, -4e-4, False),
        ("score", 10_000, 10_009, False),
        ("rate", 0.0125, 0.0130, False),
        ("safe", 1.25, 1.2502, False),
        ("evaluations", 16, 24, True),
        ("finite_difference_error", 0.01, 0.02, True),
        ("finite_difference_error", 0.01, None, False),
        ("index", 5000, 5004, False),
    ],
)
def test_rounding_may_move_scores_and_slopes_alone(name: str, before: Any, after: Any, same: bool) -> None:
    places = list(differing({"axis": [{name: before}]}, {"axis": [{name: after}]}, "results", rounded=True))
    assert (places == []) == same
    assert list(differing({name: before}, {name: after}, "results")) != []


@pytest.mark.parametrize(
    ("one", "two", "places"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"b": 1}, ["x.a", "x.b"]),
        ([1, 2], [1], ["x (2 before, 1 after)"]),
        (True, 1, ["x"]),
        (None, 0, ["x"]),
        ("a", "b", ["x"]),
        ([{"a": [0, 1]}], [{"a": [0, 2]}], ["x[0].a[1] (1 before, 2 after)"]),
    ],
)
def test_places_that_differ(one: Any, two: Any, places: list[str]) -> None:
    assert list(differing(one, two, "x")) == places


# --- The commands ---


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(["report", *arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_diff(capsys: pytest.CaptureFixture[str], report: dict[str, Any], tmp_path: Path) -> None:
    other = copy.deepcopy(report)
    axis(other)["safe"] = [1.3, 2.1]
    other["method"]["seed"] = 8
    paths = [str(tmp_path / name) for name in ("a.json", "b.json")]
    for path, each in zip(paths, (report, other), strict=True):
        Path(path).write_bytes(readable(each))
    code, out, _ = ran(capsys, "diff", *paths)
    assert code == 1 and [line.split()[0] for line in out.splitlines()] == ["shrank", "grew", "note", "The"]
    assert ran(capsys, "diff", paths[0], paths[0])[:2] == (0, "The results are the same.\n")
    axis(other)["safe"] = axis(report)["safe"]
    Path(paths[1]).write_bytes(readable(other))
    code, out, _ = ran(capsys, "diff", *paths, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["equal"] is True and [each["kind"] for each in facts["changes"]] == ["note"]
    code, out, err = ran(capsys, "diff", paths[0], str(tmp_path / "none.json"))
    assert code == 2 and out == "" and "none.json" in err and err.count("\n") == 1


def test_show_writes_the_same_files_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write_report(tmp_path / "out", tolerance(), files=FILES, argv=ARGV)
    code, _, err = ran(capsys, "show", str(path), "-o", str(tmp_path / "again"))
    assert (code, err) == (0, "")
    for each in (path for path in (tmp_path / "out").rglob("*") if path.is_file()):
        assert (tmp_path / "again" / each.relative_to(tmp_path / "out")).read_bytes() == each.read_bytes()
    code, _, err = ran(capsys, "show", str(path), "-o", str(tmp_path / "no" / "such"))
    assert code == 2 and "make it first" in err
