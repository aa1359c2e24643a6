"""The joint tolerance: the largest scaled box and ball around nominal in which a search finds no failure.

The box is nominal + s · (interval − nominal) along every axis, in shares, so that axes with logarithmic sliders grow by
factors. It is searched by slopes, at corners and at Sobol points, then drawn from at random for the sample bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final

import torch
from torch import Tensor

from driftlab.analysis.axes import Axis
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.attempts import Attempts, Spent, place_of
from driftlab.analysis.tolerance.bounds import MOST_AXES, SAFETY, Bounds, bounded
from driftlab.analysis.tolerance.counterexamples import Effort, Hunter, Size
from driftlab.analysis.tolerance.findings import JointFinding, Status
from driftlab.analysis.tolerance.rule import Rule
from driftlab.analysis.tolerance.shapes import Ball, Box
from driftlab.analysis.tolerance.verdict import verdict_of
from driftlab.analysis.trials import Answers, Trials

__all__ = ["joint"]

#: Cells along an axis, of which every pair's coverage is counted.
BINS: Final = 8
#: Bounds and pairs take no more than half of the evaluations before them, but so many are always free to them.
FREE: Final = 1000
#: A pair's box is found to this share of it.
COARSE: Final = 1 / 32
#: Before any search: nominal alone.
NOTHING: Final = Size(0.0, math.inf, 0, False)
#: What rounding may take from a size.
_SAME: Final = 1e-9


def joint(
    trials: Trials,
    rule: Rule,
    nominal: Answers,
    intervals: Sequence[tuple[float, float]] | None = None,
    *,
    seed: int = 0,
    budget: int | None = None,
    points: int = 300,
    resolution: float = 1 / 64,
    lipschitz: Sequence[float] | None = None,
) -> Iterator[JointFinding | None]:
    """What all axes of `trials` may do at once; `intervals` are low and high of each axis, by default what is searched.

    Gives what is known so far whenever the box changes, at last all of it, and None where there is but a place to stop.
    Box and ball are found to a share `resolution` of their size; `points` are drawn from the box for its sample bound.
    `budget` is the most trials: where it ends the search for the box the status is "unproven". `lipschitz` are bounds,
    known to be true, of how much any picture's score changes per share of each axis's searched range: with them a box
    can be "proven". Raises AnalysisError for intervals that do not hold nominal, or reach beyond what is searched.
    """
    spans = [(axis.low, axis.high) for axis in trials.axes] if intervals is None else list(intervals)
    box = _box(trials.axes, spans)
    limit = math.inf if budget is None else budget
    attempts = Attempts(trials, verdict_of(rule), nominal, limit=limit)
    hunter = Hunter(attempts, seed)
    effort = Effort(8 if attempts.verdict.single else 4, 8, 32, 4, points)
    known = _Known(attempts, box, tuple(spans), seed)
    for more in _settled(hunter, known, effort, resolution, lipschitz):
        yield more.finding() if more.size.held != known.size.held else None
        known = more
    yield known.finding()
    if not known.size.complete:
        return
    attempts.limit = attempts.evaluations + _extra(attempts) if budget is None else budget
    for more in _paired(hunter, known, replace(effort, starts=4, points=4, drawn=0)):
        known = more
        yield None
    attempts.limit = limit
    for more in _settled(hunter, known, effort, resolution, lipschitz):
        known = more
        yield None
    yield known.finding()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known so far, and what a finding is made of."""

    attempts: Attempts
    box: Box
    spans: tuple[tuple[float, float], ...]
    seed: int
    size: Size = NOTHING
    ball: float = 0.0
    interactions: tuple[tuple[str, str, float], ...] = ()
    pairs: int = 0
    bounds: Bounds | None = None

    @property
    def status(self) -> Status:
        """Of the box."""
        if not self.size.complete:
            return "unproven"
        if self.size.held == 0:  # whatever box was asked about
            return "violated"
        exact = self.bounds is not None and not self.bounds.seen
        return "proven" if exact and self.bounds and self.bounds.lower >= 0 else "holds-on-samples"

    def finding(self) -> JointFinding:
        """All of it, of the box as it is now."""
        attempts, size = self.attempts, self.size
        axes, rows = attempts.trials.axes, attempts.rows
        sizes = self.box.size_of(rows.points)
        inside = (sizes <= size.held * (1 + _SAME)) & (rows.value >= 0)
        low, high = self.box.ends(size.held)
        beyond = torch.where(rows.value < 0, sizes, math.inf)
        worst, at, case = self._worst(inside)
        return JointFinding(
            axes=axes,
            status=self.status,
            box=self._ends(),
            scale=size.held,
            ball=self.ball,
            trials=size.drawn,
            bound=min(3 / size.drawn, 1.0) if size.drawn else 1.0,
            worst=worst,
            worst_at=at,
            worst_case=case,
            counterexample=attempts.failure_at(int(beyond.argmin())) if bool(beyond.isfinite().any()) else None,
            volume_share=float((high - low).prod()),
            coverage=_coverage(rows.points[inside], low, high),
            bins=BINS,
            interactions=self.interactions,
            evaluations=attempts.evaluations,
            seed=self.seed,
            failures=attempts.failures,
            pairs=self.pairs,
            **self._bounds(worst),
        )

    def _bounds(self, worst: float) -> dict[str, Any]:
        """What branch and bound adds to the worst score seen, which may lie below its upper bound."""
        if (bounds := self.bounds) is None:
            return {}
        least, seen = self.attempts.verdict.least, bounds.seen
        return {
            "lower_bound": bounds.lower + least,
            "upper_bound": min(bounds.upper + least, worst),
            "lipschitz": tuple(bounds.lipschitz.tolist()),
            "lipschitz_source": f"{SAFETY:g} × the steepest of {seen} slopes and all differences" if seen else "given",
        }

    def _ends(self) -> tuple[tuple[float, float], ...]:
        """Low and high position of every axis, never beyond its interval."""
        ends = torch.stack(self.box.ends(self.size.held), 1).tolist()
        found = []
        for axis, (low, high), span, center in zip(
            self.attempts.trials.axes, ends, self.spans, self.attempts.center.tolist(), strict=True
        ):
            places = place_of(axis, low, center), place_of(axis, high, center)
            found.append(span if self.size.held == 1 else (max(places[0], span[0]), min(places[1], span[1])))
        return tuple(found)

    def _worst(self, inside: Tensor) -> tuple[float, tuple[float, ...], int]:
        """The lowest deciding score in the box, where, and whose; nominal is in every box."""
        attempts = self.attempts
        value, subject = attempts.at_nominal.min(0)
        rows, least = attempts.rows.at(inside), attempts.verdict.least
        if len(rows.value) and float(rows.value.min()) < float(value):
            row = int(rows.value.argmin())
            place = attempts.placed(rows.points[row : row + 1])[1][0]
            return float(rows.value[row]) + least, tuple(place), int(rows.case[row])
        scores = attempts.nominal.scores
        case = int(subject) if attempts.verdict.single else int(attempts.verdict.deciding(scores))
        return float(value) + least, tuple(attempts.trials.nominal), case


def _box(axes: Sequence[Axis], spans: Sequence[tuple[float, float]]) -> Box:
    """The box of size 1, in shares. Raises AnalysisError for intervals that it can't be."""
    for axis, (low, high) in zip(axes, spans, strict=True):
        if not axis.low <= low <= axis.nominal <= high <= axis.high:
            raise AnalysisError(
                f"The interval {low:g} to {high:g} of {axis.key} must hold nominal, {axis.nominal:g}, and lie within "
                f"what is searched, {axis.low:g} to {axis.high:g}."
            )
    center, lows, highs = (
        torch.tensor([axis.to_share(at) for axis, at in zip(axes, places, strict=True)], dtype=torch.float64)
        for places in ([axis.nominal for axis in axes], [low for low, _ in spans], [high for _, high in spans])
    )
    return Box(center, center - lows, highs - center)


def _settled(
    hunter: Hunter, known: _Known, effort: Effort, resolution: float, lipschitz: Sequence[float] | None
) -> Iterator[_Known]:
    """With a box, its bounds and a ball in which no failure is known: what finds one beside its way sends all back."""
    attempts, limit, ball = known.attempts, known.attempts.limit, Ball(known.attempts.center)
    while attempts.smallest_failing(known.box) <= known.size.held or not known.size.complete:
        known, sizes = replace(known, size=NOTHING, bounds=None), [NOTHING]
        for found in _until_spent(hunter.grown(known.box, effort, resolution)):
            sizes.append(found or sizes[-1])
            known = replace(known, size=sizes[-1])
            yield known
        nearest = attempts.smallest_failing(known.box)
        known = replace(known, size=[size for size in sizes if size.held < nearest][-1])
        yield known
        if not known.size.complete:  # the budget has ended
            return
        for more in _bounded(known, lipschitz):
            known = more
            yield known
        attempts.limit = limit
    if attempts.smallest_failing(ball) <= known.ball or known.ball == 0:
        known, radii = replace(known, ball=0.0), [0.0]
        for found in _until_spent(hunter.grown(ball, replace(effort, drawn=0), resolution)):
            radii.append(found.held if found else radii[-1])
            yield known
        nearest = attempts.smallest_failing(ball)
        known = replace(known, ball=[radius for radius in radii if radius < nearest][-1])
        if attempts.smallest_failing(known.box) <= known.size.held:
            yield from _settled(hunter, known, effort, resolution, lipschitz)
        else:
            yield known


def _bounded(known: _Known, lipschitz: Sequence[float] | None) -> Iterator[_Known]:
    """With bounds of the worst value in the box, where it has few enough axes."""
    attempts, box, size = known.attempts, known.box, known.size
    free = [attempts.trials.axes[axis] for axis in box.free]
    if size.held > 0 and len(free) <= MOST_AXES and not any(axis.param.integer for axis in free):
        attempts.limit = attempts.evaluations + min(_extra(attempts), (attempts.limit - attempts.evaluations) / 3)
        for bounds in bounded(attempts, box, size.held, lipschitz=lipschitz, decide=True, seed=known.seed):
            known = replace(known, bounds=bounds or known.bounds)
            yield known


def _extra(attempts: Attempts) -> int:
    """The evaluations that what is not the search for the box may take of an open budget."""
    return max(attempts.evaluations // 2, FREE)


def _paired(hunter: Hunter, known: _Known, effort: Effort) -> Iterator[_Known]:
    """With one pair of axes more each time, those first that the slopes at nominal foretell most of."""
    box, verdict, keys = known.box, known.attempts.verdict, [axis.key for axis in known.attempts.trials.axes]
    pairs = list(combinations(box.free, 2))
    if known.size.held == box.largest:  # every pair's box is within
        yield replace(known, pairs=len(pairs))
        return
    boxes = {pair: box.only(pair) for pair in pairs}
    order = sorted(pairs, key=lambda pair: float(verdict.values(hunter.foretold(boxes[pair], 1.0)[1])))
    for first, second in order:
        size = NOTHING
        for found in _until_spent(hunter.grown(boxes[first, second], effort, COARSE)):
            size = found or size
            yield known
        if not size.complete:
            return
        known = replace(known, pairs=known.pairs + 1)
        if size.held < box.largest:
            shrunk = (*known.interactions, (keys[first], keys[second], size.held))
            known = replace(known, interactions=tuple(sorted(shrunk, key=lambda each: each[2])))
        yield known


def _coverage(points: Tensor, low: Tensor, high: Tensor) -> float:
    """The share of cells with a point in them, of `BINS` along an axis and all pairs of those that have a width."""
    free = (high > low).nonzero()[:, 0]
    if not len(free) or not len(points):
        return 0.0
    bins = ((points - low) / (high - low) * BINS)[:, free].long().clamp(0, BINS - 1)
    if len(free) == 1:
        return len(bins.unique()) / BINS
    pairs = list(combinations(bins.unbind(1), 2))
    hit = sum(int(torch.bincount(one * BINS + other).count_nonzero()) for one, other in pairs)
    return hit / (len(pairs) * BINS**2)


def _until_spent(steps: Iterator[Size | None]) -> Iterator[Size | None]:
    """What a search gives, until it is done or the budget ends."""
    try:
        yield from steps
    except Spent:
        return
