"""`driftlab report diff A.json B.json` and `driftlab report show R.json`: two reports compared, one shown anew."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from driftlab.cli.options import OptionError, print_json


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("report", help="compare or show reports", description="Compare reports, or show one.")
    ways = parser.add_subparsers(title="what to do", metavar="WHAT", required=True, parser_class=type(parser))
    about = (
        "What grew, shrank, appeared, vanished or changed its status from one report to another. Exit code 0: the "
        "results are the same; 1: they differ."
    )
    diff = ways.add_parser("diff", help="what grew and shrank between two reports", description=about)
    diff.add_argument("before", type=Path, metavar="A.json")
    diff.add_argument("after", type=Path, metavar="B.json")
    diff.add_argument("--json", action="store_true", help="print one JSON object")
    diff.set_defaults(run=run_diff)
    about = "Write HTML, PDF and tables of a report anew, from its JSON alone."
    show = ways.add_parser("show", help="HTML, PDF and tables from the JSON alone", description=about)
    show.add_argument("report", type=Path, metavar="R.json")
    show.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the files")
    show.set_defaults(run=run_show)


def run_diff(arguments: argparse.Namespace) -> int:
    """Print what tells two reports apart."""
    from driftlab.report.compare import changes
    from driftlab.report.read import read_report

    before, after = read_report(arguments.before), read_report(arguments.after)
    found = changes(before, after)
    different = any(change.kind != "note" for change in found)
    if arguments.json:
        ids = [before["report_id"], after["report_id"]]
        print_json({"reports": ids, "equal": not different, "changes": [asdict(change) for change in found]})
        return int(different)
    for change in found:
        print(f"{change.kind:9} {change.what:20} {change.text}")
    print("The results differ." if different else "The results are the same.")
    return int(different)


def run_show(arguments: argparse.Namespace) -> int:
    """Write the files of a report anew."""
    from driftlab.report.read import is_as_written, read_report
    from driftlab.report.write import write_files

    report = read_report(arguments.report)
    if not is_as_written(report):
        print(f"'{arguments.report}' was changed since it was written: its report_id does not fit.", file=sys.stderr)
    if not arguments.output.absolute().parent.is_dir():
        raise OptionError(
            f"There is no folder '{arguments.output.parent}' for '{arguments.output.name}': make it first."
        )
    write_files(arguments.output, report)
    print(f"report in {arguments.output}")
    return 0
