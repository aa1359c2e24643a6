"""`driftlab replay R.json`: the search of a report once more, and whether its numbers come again."""

from __future__ import annotations

import argparse
import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driftlab.cli.options import OptionError, print_json


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Whether model and pictures are those of the report: a sentence on each, and what is no longer the same."""

    model: str
    data: str
    changed: tuple[str, ...]


def add(commands: Any) -> None:
    """Declare the command."""
    about = (
        "Repeat the search of a report, once model and pictures have been found to be the same, and say whether the "
        "numbers came again. Exit code 0: they did; 1: they did not, or a file has changed; 2: a file is missing."
    )
    parser = commands.add_parser("replay", help="do the numbers of a report come again", description=about)
    parser.add_argument("report", type=Path, metavar="R.json", help="what driftlab tolerance wrote")
    parser.add_argument("--model", metavar="M", help="where the model is now, if it has moved")
    parser.add_argument("--data", nargs="+", metavar="DATA", help="where the pictures are now, if they have moved")
    parser.add_argument("--trust", action="store_true", help="allow the model to run code, as the report's search did")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="keep the new report in this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the inputs, search again, compare and print."""
    from driftlab.report.read import is_as_written, read_report

    report = read_report(arguments.report)
    if not is_as_written(report):
        raise OptionError(
            f"'{arguments.report}' was changed since it was written, for its report_id does not fit, and nothing that "
            f"it says is run: take the report as it was written."
        )
    given = _arguments_of(arguments, report)
    output = arguments.output.absolute() if arguments.output else None
    if output and (not output.parent.is_dir() or (output.exists() and not output.is_dir())):
        raise OptionError(f"'{arguments.output}' can't be made a folder: give another with --output.")
    _check_paths(given, report)
    inputs = _inputs(given, report)
    if inputs.changed:
        return _told(arguments, report, inputs, None)
    with tempfile.TemporaryDirectory() as scratch:
        given.output = output or Path(scratch) / "again"
        with redirect_stdout(io.StringIO()):
            given.run(given)
        again = read_report(given.output / "report.json")
    return _told(arguments, report, inputs, again)


def _arguments_of(arguments: argparse.Namespace, report: dict[str, Any]) -> argparse.Namespace:
    """The arguments of the report's own command, read as the command line reads them."""
    from driftlab.cli import parser

    argv = report["replay"]["argv"]
    if argv[:1] != ["tolerance"]:
        raise OptionError(f"'{arguments.report}' was not made by `driftlab tolerance`, and can't be repeated.")
    given = parser().parse_args([*argv, "--output", "again"])
    if given.trust and not arguments.trust:
        raise OptionError("The report's model runs code of its own: give --trust if you trust the model that it names.")
    given.argv = argv
    given.model = arguments.model or given.model
    given.data = arguments.data or given.data
    given.json = False
    return given


def _check_paths(given: argparse.Namespace, report: dict[str, Any]) -> None:
    """Refuse what is not there, with the option that says where to look. Paths are those of the current folder.

    No report leads into another one: what lies there could be anybody's, and `volatile` is in no digest.
    """
    made = f"go to the folder that the report was made in ({report['volatile']['folder']!r})"
    for path in given.data:
        if not Path(path).exists():
            raise OptionError(f"The pictures '{path}' are not here: {made}, or give --data with where they are now.")
    if ("/" in given.model or "\\" in given.model) and not Path(given.model).exists():
        raise OptionError(f"The model '{given.model}' is not here: {made}, or give --model with where it is now.")


def _inputs(given: argparse.Namespace, report: dict[str, Any]) -> _Inputs:
    """Model and pictures against the digests in the report; nothing of the model is run."""
    from driftlab.model.sniff import Format
    from driftlab.model.source import find

    known = report["model"]
    alone = known["format"] in (Format.SAFETENSORS, Format.STATE_DICT) and Path(given.model).is_file()
    source = find(given.model, given.weights, known["architecture"] if alone else None)
    changed = []
    model = f"the model {source.name} is the same"
    if source.sha256 != known["sha256"]:
        model = f"the model {source.name} has changed: sha256 {source.sha256[:12]}…, it was {known['sha256'][:12]}…"
        changed.append(model)
    differences = list(_pictures(given, report))
    count = len(report["data"]["pictures"])
    data = f"all {count} pictures are the same" if not differences else "; ".join(differences)
    return _Inputs(model, data, (*changed, *differences))


def _pictures(given: argparse.Namespace, report: dict[str, Any]) -> Iterator[str]:
    """What is no longer as it was with the pictures."""
    from driftlab.data.entries import entries_of

    excluded = {each["file"] for each in report["data"]["excluded"]}
    known = Counter((each["name"], each["sha256"]) for each in report["data"]["pictures"])
    now = Counter[tuple[str, str]]()
    for entry in entries_of(given.data):
        with entry.path.open("rb") as file:
            picture = entry.path.name, hashlib.file_digest(file, "sha256").hexdigest()
        if entry.path.name not in excluded or now[picture] < known[picture]:  # in two folders one may be left out
            now[picture] += 1
    new = {name for name, _ in now - known}
    lost = {name for name, _ in known - now}
    yield from (f"the picture {name} has changed" for name in sorted(lost & new))
    yield from (f"the picture {name} is missing" for name in sorted(lost - new))
    yield from (f"the picture {name} is new" for name in sorted(new - lost))


def _told(arguments: argparse.Namespace, report: dict[str, Any], inputs: _Inputs, again: dict[str, Any] | None) -> int:
    """Print the outcome; the exit code."""
    from driftlab.report.canonical import digest_of
    from driftlab.report.compare import ROUNDED, SAME, changes, differing

    places: list[str] = []
    within: float | None = None
    if again is not None:
        before, after = report["results"], again["results"]
        if digest_of(before) == digest_of(after):
            within = 0.0
        elif not (places := list(differing(before, after))):
            within = SAME
        elif not list(differing(before, after, rounded=True)):
            within, places = ROUNDED, []
    came_again = within is not None
    if arguments.json:
        print_json(
            {
                "report_id": report["report_id"],
                "model": inputs.model,
                "data": inputs.data,
                "changed": list(inputs.changed),
                "repeated": again is not None,
                "again": came_again,
                "bit_identical": within == 0,
                "within": within,
                "differences": places,
            }
        )
        return int(not came_again)
    print(f"{inputs.model}\n{inputs.data}")
    if again is None:
        print("not repeated: with other inputs other numbers come; give --model or --data where the files have moved")
    elif came_again:
        said = {0.0: "bit for bit", ROUNDED: "but for rounding: scores and slopes within 0.001, all else within 1e-06"}
        print(f"the numbers came again, {said.get(within or 0.0, 'within 1e-06')}")
    else:
        print(f"the numbers did not come again: {len(places)} differ, the first is {places[0]}")
        print("\n".join(f"  {change.kind:9} {change.what:20} {change.text}" for change in changes(report, again)))
    return int(not came_again)
