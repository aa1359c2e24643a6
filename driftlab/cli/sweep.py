"""`driftlab sweep DATA… --model M --param KEY=LO:HI`: answers along one parameter, or over two."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftlab.cli.data import add_data, data_of
from driftlab.cli.options import add_model, add_settings, check_output, model_of, print_json, progress

if TYPE_CHECKING:
    from driftlab.analysis.axes import Axis
    from driftlab.analysis.sweep import Curve, Map

WIDTH = 24


def add(commands: Any) -> None:
    """Declare the command."""
    about = (
        "What becomes of the answers along one parameter (a curve: the share of pictures that hold, with its 95 %% "
        "interval, and their margins) or over two (a map of the margin). The other settings stay as they are."
    )
    parser = commands.add_parser("sweep", help="answers along one parameter, or over two", description=about)
    add_data(parser)
    add_model(parser)
    add_settings(parser)
    parser.add_argument(
        "--param", action="append", required=True, metavar="KEY[=LO:HI]",
        help="what to sweep, over its usual range unless given; twice for a map. Where the frames differ in their "
        "nominal value, LO and HI are factors of it, or offsets from it",
    )  # fmt: skip
    parser.add_argument("--points", type=int, default=33, metavar="N", help="places along each parameter (33)")
    parser.add_argument(
        "--criterion", default="prediction-unchanged", metavar="C",
        help='what holds: prediction-unchanged (the default), "margin>=0.5", "accuracy>=0.9" or "drop<=0.02"',
    )  # fmt: skip
    parser.add_argument("--over", default="all", metavar="O", help="of how many pictures: all, quantile=Q or rate=P")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.csv", help="write the table as CSV")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sweep, print and write."""
    from driftlab.analysis.axes import parse_ranges
    from driftlab.analysis.criterion import parse_criterion
    from driftlab.analysis.sweep import sweep
    from driftlab.analysis.sweep_rows import facts_of, rows_of

    axes = parse_ranges(arguments.param)
    criterion = parse_criterion(arguments.criterion, arguments.over)
    if arguments.output:
        check_output(arguments.output, arguments.data)
    model = model_of(arguments)
    data = data_of(arguments, model, accuracy=criterion.takes_accuracy)
    cases = data.cases
    share = 0.0

    def done(item: Curve | Map | None, _: int) -> float:
        nonlocal share
        share = item.share if item else share
        return share

    steps = progress(sweep(cases, model, axes, criterion, points=arguments.points), "sweep", done)
    found = [item for item in steps if item is not None][-1]
    if arguments.output:
        _write(arguments.output, rows_of(found))
    if not arguments.json:
        print("\n".join(_lines(found, len(cases))))
        return 0
    print_json(
        {
            **facts_of(found),
            "criterion": str(criterion),
            "over": criterion.aggregation,
            "labels": list(model.labels),
            "evaluations": found.evaluations,
            "files": list(map(str, data.files)),
            "crop": arguments.crop,
            "settings": [dict(case.settings) for case in cases],
            "pipeline": cases[0].settings.pipeline.name,
            "model": arguments.model,
            "model_format": str(model.source.format),
            "model_sha256": model.sha256,
            "model_ran_code": model.ran_code,
            "raw_sha256": [case.frame.sha256 for case in cases],
        }
    )
    return 0


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    from driftlab.atomic import whole_file
    from driftlab.csv_file import csv_of

    with whole_file(path) as part:
        part.write_bytes(csv_of([*rows[0]], (row.values() for row in rows)).encode("utf-8", "backslashreplace"))


def _lines(found: Curve | Map, pictures: int) -> Iterator[str]:
    """The table, with bars of the margin; of a map the rows of cells, + where they hold and · where not."""
    from driftlab.analysis.sweep import Curve

    holds = f"{found.criterion}" + (f", over {found.criterion.aggregation}" if pictures > 1 else "")
    if isinstance(found, Curve):
        yield f"{_span(found.axis)}; {holds}"
        yield from _curve_lines(found)
        return
    yield f"{_span(found.across)}, from left to right; {_span(found.up)}, from the bottom up; {holds}"
    signs = {False: "·", True: "+"}
    for row in reversed(range(len(found.up_at))):
        cells = ("" if found.level is None else signs[bool(score >= found.level)] for score in found.scores[row])
        low, high = float(found.scores[row].min()), float(found.scores[row].max())
        yield f"  {found.up_at[row]:9.4g}  {''.join(cells)}  {low:+.3g} to {high:+.3g}"


def _curve_lines(found: Curve) -> Iterator[str]:
    from driftlab.analysis.sweep_rows import rows_of

    rows = rows_of(found)
    score, sign = ("margin", "+") if "margin" in rows[0] else ("iou", "")
    several = len(found.points[0].scores) > 1
    largest = max(abs(row[score]) for row in rows) or 1.0
    yield f"  {found.axis.unit or 'value':>9} {'metric':>8} {'95 % interval':>17} {score:>9}  {'':{WIDTH}} answer"
    for row in rows:
        share = (
            f"{row['metric']:8.1%} {row['low']:8.1%}–{row['high']:<8.1%}" if several else f"{row['metric']:8.1%}{'':18}"
        )
        bar = "█" * round(abs(row[score]) / largest * WIDTH) if row[score] > 0 else ""
        mark = " nominal" if row[found.axis.key] == found.axis.nominal else ""
        number = f"{row[score]:{sign}9.3g}"
        yield f"  {row[found.axis.key]:9.4g} {share} {number}  {bar:{WIDTH}} {row['answers']}{mark}".rstrip()


def _span(axis: Axis) -> str:
    unit = f" {axis.unit}" if axis.unit else ""
    return f"{axis.key} from {axis.low:g} to {axis.high:g}{unit}, nominally {axis.nominal:g}"
