"""`driftlab tolerance DATA… --model M --criterion C -o DIR`: how far the camera may drift before the model fails."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftlab.cli.data import add_data, data_of
from driftlab.cli.options import OptionError, add_model, add_settings, model_of, print_json, progress

if TYPE_CHECKING:
    from driftlab.analysis.axes import Axis
    from driftlab.analysis.criterion import Criterion
    from driftlab.analysis.sensitivity.summary import Summary
    from driftlab.analysis.tolerance.findings import AxisFinding, End, Failure, JointFinding, Tolerance
    from driftlab.data.dataset import Dataset
    from driftlab.model.task_model import TaskModel

#: In the output folder while the search runs: what it has found, for the same command to go on from.
JOURNAL: Final = ".trials.jsonl"
#: Pairs of parameters that are named; the report has all.
SHOWN: Final = 5


def add(commands: Any) -> None:
    """Declare the command."""
    about = (
        "Search how far every parameter may drift from its nominal value before a criterion fails, and with --joint "
        "how far all of them may together. A search that was interrupted goes on when the same command is given again."
    )
    parser = commands.add_parser("tolerance", help="how far the camera may drift", description=about)
    add_data(parser)
    add_model(parser)
    add_settings(parser)
    add_criterion(parser)
    add_search(parser)
    parser.add_argument("--joint", action="store_true", help="also the box in which all parameters may drift together")
    parser.add_argument("--purpose", type=Path, metavar="FILE", help="a JSON file on what the model is for (report)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the report")
    parser.add_argument("--json", action="store_true", help="print the results of the report as one JSON object")
    parser.set_defaults(run=run)


def add_criterion(parser: argparse.ArgumentParser) -> None:
    """What must hold, and of how many pictures."""
    group = parser.add_argument_group("criterion")
    what = (
        '"prediction-unchanged" (the default), "margin>=0.5", "accuracy>=0.9" (of a segmentation: IoU) or "drop<=0.02"'
    )
    group.add_argument("--criterion", metavar="C", default="prediction-unchanged", help=what)
    which = "of which pictures it must hold: all (the default), quantile=Q of them, or all but rate=P of them"
    group.add_argument("--over", metavar="SHARE", default="all", help=which)


def add_search(parser: argparse.ArgumentParser) -> None:
    """What is searched, and how long."""
    group = parser.add_argument_group("search")
    what = "a parameter, and the range to search it in; may be given again (all active ones, in their usual ranges)"
    group.add_argument("--param", action="append", default=[], metavar="KEY[=LO:HI]", help=what)
    group.add_argument("--budget", type=whole, metavar="N", help="the most trials: pictures shown to the model")
    group.add_argument(
        "--resolution", type=float, metavar="R", help="of the ends, a share of each range (1/64: 0.015625)"
    )
    group.add_argument("--seed", type=whole, default=0, metavar="S", help="of all that is drawn by chance (0)")


def whole(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Search, print and write the report."""
    from driftlab.analysis.axes import axes_of, parse_ranges
    from driftlab.analysis.criterion import parse_criterion
    from driftlab.report.purpose import read_purpose
    from driftlab.report.write import write_report

    started = datetime.now(UTC)
    criterion = parse_criterion(arguments.criterion, arguments.over)
    ranges = parse_ranges(arguments.param) or None
    purpose = read_purpose(arguments.purpose) if arguments.purpose else None
    _check_folder(arguments.output)
    model = model_of(arguments)
    data = data_of(arguments, model, accuracy=criterion.takes_accuracy)
    axes = axes_of([case.settings for case in data.cases], ranges)
    tolerance = _searched(arguments, data, model, axes, criterion)
    if not arguments.json:
        print("\n".join(lines_of(tolerance, data)), flush=True)
    path = write_report(
        arguments.output,
        tolerance,
        files=data.files,
        argv=arguments.argv,
        purpose=purpose,
        started=started,
        excluded=data.excluded,
        sensitivity=_sensitivity(data, model),
    )
    (arguments.output / JOURNAL).unlink(missing_ok=True)
    if arguments.json:
        from driftlab.json_file import read_json

        print_json({"report": str(path), "results": read_json(path)["results"]})
    else:
        print(f"report in {arguments.output}")
    return 0


def _check_folder(folder: Path) -> None:
    """Refuse an output that no report can be written to, before anything is computed."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"'{folder}' is a file: give a folder for the report.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"There is no folder '{folder.parent}' for '{folder.name}': make it first.")


def _searched(
    arguments: argparse.Namespace, data: Dataset, model: TaskModel, axes: list[Axis], criterion: Criterion
) -> Tolerance:
    """The complete result; what is found on the way is kept for the next time until the report is written."""
    from driftlab.analysis.tolerance.findings import Tolerance
    from driftlab.analysis.tolerance.intervals import RESOLUTION
    from driftlab.analysis.tolerance.tolerances import question_digest, tolerances
    from driftlab.journal import Journal

    journal = Journal(arguments.output / JOURNAL, question_digest(data.cases, model, criterion))
    if journal.recalled:
        print(f"Going on from {journal.recalled} trials that were made before.", file=sys.stderr)
    found: Tolerance | None = None
    share = 0.0

    def done(item: object, _: int) -> float:
        nonlocal share
        share = item.share if not isinstance(item, Tolerance) else share  # type: ignore[attr-defined]
        return share

    try:
        steps = tolerances(
            data.cases,
            model,
            axes,
            criterion,
            joint=arguments.joint,
            budget=arguments.budget,
            seed=arguments.seed,
            known=journal,
            resolution=RESOLUTION if arguments.resolution is None else arguments.resolution,
        )
        for item in progress(steps, "searching", done):
            found = item if isinstance(item, Tolerance) else found
    finally:
        journal.close()
    assert found is not None
    return found


def _sensitivity(data: Dataset, model: TaskModel) -> tuple[Summary, ...]:
    """What the answers hang on at nominal, of all pictures; those of the first few held against finite differences."""
    from driftlab.analysis.sensitivity.summary import case_tables, summarized

    done = 0

    def share(table: object, _: int) -> float:
        nonlocal done
        done += table is not None
        return done / len(data.cases)

    steps = progress(case_tables(data.cases, model), "sensitivity", share)
    return summarized([table for table in steps if table is not None])


def lines_of(tolerance: Tolerance, data: Dataset) -> Iterator[str]:
    """The result as a table."""
    from driftlab.report.words import count_of

    metric = tolerance.metric
    holding, pictures = sum(each.holds for each in tolerance.nominals), count_of(metric.count, "picture")
    reached = f"{holding} of {pictures} {'holds' if metric.count == 1 else 'hold'} nominally"
    if tolerance.model.task == "segmentation":
        reached = f"{pictures}, nominal mean IoU {metric.metric:.3g}"
    yield (
        f"{tolerance.criterion} over {tolerance.criterion.aggregation}: {reached}; each parameter by itself, "
        f"not jointly valid"
    )
    yield (
        f"  {'parameter':20} {'unit':9} {'nominal':>9} {'searched':>19} {'safe':>19}  {'status':17} {'trials':>6}  "
        f"first failure"
    ).rstrip()
    for finding in tolerance.axes:
        yield _line(finding, data)
    if tolerance.joint is not None:
        yield from _joint_lines(tolerance.joint, data)
    yield f"{tolerance.evaluations} trials"


def _line(finding: AxisFinding, data: Dataset) -> str:
    axis, failure = finding.axis, finding.first_failure
    first = ""
    if failure is not None:
        first = f"{failure.positions[0]:.4g}: {data.files[failure.case].name}{_flip(failure)}"
    if finding.gaps:
        first += "; holds again in " + ", ".join(f"{low:.4g} to {high:.4g}" for low, high in finding.gaps)
    searched = f"{axis.low:.4g} to {axis.high:.4g}"
    safe = f"{_mark('≤', finding.lower)}{finding.safe[0]:.4g} to {_mark('≥', finding.upper)}{finding.safe[1]:.4g}"
    return (
        f"  {axis.key:20} {axis.unit or '–':9} {axis.nominal:9.4g} {searched:>19} {safe:>19}  {finding.status:17} "
        f"{finding.evaluations:6}  {first}"
    ).rstrip()


def _flip(failure: Failure) -> str:
    """From which class to which, where there is a flip."""
    return f", {failure.before} to {failure.after}" if failure.before != failure.after else ""


def _mark(sign: str, end: End) -> str:
    """An open end is said as at least the searched range."""
    return sign if end.open else ""


def _joint_lines(joint: JointFinding, data: Dataset) -> Iterator[str]:
    yield f"all together: {joint.status}, {joint.scale:.3g} of the intervals, a box of"
    for axis, (low, high) in zip(joint.axes, joint.box, strict=True):
        yield f"  {axis.key:20} {axis.unit or '–':9} {axis.nominal:9.4g} {low:9.4g} to {high:.4g}"
    if joint.trials:
        sure = f"with 95 % confidence fewer than {joint.bound:.2%} of it fail"
        yield f"  {joint.trials} points drawn from the box at random held: {sure}"
    if joint.lower_bound is not None:
        yield f"  worst score in the box: {joint.lower_bound:.3g} to {joint.upper_bound:.3g}, {joint.lipschitz_source}"
    yield f"  ball without a failure: radius {joint.ball:.3g} in shares of the searched ranges"
    for first, second, scale in joint.interactions[:SHOWN]:
        yield f"  {first} and {second} together: {scale:.3g} of their intervals"
    if (failure := joint.counterexample) is not None:
        yield f"  nearest failure: {data.files[failure.case].name}{_flip(failure)}"
