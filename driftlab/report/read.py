"""Reading a report that somebody hands in: whole and of the right form, or refused with a reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from driftlab import resource
from driftlab.json_file import read_json
from driftlab.report.canonical import report_id_of
from driftlab.report.purpose import ReportError

__all__ = ["is_as_written", "read_report"]


def read_report(path: str | Path) -> dict[str, Any]:
    """The report in a file, which fits the schema. Raises ReportError."""
    try:
        report = read_json(Path(path))
    except OSError as error:
        raise ReportError(f"'{path}' can't be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ReportError(f"'{path}' is no report: {error}.") from error
    named = report.get("schema") if isinstance(report, dict) else None
    if named != "driftlab.tolerance/1":
        said = f"its schema is '{str(named)[:40]}'" if named else "it names no schema"
        raise ReportError(f"'{path}' is no report of tolerances: {said}, where driftlab.tolerance/1 is read.")
    problem = _problem(report)
    if problem:
        raise ReportError(f"'{path}' is no report of tolerances: {problem}. Write it anew with `driftlab tolerance`.")
    return dict(report)


def is_as_written(report: dict[str, Any]) -> bool:
    """Whether nobody changed it since: its report_id still is the digest of its content."""
    try:
        return bool(report_id_of(report) == report["report_id"])
    except ValueError:
        return False


def _problem(report: Any) -> str | None:
    """What does not fit the schema, in a few words."""
    import jsonschema  # some 50 ms to import

    worst = jsonschema.exceptions.best_match(_validator().iter_errors(report))
    if worst is None:
        return None
    return f"{worst.json_path.removeprefix('$.')}: {worst.message[:120]}"


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(read_json(resource("schema/tolerance-1.schema.json")))
