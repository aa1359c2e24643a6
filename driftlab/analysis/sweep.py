"""Sweeps: what becomes of the answers along one parameter, and over two: coarse first, then finer.

The rest of the settings stays nominal. A curve gives the share of pictures that hold, with its interval, and every
picture's score; a map gives one score for all pictures, which holds from `level` on as the criterion does.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, product
from typing import Final, TypeVar

import torch
from torch import Tensor

from driftlab.analysis.axes import Axis, axes_of
from driftlab.analysis.criterion import Criterion
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.rule import Rule, judging
from driftlab.analysis.tolerance.verdict import verdict_of
from driftlab.analysis.trials import Answers, Trials, trials_of
from driftlab.data.cases import Case
from driftlab.model.task_model import TaskModel

__all__ = ["Curve", "CurvePoint", "Map", "curve", "grid", "sweep"]

T = TypeVar("T")

UNCHANGED: Final = Criterion("prediction-unchanged")
#: Trials between two results that are given while the work goes on.
SHOWN: Final = 64
POINTS: Final = 33


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """All pictures at one position.

    `metric` is the share of pictures that hold (of a segmentation the mean IoU), `low` and `high` its 95 % interval
    (Clopper–Pearson; bootstrap). `scores` and `tops` are the score and the class on top of each, as in `Answers`.
    """

    position: float
    metric: float
    low: float
    high: float
    scores: tuple[float, ...]
    tops: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The points known so far, in the order of their positions; `share` of all that there will be.

    `level` is the score from which on one picture holds, None where the criterion knows none for a single picture;
    `floor` is the metric from which on all of them do.
    """

    axis: Axis
    criterion: Criterion
    labels: tuple[str, ...]
    points: tuple[CurvePoint, ...]
    level: float | None
    floor: float | None
    evaluations: int
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Scores over two parameters: row r, column c is at `up_at[r]` and `across_at[c]`.

    `scores` `[R, C]`, float64, not a number where nobody has looked yet: of several pictures the worst but as many as
    the criterion lets fail, so that a cell holds where its score is at least `level`; of a segmentation the mean IoU.
    `tops` `[R, C]`, int64: the class on top of that picture, −1 of a segmentation.
    """

    across: Axis
    up: Axis
    criterion: Criterion
    labels: tuple[str, ...]
    across_at: tuple[float, ...]
    up_at: tuple[float, ...]
    scores: Tensor
    tops: Tensor
    level: float | None
    evaluations: int
    share: float

    def filled(self) -> Tensor:
        """`scores` with every unknown cell as the nearest known one of the coarser grid."""
        known, kept = ~self.scores.isnan(), self.scores
        for rows, columns in zip(*_grown_together(*self.scores.shape), strict=True):
            if not bool(known[rows][:, columns].all()):
                break
            kept = self.scores[_nearest(rows, len(self.up_at))][:, _nearest(columns, len(self.across_at))]
        return torch.where(known, self.scores, kept)


def sweep(
    cases: Sequence[Case],
    model: TaskModel,
    axes: Mapping[str, tuple[float, float] | None],
    criterion: Criterion = UNCHANGED,
    *,
    points: int = POINTS,
) -> Iterator[Curve | Map | None]:
    """A curve along one parameter, or a map over two: keys and ranges as `axes_of` takes them.

    Gives what is known so far, at last all of it, and None where nothing is new but a place to stop. Raises
    AnalysisError for other numbers of parameters, and what `axes_of` and `trials_of` raise.
    """
    if not 1 <= len(axes) <= 2:
        raise AnalysisError(f"A sweep is along one parameter or over two, not {len(axes)}: name one or two.")
    if points < 3:
        raise AnalysisError(f"{points} points are too few: take 3 or more.")
    found = {axis.key: axis for axis in axes_of([case.settings for case in cases], axes)}
    trials, nominal = yield from trials_of(cases, model, list(found.values()), self_label=criterion.self_labeled)
    asked = [found[key] for key in axes]
    if len(asked) == 1:
        yield from curve(trials, nominal, asked[0], criterion, points=points)
    else:
        yield from grid(trials, nominal, asked[0], asked[1], criterion, points=points)


def curve(
    trials: Trials, nominal: Answers, axis: Axis, criterion: Criterion = UNCHANGED, *, points: int = POINTS
) -> Generator[Curve | None, None, Curve]:
    """The curve along `axis` of the cases of `trials`, whose nominal answers are `nominal`, at so many even places.

    The nominal position is one more. Coarse first; stops between batches.
    """
    along, rule, count = trials.along([axis]), judging(criterion, trials, nominal), len(trials.cases)
    level, floor = _level_and_floor(rule)
    places = sorted({*_even(axis, points), axis.nominal})
    found: list[CurvePoint] = []
    result = Curve(axis, criterion, trials.model.labels, (), level, floor, 0, 0.0)
    for some in _groups(_coarse_first(len(places)), count):
        positions = [[places[at]] for at in some for _ in range(count)]
        answers = yield from along.ask([*range(count)] * len(some), positions)
        for row, at in enumerate(some):
            mine = slice(row * count, (row + 1) * count)
            found.append(_point(places[at], answers.scores[mine], answers.top[mine], rule))
        done = tuple(sorted(found, key=lambda point: point.position))
        result = replace(result, points=done, evaluations=along.evaluations, share=len(done) / len(places))
        yield result
    return result


def grid(
    trials: Trials, nominal: Answers, across: Axis, up: Axis, criterion: Criterion = UNCHANGED, *, points: int = POINTS
) -> Generator[Map | None, None, Map]:
    """The map over `across` and `up` of the cases of `trials`, whose nominal answers are `nominal`.

    `points` even places a side; coarse first: the corners, then always the places between. Stops between batches.
    """
    over, rule, count = trials.along([across, up]), judging(criterion, trials, nominal), len(trials.cases)
    verdict, (level, floor) = verdict_of(rule), _level_and_floor(rule)
    columns, rows = _even(across, points), _even(up, points)
    scores = torch.full((len(rows), len(columns)), math.nan, dtype=torch.float64)
    tops = torch.full_like(scores, -1, dtype=torch.int64)
    least = floor if rule.segmentation else level
    result = Map(across, up, criterion, trials.model.labels, columns, rows, scores, tops, least, 0, 0.0)
    done = 0
    for some in _groups(_cells(len(rows), len(columns)), count):
        positions = [[columns[column], rows[row]] for row, column in some for _ in range(count)]
        answers = yield from over.ask([*range(count)] * len(some), positions)
        asked = answers.scores.view(len(some), count)
        who = verdict.deciding(asked)[:, None]
        there = torch.tensor(some).unbind(1)
        scores[there], tops[there] = verdict.decided(asked), answers.top.view(len(some), count).gather(1, who)[:, 0]
        done += len(some)
        result = replace(
            result,
            scores=scores.clone(),
            tops=tops.clone(),
            evaluations=over.evaluations,
            share=done / scores.numel(),
        )
        yield result
    return result


def _level_and_floor(rule: Rule) -> tuple[float | None, float | None]:
    """As in `Curve`."""
    if rule.segmentation:
        return None, rule.floor if rule.criterion.kind in ("accuracy", "drop") else None
    return rule.least, (rule.count - rule.may_fail) / rule.count


def _point(position: float, scores: Tensor, tops: Tensor, rule: Rule) -> CurvePoint:
    metric, interval = rule.metric_of(scores), rule.interval(scores)
    return CurvePoint(position, metric, *interval, tuple(scores.tolist()), tuple(tops.tolist()))


def _even(axis: Axis, points: int) -> tuple[float, ...]:
    """Places of equal steps over the range, both ends included; fewer where only whole numbers count."""
    return tuple(dict.fromkeys(axis.at_share(at / (points - 1)) for at in range(points)))


def _groups(levels: Iterable[list[T]], count: int) -> Iterator[list[T]]:
    """What is asked of `count` pictures between two results: a level, or as much of it as may pass unseen."""
    size = max(SHOWN // count, 1)
    for level in levels:
        for first in range(0, len(level), size):
            yield level[first : first + size]


def _coarse_first(count: int) -> list[list[int]]:
    """0 to `count` − 1 in levels: both ends, then always the middles of what lies between."""
    known, levels = [0, count - 1], [[*dict.fromkeys((0, count - 1))]]
    while middles := [(low + high) // 2 for low, high in pairwise(known) if high - low > 1]:
        levels.append(middles)
        known = sorted([*known, *middles])
    return levels


def _cells(rows: int, columns: int) -> list[list[tuple[int, int]]]:
    """All cells of a grid in levels, each of which is a finer grid together with those before."""
    levels, known = [], set[tuple[int, int]]()
    for some in zip(*_grown_together(rows, columns), strict=True):
        cells = [cell for cell in product(*some) if cell not in known]
        known.update(cells)
        levels.append(cells)
    return levels


def _grown_together(*counts: int) -> list[list[list[int]]]:
    """For each count the levels of `_coarse_first`, each with those before it; the last again where others go on."""
    grown = [[sorted(chain(*levels[: at + 1])) for at in range(len(levels))] for levels in map(_coarse_first, counts)]
    longest = max(map(len, grown))
    return [[*levels, *[levels[-1]] * (longest - len(levels))] for levels in grown]


def _nearest(known: list[int], count: int) -> Tensor:
    """For each of 0 to `count` − 1 the nearest of `known`."""
    there = torch.tensor(known)
    return there[(torch.arange(count)[:, None] - there).abs().argmin(1)]
