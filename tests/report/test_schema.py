"""The schema takes every report that is written and refuses what is not one, by a validator that is not ours."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import driftlab
from driftlab.report.content import content_of
from driftlab.report.purpose import ReportError
from driftlab.report.read import is_as_written, read_report
from driftlab.report.write import write_report
from tests.report.planted import ARGV, FILES, tolerance

SCHEMA = json.loads(driftlab.resource("schema/tolerance-1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    content = content_of(tolerance(), files=FILES, argv=ARGV)
    return json.loads(json.dumps(content, allow_nan=False))  # type: ignore[no-any-return]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "changes",
    [{}, {"joint": None, "complete": False, "budget": 500}, {"axes": ()}],
    ids=["whole", "no joint", "no axes"],
)
def test_every_report_fits(changes: dict[str, Any]) -> None:
    content = content_of(tolerance(**changes), files=FILES, argv=ARGV)
    assert [error.message for error in VALIDATOR.iter_errors(content)] == []


def test_a_proof_and_what_was_never_seen_fit() -> None:
    joint = tolerance().joint
    assert joint is not None
    proven = replace(joint, status="proven", lower_bound=0.1, upper_bound=0.2, lipschitz=(1.0, 2.0), worst=float("inf"))
    content = content_of(tolerance(joint=proven), files=FILES, argv=ARGV)
    assert content["results"]["joint"]["worst_case"]["score"] is None
    assert content["method"]["class"] == ["gradient-guided", "branch-and-bound"]
    assert VALIDATOR.is_valid(content)


def everything(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every object in a value; of a list, of its first item alone."""
    if isinstance(value, dict):
        return [path, *(each for key, inner in value.items() for each in everything(inner, (*path, key)))]
    return everything(value[0], (*path, 0)) if isinstance(value, list) and value else []


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def first_of_each(value: Any) -> Any:
    """A value whose lists of objects have one each, which is enough to try every field once."""
    if isinstance(value, dict):
        return {key: first_of_each(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [first_of_each(max(value, key=lambda each: len(json.dumps(each))))]
    return value


def test_no_field_may_be_missing_or_unknown_anywhere(report: dict[str, Any]) -> None:
    small = first_of_each(report)
    assert VALIDATOR.is_valid(small)
    places = everything(small)
    assert len(places) > 40
    optional = {"position", "value"}  # of a failure on one axis
    for place in places:
        there = at(small, place)
        for key, value in [*there.items()]:
            del there[key]
            in_failure = {"first_failure", "failure", "counterexample"} & {*place} and key in optional
            if not in_failure or "at" in place:
                assert not VALIDATOR.is_valid(small), (place, key)
            there[key] = value
        there["surprise"] = 1
        assert not VALIDATOR.is_valid(small), place
        del there["surprise"]


MUTATIONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "status": lambda r: r["results"]["axis"][0].update(status="fine"),
    "range of one": lambda r: r["results"]["axis"][0].update(safe=[1.0]),
    "range of three": lambda r: r["results"]["axis"][0].update(safe=[1.0, 2.0, 3.0]),
    "text for number": lambda r: r["results"]["axis"][0].update(nominal="0"),
    "jointly valid": lambda r: r["results"]["axis"][0].update(not_jointly_valid=False),
    "sha": lambda r: r["model"].update(sha256="abc"),
    "schema": lambda r: r.update(schema="driftlab.tolerance/2"),
    "time": lambda r: r["volatile"].update(created_utc="yesterday"),
    "guess on missing": lambda r: r["runtime_guard"].update(on_missing="in"),
    "no cameras": lambda r: r.update(cameras=[]),
    "negative count": lambda r: r["results"]["axis"][0].update(evaluations=-1),
    "criterion": lambda r: r["criterion"].update(fixed_before_search=False),
    "id": lambda r: r.update(report_id="1"),
}


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_a_mutated_report_does_not_fit(report: dict[str, Any], tmp_path: Path, mutate: Callable[[Any], None]) -> None:
    mutated = copy.deepcopy(report)
    mutate(mutated)
    assert not VALIDATOR.is_valid(mutated)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(mutated))
    with pytest.raises(ReportError, match="is no report of tolerances"):
        read_report(path)


def test_a_report_reads_back_and_tells_when_it_was_changed(tmp_path: Path) -> None:
    path = write_report(tmp_path / "out", tolerance(), files=FILES, argv=ARGV)
    report = read_report(str(path))
    assert is_as_written(report)
    report["volatile"]["folder"] = "elsewhere"
    assert is_as_written(report)
    report["results"]["axis"][0]["safe"] = [-0.5, 0.5]
    assert not is_as_written(report)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": 3}', "[" * 100_000])
def test_what_is_no_report_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(ReportError, match="is no report"):
        read_report(path)
    with pytest.raises(ReportError, match="No such file"):
        read_report(tmp_path / "none.json")
