"""Tolerances to take elsewhere: as CSV, as JSON, and as the command that finds the same ones."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftlab.errors import DriftlabError

if TYPE_CHECKING:
    from driftlab.analysis.findings import Tolerance
    from driftlab.gui.tolerating import ToleranceQuestion
    from driftlab.isp.settings import Settings
    from driftlab.isp.stage import Value
    from driftlab.raw.frame import RawFrame

__all__ = ["CopyError", "as_command", "as_csv", "as_json", "csv_text"]

#: Where the command writes its report to.
FOLDER: Final = "tolerance-report"


class CopyError(DriftlabError):
    """What can't be told by one command; the message is one sentence that says why."""


def as_csv(tolerance: Tolerance) -> str:
    """One row a parameter."""
    rows = []
    for finding in tolerance.axes:
        axis, failure = finding.axis, finding.first_failure
        rows.append(
            {
                "param": axis.key,
                "unit": axis.unit,
                "nominal": axis.nominal,
                "searched_low": axis.low,
                "searched_high": axis.high,
                "safe_low": finding.safe[0],
                "safe_high": finding.safe[1],
                "status": finding.status,
                "first_failure": failure.positions[0] if failure else "",
                "picture": tolerance.cases[failure.case].frame.name if failure else "",
                "from": failure.before if failure else "",
                "to": failure.after if failure else "",
                "evaluations": finding.evaluations,
            }
        )
    return csv_text(rows)


def as_json(tolerance: Tolerance, question: ToleranceQuestion) -> str:
    """The entries that `results.axis` of a report has."""
    from driftlab.report.results import Evidence, axis_of

    evidence = Evidence(tolerance, [each.path for each in question.pictures], [])
    facts = {
        "criterion": str(tolerance.criterion),
        "over": tolerance.criterion.aggregation,
        "results": {"axis": [axis_of(finding, evidence) for finding in tolerance.axes]},
    }
    return json.dumps(facts, indent=2, allow_nan=False)


def as_command(tolerance: Tolerance, question: ToleranceQuestion, model: str, table: Path | None) -> str:
    """`driftlab tolerance …` for the same pictures; `table` is where their labels come from.

    Raises CopyError where the pictures differ in what the command takes for all of them.
    """
    words = ["driftlab", "tolerance", *_data(question, table), "--model", model]
    if tolerance.model.ran_code:
        words.append("--trust")
    described = {tuple(each.description.words()) if each.description else () for each in question.pictures}
    regions = {case.region for case in tolerance.cases}
    changes = [_changes(case.frame, case.settings) for case in tolerance.cases]
    if len(described) > 1 or len(regions) > 1 or any(each != changes[0] for each in changes):
        raise CopyError(
            "No one command gives these tolerances: the frames have settings, regions or descriptions of their own. "
            "Export the report here."
        )
    words += described.pop()
    if region := regions.pop():
        words += ["--crop", f"{region.left},{region.top},{region.width},{region.height}"]
    pipeline = tolerance.cases[0].settings.pipeline.name
    if pipeline != "camera":
        words += ["--pipeline", pipeline]
    for key, value in changes[0].items():
        words += ["--set", f"{key}={_text(value)}"]
    words += ["--criterion", question.criterion]
    if question.over != "all":
        words += ["--over", question.over]
    if tolerance.budget is not None:
        words += ["--budget", str(tolerance.budget)]
    if tolerance.seed:
        words += ["--seed", str(tolerance.seed)]
    return shlex.join([*words, "-o", FOLDER])


def csv_text(rows: list[dict[str, Any]]) -> str:
    """A table with its heads."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0] if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _data(question: ToleranceQuestion, table: Path | None) -> list[str]:
    from driftlab.data.entries import entries_of

    paths = [each.path.absolute() for each in question.pictures]
    if not any(each.truth for each in question.pictures):
        return [str(path) for path in paths]
    if table is not None and {entry.path.absolute() for entry in entries_of([table])} == {*paths}:
        return [str(table)]
    raise CopyError("No one command gives these tolerances: the table of labels is of other frames than the list.")


def _changes(frame: RawFrame, settings: Settings) -> dict[str, Value]:
    shot = settings.pipeline.settings(frame)
    return {key: value for key, value in settings.items() if value != shot[key]}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value) if isinstance(value, float) else value
