"""Sensitivities of a data set: what the tables of many frames say together of every parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from driftlab.analysis.sensitivity.sensitivities import Table, sensitivities
from driftlab.data.cases import Case
from driftlab.model.task_model import TaskModel

__all__ = ["Summary", "case_tables", "summarized"]

#: Pictures whose sensitivities are held against finite differences, which takes two predictions a parameter.
CHECKED: Final = 4


@dataclass(frozen=True, slots=True)
class Summary:
    """One parameter over `count` frames, all numbers normalized as in `Sensitivity`.

    `mean` and `spread` (standard deviation; 0 for one frame) keep signs, which tell whether the frames agree;
    `magnitude` is the mean and `p95` the 95th percentile of the sizes; `by_class` is the mean size by the first of the
    target's classes, for a margin the nominal answer. `finite_difference_error` is the median of those of the entries
    that were held against differences; None where none was.
    """

    key: str
    unit: str
    count: int
    mean: float
    spread: float
    magnitude: float
    p95: float
    by_class: Mapping[str, float]
    finite_difference_error: float | None = None


def case_tables(cases: Sequence[Case], model: TaskModel) -> Iterator[Table | None]:
    """The table of every case at its nominal settings, those of the first few checked; None is a place to stop."""
    for number, case in enumerate(cases):
        table: Table | None = None
        for item in sensitivities(
            case.frame,
            case.settings,
            model,
            region=case.region,
            mask=case.mask,
            heatmaps=(),
            check=number < CHECKED,
        ):
            table = item if isinstance(item, Table) else table
            yield None
        yield table


def summarized(tables: Iterable[Table]) -> tuple[Summary, ...]:
    """Every parameter that is active in any of the tables, largest mean size first."""
    units: dict[str, str] = {}
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    errors: dict[str, list[float]] = defaultdict(list)
    for table in tables:
        for row in table.rows:
            units[row.key] = row.unit
            found[row.key].append((table.question.target.classes[0], row.normalized))
            if row.finite_difference_error is not None:
                errors[row.key].append(row.finite_difference_error)
    summaries = (_summary(key, units[key], entries, errors[key]) for key, entries in found.items())
    return tuple(sorted(summaries, key=lambda each: -each.magnitude))


def _summary(key: str, unit: str, entries: list[tuple[str, float]], errors: list[float]) -> Summary:
    numbers = np.array([number for _, number in entries])
    sizes = np.abs(numbers)
    classes = dict.fromkeys(name for name, _ in entries)
    of_class = {name: sizes[[entry[0] == name for entry in entries]] for name in classes}
    return Summary(
        key,
        unit,
        len(numbers),
        float(numbers.mean()),
        float(numbers.std(ddof=1)) if len(numbers) > 1 else 0.0,
        float(sizes.mean()),
        float(np.quantile(sizes, 0.95)),
        {name: float(some.mean()) for name, some in of_class.items()},
        float(np.median(errors)) if errors else None,
    )
