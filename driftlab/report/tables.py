"""The tables of a report as CSV, for whoever computes on: plain numbers, a header, UTF-8."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from driftlab.csv_file import csv_of
from driftlab.report.canonical import number

__all__ = ["tables_of"]

Row = Sequence[str | float | bool | None]


def tables_of(report: Mapping[str, Any]) -> dict[str, bytes]:
    """File name -> content of every table; one that has no rows has its header all the same."""
    return {
        "axis.csv": _csv(
            ("param", "unit", "kind", "nominal", "searched_low", "searched_high", "safe_low", "safe_high", "open_low",
             "open_high", "status", "fails_low", "fails_high", "rate_low", "rate_low_ci95_low", "rate_low_ci95_high",
             "rate_high", "rate_high_ci95_low", "rate_high_ci95_high", "monotone", "gaps", "resolution", "evaluations",
             "not_jointly_valid"),
            _axes(report),
        ),
        "probes.csv": _csv(
            ("param", "unit", "position", "metric", "ci95_low", "ci95_high", "asked", "n", "least_score", "holds"),
            _probes(report),
        ),
        "joint.csv": _csv(
            ("param", "unit", "nominal", "searched_low", "searched_high", "safe_low", "safe_high", "status"),
            _joint(report),
        ),
        "nominal.csv": _csv(
            ("index", "file", "sha256", "truth", "self_label", "answer", "score", "holds", "light_ev"), _nominal(report)
        ),
        "counterexamples.csv": _csv(
            ("index", "picture", "name", "sha256", "from", "to", "score", "at", "command"), _examples(report)
        ),
    }  # fmt: skip


def _axes(report: Mapping[str, Any]) -> Iterator[Row]:
    for axis in report["results"]["axis"]:
        lower, upper = axis["lower"], axis["upper"]
        yield (
            axis["param"], axis["unit"], axis["kind"], axis["nominal"], *axis["searched"], *axis["safe"],
            *axis["open_ended"], axis["status"], lower["fails"], upper["fails"], lower["rate"],
            *(lower["ci95"] or (None, None)), upper["rate"], *(upper["ci95"] or (None, None)), axis["monotone"],
            "; ".join(f"{number(low)} to {number(high)}" for low, high in axis["gaps"]), axis["resolution"],
            axis["evaluations"], axis["not_jointly_valid"],
        )  # fmt: skip


def _probes(report: Mapping[str, Any]) -> Iterator[Row]:
    for axis in report["results"]["axis"]:
        for probe in axis["probes"]:
            yield (
                axis["param"], axis["unit"], probe["position"], probe["metric"], *(probe["ci95"] or (None, None)),
                probe["asked"], probe["n"], probe["least_score"], probe["holds"],
            )  # fmt: skip


def _joint(report: Mapping[str, Any]) -> Iterator[Row]:
    joint = report["results"]["joint"] or {"box": [], "status": ""}
    for side in joint["box"]:
        yield (side["param"], side["unit"], side["nominal"], *side["searched"], *side["safe"], joint["status"])


def _nominal(report: Mapping[str, Any]) -> Iterator[Row]:
    keys = ("index", "file", "sha256", "truth", "self_label", "answer", "score", "holds", "light_ev")
    for picture in report["data"]["pictures"]:
        yield [picture[key] for key in keys]


def _examples(report: Mapping[str, Any]) -> Iterator[Row]:
    for each in report["counterexamples"]:
        at = json.dumps({place["param"]: place["value"] for place in each["at"]})
        keys = ("index", "picture", "name", "sha256", "from", "to", "score")
        yield [*(each[key] for key in keys), at, each["command"]]


def _csv(head: Sequence[str], rows: Iterable[Row]) -> bytes:
    return csv_of(head, ([_cell(value) for value in row] for row in rows)).encode("utf-8", "backslashreplace")


class _Number(str):
    """A number as JSON has it: no text, though it may begin with a minus."""


def _cell(value: str | float | bool | None) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return _Number(number(value)) if isinstance(value, int | float) else value
