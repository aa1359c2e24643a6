"""Sweeps as tables: one row a position, or a cell of the map, as CSV has them and JSON."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from driftlab.analysis.axes import Axis
from driftlab.analysis.sweep import Curve, Map

__all__ = ["facts_of", "rows_of"]


def rows_of(found: Curve | Map) -> list[dict[str, Any]]:
    """The table: every row with the same columns, the first ones positions in the units of `facts_of`.

    `margin` is the lowest score (of a segmentation the IoU), `answer` the class of that picture; a map has one for each
    cell, as in `Map`.
    """
    if isinstance(found, Map):
        return [
            {
                found.across.key: x,
                found.up.key: y,
                _score(found): float(found.scores[row, column]),
                "answer": _label(int(found.tops[row, column]), found.labels),
                "holds": None if found.level is None else bool(found.scores[row, column] >= found.level),
            }
            for row, y in enumerate(found.up_at)
            for column, x in enumerate(found.across_at)
            if found.scores[row, column] == found.scores[row, column]
        ]
    return [
        {
            found.axis.key: point.position,
            "metric": point.metric,
            "low": point.low,
            "high": point.high,
            _score(found): min(point.scores),
            "median": statistics.median(point.scores),
            "answer": _label(point.tops[point.scores.index(min(point.scores))], found.labels),
            "answers": "; ".join(
                f"{_label(top, found.labels)} {n}" for top, n in Counter(point.tops).most_common() if top >= 0
            ),
        }
        for point in found.points
    ]


def facts_of(found: Curve | Map) -> dict[str, Any]:
    """The sweep, ready for JSON: its parameters with unit, nominal value and range, its rows, its thresholds."""
    if isinstance(found, Map):
        return {"params": [_param(found.across), _param(found.up)], "rows": rows_of(found), "level": found.level}
    return {"params": [_param(found.axis)], "rows": rows_of(found), "level": found.level, "floor": found.floor}


def _param(axis: Axis) -> dict[str, Any]:
    return {"param": axis.key, "unit": axis.unit, "nominal": axis.nominal, "searched": [axis.low, axis.high]}


def _score(found: Curve | Map) -> str:
    tops = found.tops.flatten().tolist() if isinstance(found, Map) else [top for p in found.points for top in p.tops]
    return "iou" if found.labels and max(tops, default=0) < 0 else "margin"


def _label(top: int, labels: Sequence[str]) -> str:
    return labels[top] if 0 <= top < len(labels) else ""
