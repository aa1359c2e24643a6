"""Writing a report: every file of it, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from driftlab.analysis.sensitivity.summary import Summary
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.atomic import whole_files
from driftlab.report.canonical import readable
from driftlab.report.content import content_of
from driftlab.report.html import html_of
from driftlab.report.pdf import pdf_of
from driftlab.report.purpose import Purpose, ReportError
from driftlab.report.tables import tables_of

__all__ = ["write_files", "write_report"]


def write_report(
    folder: Path,
    tolerance: Tolerance,
    *,
    files: Sequence[Path],
    argv: Sequence[str],
    purpose: Purpose | None = None,
    started: datetime | None = None,
    excluded: Sequence[tuple[str, str]] = (),
    sensitivity: Sequence[Summary] = (),
) -> Path:
    """Write report.json, report.html, report.pdf and tables/*.csv into `folder`; returns the path of the first.

    `folder` is made if need be. `files` are the files of the cases, in their order. `argv` is the command that made the
    tolerance, without the name of the program (`["tolerance", …]`). `started` is when the criterion was fixed and the
    search began; `excluded` are files that were left out, each with its reason; `sensitivity` is of the same pictures.
    All files appear together, or none does. Raises ReportError where they can't be written.
    """
    content = content_of(
        tolerance,
        files=files,
        argv=argv,
        purpose=purpose,
        started=started,
        excluded=excluded,
        sensitivity=sensitivity,
    )
    write_files(folder, content)
    return folder / "report.json"


def write_files(folder: Path, report: Mapping[str, Any]) -> None:
    """Write all files of a report, made from its JSON alone. Raises ReportError."""
    try:
        with whole_files(folder) as new:
            (new / "report.json").write_bytes(readable(report))
            (new / "report.html").write_bytes(html_of(report))
            (new / "report.pdf").write_bytes(pdf_of(report))
            (new / "tables").mkdir()
            for name, table in tables_of(report).items():
                (new / "tables" / name).write_bytes(table)
    except OSError as error:
        raise ReportError(f"The report can't be written to '{folder}': {error.strerror or error}.") from error
