"""`driftlab check PATH… --report R.json`: are new camera files within the tolerances of a report?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftlab.cli.options import OptionError, add_descriptions, frame_of, print_json, progress
from driftlab.errors import DriftlabError

if TYPE_CHECKING:
    from driftlab.report.judge import Judgement

#: Exit codes: all in, something out, a file that can't be used, nothing out but something unknown.
CODES: Final = {"in": 0, "out": 1, "unknown": 3}


def add(commands: Any) -> None:
    """Declare the command."""
    about = (
        "Judge camera files by what they say of themselves and by their pixels against the tolerances of a report: in, "
        "out or unknown, parameter by parameter. Exit code 0 all in, 1 something out, 3 nothing out but something "
        "unknown, 2 a file that can't be used."
    )
    parser = commands.add_parser("check", help="are camera files within a report's tolerances", description=about)
    parser.add_argument("paths", metavar="PATH", nargs="+", help="camera files, folders, or a table labels.csv")
    parser.add_argument("--report", type=Path, required=True, metavar="R.json", help="what driftlab tolerance wrote")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="a value that was measured of the camera, or is set otherwise than nominal; may be given again",
    )  # fmt: skip
    add_descriptions(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line and file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge every file and print."""
    from driftlab.data.entries import entries_of
    from driftlab.report.judge import judge, overall
    from driftlab.report.read import is_as_written, read_report

    report = read_report(arguments.report)
    given = _given(arguments.set)
    untouched = is_as_written(report)
    if not untouched:
        print(f"'{arguments.report}' was changed since it was written: its report_id does not fit.", file=sys.stderr)
    entries, verdicts, code = entries_of(arguments.paths), set[str](), 0
    for entry in progress(entries, "checking", lambda _, done: done / len(entries)):
        path = str(entry.path)
        try:
            frame = frame_of(arguments, path)
            found = judge(frame, report, given)
        except DriftlabError as error:
            named = path in str(error) or entry.path.name in str(error)
            print(error if named else f"{path}: {error}", file=sys.stderr)
            code = 2
            continue
        verdict = overall(found)
        verdicts.add(verdict)
        if arguments.json:
            told = {"report_id": report["report_id"], "report_as_written": untouched, "remarks": list(frame.remarks)}
            facts = [asdict(each) for each in found]
            print_json({"file": path, "sha256": frame.sha256, "verdict": verdict, "parameters": facts, **told})
        else:
            print("\n".join([f"{path}: {verdict}", *map(_line, found)]), flush=True)
    return code or CODES["out" if "out" in verdicts else "unknown" if "unknown" in verdicts else "in"]


def _given(texts: list[str]) -> Mapping[str, float]:
    """`KEY=VALUE` texts as numbers by their keys."""
    given: dict[str, float] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        try:
            given[key] = float(value)
        except ValueError:
            equals = ""
        if not equals or not -1e300 < given[key] < 1e300:
            raise OptionError(f"'{text}' gives no value: write it as KEY=NUMBER, for example optics.blur=0.4.")
    return given


def _line(found: Judgement) -> str:
    from driftlab.report.words import rounded, with_unit

    value = rounded(found.value) if isinstance(found.value, float) else str(found.value or "–")
    return f"  {found.param:20} {found.verdict:8} {with_unit(value, found.unit):>18}  {found.reason} ({found.source})"
