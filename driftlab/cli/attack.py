"""`driftlab attack DATA… --model M -o DIR`: what breaks the model first, and how little of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.cli.data import add_data, data_of
from driftlab.cli.options import OptionError, add_model, add_settings, model_of, print_json, progress

if TYPE_CHECKING:
    from driftlab.analysis.forensics.breakage import Forensics, ParameterFinding, Rank
    from driftlab.data.dataset import Dataset

#: Parameters of a vector of settings that a line has room for, those that travel farthest.
TOLD = 4


def add(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Declare the command."""
    about = (
        "Search for the drift that breaks a model: for every group of parameters the settings that raise its loss "
        "most while the pictures stay near the nominal ones, the nearest that break it, and each parameter alone."
    )
    parser = commands.add_parser("attack", help="what breaks the model first", description=about)
    add_data(parser)
    add_model(parser)
    add_settings(parser)
    group = parser.add_argument_group("search")
    group.add_argument(
        "--group", action="append", metavar="G",
        help="a stage, all, or one parameter; may be given again (every stage, and all)",
    )  # fmt: skip
    group.add_argument(
        "--param", action="append", default=[], metavar="KEY[=LO:HI]",
        help="a parameter, and the range to move it in; may be given again (all active ones, in their usual ranges)",
    )  # fmt: skip
    what = "how far a picture is from the nominal one: l2 (root mean square), ssim (1 − SSIM) or de2000 (color)"
    group.add_argument("--distance", choices=("l2", "ssim", "de2000"), default="l2", help=what)
    group.add_argument(
        "--lambda", dest="lambdas", type=_weights, metavar="W[,W…]",
        help="weights of the distance against the loss (1e5 to 10, two a decade)",
    )  # fmt: skip
    group.add_argument(
        "--break-at", type=float, default=0.9, metavar="F",
        help="the model counts as broken at this fraction of its nominal accuracy or IoU (0.9)",
    )  # fmt: skip
    group.add_argument("--restarts", type=int, default=1, metavar="N", help="searches from elsewhere, a weight (1)")
    group.add_argument("--budget", type=int, metavar="N", help="the most trials: pictures shown to the model")
    group.add_argument("--seed", type=int, default=0, metavar="S", help="of all that is drawn by chance (0)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for what was found")
    parser.add_argument("--json", action="store_true", help="print what forensics.json holds of the results")
    parser.set_defaults(run=run)


def _weights(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number, nor several with commas between") from None


def run(arguments: argparse.Namespace) -> int:
    """Search, print and write."""
    from driftlab.analysis.axes import parse_ranges
    from driftlab.cli.attack_files import results_of, write_attack

    ranges = parse_ranges(arguments.param) or None
    _check(arguments)
    model = model_of(arguments)
    data = data_of(arguments, model)
    found = _searched(arguments, data, model, ranges)
    if not arguments.json:
        print("\n".join(lines_of(found, data)), flush=True)
    write_attack(arguments.output, found, data, arguments.argv)
    if arguments.json:
        print_json(results_of(found, data))
    else:
        print(f"forensics.json, pictures and tables in {arguments.output}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what can't be, before anything is computed."""
    folder = arguments.output
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"'{folder}' is a file: give a folder for what is found.")
    if not folder.absolute().parent.is_dir():
        raise OptionError(f"There is no folder '{folder.parent}' for '{folder.name}': make it first.")
    if arguments.seed < 0:
        raise OptionError(f"There is no seed {arguments.seed}: give 0 or more.")
    if arguments.restarts < 0:
        raise OptionError(f"There can't be {arguments.restarts} restarts: give 0 or more.")


def _searched(
    arguments: argparse.Namespace, data: Dataset, model: object, ranges: dict[str, tuple[float, float] | None] | None
) -> Forensics:
    from driftlab.analysis.forensics.search import WEIGHTS, forensics

    found: Forensics | None = None
    share = 0.0

    def done(item: Forensics | None, _: int) -> float:
        nonlocal share
        share = item.share if item else share
        return share

    steps = forensics(
        data.cases,
        model,  # type: ignore[arg-type]
        groups=arguments.group,
        ranges=ranges,
        distance=arguments.distance,
        weights=arguments.lambdas or WEIGHTS,
        break_at=arguments.break_at,
        restarts=arguments.restarts,
        seed=arguments.seed,
        budget=arguments.budget,
    )
    for item in progress(steps, "searching", done):
        found = item or found
    assert found is not None
    return found


def lines_of(found: Forensics, data: Dataset) -> Iterator[str]:
    """What breaks it first, as a table, and what one parameter does alone."""
    metric, unit = metric_name(found), found.distance.unit
    yield (
        f"{len(found.cases)} pictures, {_nominally(found)}; broken at {_percent(found.floor)} or less; "
        f"distance: {found.distance.title}, of all pictures together"
    )
    yield f"  {'what breaks it first':22} {'distance':>10}  {metric:>8} {'flips':>5}  settings (≤: the nearest found)"
    for rank in found.ranked:
        if rank.distance is not None:
            yield _line(rank, unit)
    held = [rank.name for rank in found.ranked if rank.distance is None]
    if held:
        yield f"  not within the range: {', '.join(held)}"
    yield "each parameter by itself, the least travel that makes a picture flip, and the distance of that picture"
    yield f"  {'parameter':22} {'nominal':>9} {'flips at':>11} {'travel':>9} {'distance':>9}  first flip"
    for parameter in found.parameters:
        if parameter.first_flip:
            yield _first_flip(parameter, data, unit)
    if any(each.flip_bracket and not each.flip_bracket.closed for each in found.parameters):
        yield "  ≤: at most so much, for between the two places nothing was tried"
    still = [each.axis.key for each in found.parameters if not each.moves_view]
    if still:
        yield f"  no effect here: {', '.join(still)}"
    spent = ", as many as the budget allowed: not all was searched" if found.spent else ""
    by = "along gradients" if found.method == "gradient" else "by trial, for the model is a black box"
    yield f"{found.evaluations} trials {by}{spent}"


def metric_name(found: Forensics) -> str:
    """What the metric is."""
    return "mean IoU" if found.model.task == "segmentation" else "accuracy"


def _nominally(found: Forensics) -> str:
    """What the model makes of the pictures as they are."""
    what = "mean IoU" if found.model.task == "segmentation" else "right"
    bare = sum(case.label is None and case.mask is None for case in found.cases)
    by = "" if not bare else f" ({bare} without a label are held against their nominal answers)"
    return f"nominally {what}: {_percent(found.metric)}{by}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def told(rank: Rank) -> str:
    """The moves of a vector of settings, the farthest first."""
    moves = sorted((move for move in rank.sight.moves if move.travel), key=lambda move: -abs(move.travel))
    words = [
        f"{move.key} {move.nominal:.4g} → {move.position:.4g}{' ' + move.unit if move.unit else ''}" for move in moves
    ]
    more = f", {len(words) - TOLD} more" if len(words) > TOLD else ""
    return ", ".join(words[:TOLD]) + more


def _line(rank: Rank, unit: str) -> str:
    name = rank.name if rank.kind == "parameter" else f"[{rank.name}]"
    distance = f"{'' if rank.closed else '≤ '}{rank.distance:.4g}{' ' + unit if unit else ''}"
    return f"  {name:22} {distance:>10}  {_percent(rank.sight.metric):>8} {len(rank.sight.flips):5}  {told(rank)}"


def _first_flip(parameter: ParameterFinding, data: Dataset, unit: str) -> str:
    assert parameter.first_flip is not None and parameter.flip_bracket is not None
    bracket = parameter.flip_bracket
    (move,), flip = parameter.first_flip.moves, min(parameter.first_flip.flips, key=lambda flip: flip.distance)
    change = f" {flip.before} to {flip.after}" if flip.before != flip.after else f" {flip.margin:.3g}"
    distance = f"{flip.distance:.4g}{' ' + unit if unit else ''}"
    place = f"{move.position:.4g}{' ' + move.unit if move.unit else ''}"
    travel = f"{'' if bracket.closed else '≤ '}{move.travel:+.2%}"
    between = "" if bracket.closed else f", between {bracket.held:.4g} and {bracket.failed:.4g}"
    return (
        f"  {move.key:22} {move.nominal:9.4g} {place:>11} {travel:>9} {distance:>9}  "
        f"{data.files[flip.case].name}{change}{between}"
    )
