"""What `driftlab attack` leaves in its folder: everything as JSON, tables as CSV, curves and gallery as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from driftlab.analysis.forensics.breakage import Flip, Forensics, GroupFinding, ParameterFinding, Sight
from driftlab.atomic import whole_file
from driftlab.cli.options import OptionError
from driftlab.csv_file import csv_of
from driftlab.data.dataset import Dataset

__all__ = ["FORMAT", "results_of", "write_attack"]

FORMAT: Final = "driftlab.forensics/1"


def results_of(found: Forensics, data: Dataset) -> dict[str, Any]:
    """All that was found, ready for JSON; pictures by the names of their files."""
    return {
        "metric": found.metric,
        "floor": found.floor,
        "evaluations": found.evaluations,
        "complete": not found.spent,
        "ranked": [
            {
                "name": rank.name,
                "kind": rank.kind,
                "distance": rank.distance,
                "closed": rank.closed,
                **_sight(rank.sight, data),
            }
            for rank in found.ranked
        ],
        "groups": [_group(each, data) for each in found.groups],
        "parameters": [_parameter(each, data) for each in found.parameters],
    }


def write_attack(folder: Path, found: Forensics, data: Dataset, argv: Sequence[str]) -> None:
    """Write `forensics.json`, `tables/*.csv`, `curves.png` and `gallery.png`. Raises OptionError where it can't."""
    from driftlab.cli.attack_sheet import draw_curves, draw_gallery
    from driftlab.report.canonical import readable

    names = [path.name for path in data.files]
    try:
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        _write_tables(folder / "tables", found, data)
        draw_curves(folder / "curves.png", found)
        draw_gallery(folder / "gallery.png", found, names)
        with whole_file(folder / "forensics.json") as part:
            part.write_bytes(readable(_report(found, data, argv)))
    except OSError as error:
        raise OptionError(f"'{folder}' can't be written to: {error.strerror or error}.") from error


def _report(found: Forensics, data: Dataset, argv: Sequence[str]) -> dict[str, Any]:
    from driftlab.report.command import without_output
    from driftlab.report.environment import environment_of, tool
    from driftlab.report.origin import model_of

    return {
        "schema": FORMAT,
        "tool": tool(),
        "environment": environment_of("cpu"),
        "argv": without_output(argv),
        "model": model_of(found.model),
        "pipeline": found.cases[0].settings.pipeline.name,
        "method": {
            "class": found.method,
            "distance": found.distance.name,
            "distance_is": found.distance.title,
            "distance_of": "all pictures, flipped or not; of a flip its own picture",
            "lambda": list(found.weights),
            "break_at": found.break_at,
            "restarts": found.restarts,
            "seed": found.seed,
            "budget": found.budget,
        },
        "parameters": [
            {
                "key": axis.key, "unit": axis.unit, "position": axis.kind, "nominal": axis.nominal,
                "searched": [axis.low, axis.high], "logarithmic": axis.log, "gradient": axis.gradient,
            }
            for axis in found.axes
        ],
        "data": [
            {
                "file": path.name, "raw_sha256": case.frame.sha256, "label": case.label, "score": score,
                "settings": dict(case.settings),
            }
            for path, case, score in zip(data.files, found.cases, found.scores, strict=True)
        ],
        "excluded": [{"file": name, "reason": reason} for name, reason in data.excluded],
        "results": results_of(found, data),
        "gallery": [
            {"group": view.group, "file": data.files[view.case].name, **_flip(view.flip, data)}
            for view in found.gallery
        ],
    }  # fmt: skip


def _flip(flip: Flip, data: Dataset) -> dict[str, Any]:
    facts = asdict(flip)
    return {"file": data.files[facts.pop("case")].name, **facts}


def _sight(sight: Sight, data: Dataset) -> dict[str, Any]:
    return {
        "metric": sight.metric,
        "loss": sight.loss,
        "distance": sight.distance,
        "settings": [asdict(move) for move in sight.moves],
        "flips": [_flip(flip, data) for flip in sight.flips],
    }


def _group(found: GroupFinding, data: Dataset) -> dict[str, Any]:
    return {
        "name": found.name,
        "parameters": [axis.key for axis in found.axes],
        "curve": [{"lambda": each.weight, **_sight(each.sight, data)} for each in found.curve],
        "reached": [{"distance": distance, "metric": metric} for distance, metric in found.reached],
        "breaks": None if found.breaks is None else _sight(found.breaks, data),
        "worst": _sight(found.worst, data),
        "complete": found.complete,
        "evaluations": found.evaluations,
    }


def _parameter(found: ParameterFinding, data: Dataset) -> dict[str, Any]:
    axis = found.axis
    return {
        "key": axis.key,
        "unit": axis.unit,
        "nominal": axis.nominal,
        "searched": [axis.low, axis.high],
        "first_flip": None if found.first_flip is None else _sight(found.first_flip, data),
        "flip_bracket": None if found.flip_bracket is None else asdict(found.flip_bracket),
        "breaks": None if found.breaks is None else _sight(found.breaks, data),
        "break_bracket": None if found.break_bracket is None else asdict(found.break_bracket),
        "worst": _sight(found.worst, data),
        "moves_view": found.moves_view,
    }


def _write_tables(folder: Path, found: Forensics, data: Dataset) -> None:
    names = [path.name for path in data.files]
    _write(
        folder / "ranked.csv",
        ("rank", "name", "kind", "distance", "metric", "loss", "flips"),
        (
            (number, rank.name, rank.kind, rank.distance, rank.sight.metric, rank.sight.loss, len(rank.sight.flips))
            for number, rank in enumerate(found.ranked, 1)
        ),
    )
    _write(
        folder / "curves.csv",
        ("group", "lambda", "metric", "loss", "distance", "flips"),
        (
            (group.name, each.weight, each.sight.metric, each.sight.loss, each.sight.distance, len(each.sight.flips))
            for group in found.groups
            for each in group.curve
        ),
    )
    _write(
        folder / "travel.csv",
        ("group", "lambda", "key", "unit", "nominal", "position", "travel", "at_end"),
        (
            (group.name, label, move.key, move.unit, move.nominal, move.position, move.travel, move.at_end)
            for group in found.groups
            for label, sight in (*((each.weight, each.sight) for each in group.curve), ("breaks", group.breaks))
            if sight is not None
            for move in sight.moves
        ),
    )
    _write(
        folder / "parameters.csv",
        (
            "key",
            "unit",
            "nominal",
            "low",
            "high",
            "holds_at",
            "flips_at",
            "travel",
            "closed",
            "breaks_at",
            "distance",
            "lowest_metric",
        ),
        (_parameter_row(each) for each in found.parameters),
    )
    _write(
        folder / "flips.csv",
        ("group", "file", "before", "after", "margin_before", "margin", "distance"),
        (
            (group.name, names[flip.case], flip.before, flip.after, flip.margin_before, flip.margin, flip.distance)
            for group in found.groups
            if group.breaks is not None
            for flip in group.breaks.flips
        ),
    )


def _parameter_row(found: ParameterFinding) -> tuple[Any, ...]:
    axis, flip, between, breaks = found.axis, found.first_flip, found.flip_bracket, found.breaks
    flips = (
        (between.held, flip.moves[0].position, flip.moves[0].travel, between.closed)
        if flip and between
        else (None, None, None, None)
    )
    broken = (breaks.moves[0].position, breaks.distance) if breaks else (None, None)
    return axis.key, axis.unit, axis.nominal, axis.low, axis.high, *flips, *broken, found.worst.metric


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with whole_file(path) as part:
        part.write_bytes(csv_of(heads, rows).encode("utf-8", "backslashreplace"))
