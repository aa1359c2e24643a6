"""Tolerances to take elsewhere: as CSV, as JSON, and as the command that finds the same ones."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftlab.csv_file import csv_of
from driftlab.gui.case_command import case_words, model_words
from driftlab.gui.document import Document

if TYPE_CHECKING:
    from driftlab.analysis.tolerance.findings import Tolerance
    from driftlab.gui.tolerating import ToleranceQuestion

__all__ = ["as_command", "as_csv", "as_json", "csv_text"]

#: Where the command writes its report to.
FOLDER: Final = "tolerance-report"


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


def as_command(tolerance: Tolerance, question: ToleranceQuestion, document: Document, table: Path | None) -> str:
    """`driftlab tolerance …` for the same pictures; `table` is where their labels come from. Raises CommandError."""
    words = ["driftlab", "tolerance", *case_words(model_words(document), question.pictures, tolerance.cases, table)]
    words += ["--criterion", question.criterion]
    if question.over != "all":
        words += ["--over", question.over]
    return shlex.join([*words, "-o", FOLDER])


def csv_text(rows: list[dict[str, Any]]) -> str:
    """A table with its heads."""
    return csv_of([*rows[0]] if rows else [], ([*row.values()] for row in rows))
