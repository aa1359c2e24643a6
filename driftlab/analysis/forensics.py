"""Forensics: the drift that breaks a model, found by a search over the data model with the task model frozen.

For every group of parameters, and for weights λ from large to small, the search makes loss − λ · penalty as large as
it can: the task's own loss, against how far the views are from the nominal ones (raw2logit's adversarial search, Oala
et al., TMLR 2023; here distances are means over pixels, SSIM counts as 1 − SSIM, and steps are in scaled units). Every
parameter is bracketed by itself besides. Bounds are the usual ranges of the sliders unless ranges are given: the hard
ranges are only what may be typed. Nothing in whole numbers moves: noise keeps its seed.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import torch

from driftlab.analysis.approach import COST, approached
from driftlab.analysis.ascent import Metric, climbed, drawn, explored, metric_of
from driftlab.analysis.axes import Axis, axes_of
from driftlab.analysis.brackets import bracketed, halved, scanned
from driftlab.analysis.breakage import Forensics, GroupFinding, ParameterFinding, View
from driftlab.analysis.cases import Case
from driftlab.analysis.distance import distance_of
from driftlab.analysis.linearized import actives
from driftlab.analysis.sights import gallery_of, group_finding, parameter_finding
from driftlab.analysis.target import AnalysisError
from driftlab.analysis.trials import Trials, trials_of
from driftlab.analysis.visits import Visit, Visits
from driftlab.model.task_model import TaskModel

__all__ = ["ALL", "WEIGHTS", "forensics", "groups_of"]

T = TypeVar("T")

#: The name of the group that holds all parameters.
ALL: Final = "all"
#: From where the search stays next to nominal to where it may go nearly anywhere: see `DISTANCES`.
WEIGHTS: Final = tuple(10 ** (power / 2) for power in range(10, 1, -1))
#: Pictures for each group in the gallery.
SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class _Effort:
    """How thorough: points a side of a scan, steps and draws for each weight, halvings of a bracket."""

    points: int
    steps: int
    draws: int
    halvings: int

    def cost(self, pictures: int, axes: int, members: Sequence[int], weights: int, restarts: int) -> int:
        """The most trials that it takes."""
        alone = axes * (2 * self.points + 4 * self.halvings + 1)
        climbing = len(members) * weights * (2 * self.steps + restarts * (self.draws + self.steps))
        return pictures * (1 + alone + climbing + len(members) * (2 * self.halvings + COST))


EFFORTS: Final = (_Effort(6, 4, 4, 6), _Effort(5, 3, 3, 5), _Effort(4, 2, 2, 4), _Effort(2, 2, 1, 3))


def groups_of(axes: Sequence[Axis], wanted: Sequence[str] | None = None) -> dict[str, tuple[int, ...]]:
    """The groups of these axes by name: every stage's, and all; each the places of its axes.

    `wanted` are the names of those to take: stages, "all", or single keys. Raises AnalysisError.
    """
    stages = dict.fromkeys(axis.key.partition(".")[0] for axis in axes)
    known = {name: tuple(n for n, axis in enumerate(axes) if axis.key.partition(".")[0] == name) for name in stages}
    known[ALL] = tuple(range(len(axes)))
    if wanted is None:
        return known
    known |= {axis.key: (number,) for number, axis in enumerate(axes)}
    for name in wanted:
        if name not in known:
            raise AnalysisError(
                f"There is no group '{name}' under these settings: use {', '.join([*stages, ALL])}, or a parameter."
            )
    return {name: known[name] for name in dict.fromkeys(wanted)}


def forensics(
    cases: Sequence[Case],
    model: TaskModel,
    *,
    groups: Sequence[str] | None = None,
    ranges: Mapping[str, tuple[float, float] | None] | None = None,
    distance: str = "l2",
    weights: Sequence[float] = WEIGHTS,
    break_at: float = 0.9,
    restarts: int = 1,
    seed: int = 0,
    budget: int | None = None,
) -> Iterator[Forensics | None]:
    """What breaks the model on these pictures, as it is found; whoever has seen enough stops asking.

    None, or the same result again, is only a place to stop. One vector of settings moves all pictures; for the worst of
    one picture, give that one. `groups` are as in `groups_of`; `ranges` as in `axes_of`, where without them all active
    parameters are moved, weights of kernels too. `weights` are those of the penalty (see `Distance`). The model counts
    as broken where its metric is at most `break_at` of the nominal one. `budget` is the most trials: of so many the
    search makes what it can. A black-box model is searched by trial. Raises AnalysisError, IspError or ModelError.
    """
    measure = distance_of(distance)
    if not weights or not all(0 < weight < math.inf for weight in weights):
        raise AnalysisError("The weights of the distance must be above 0: leave out the others.")
    if not 0 < break_at < 1:
        raise AnalysisError(f"A model does not break at {break_at:g} of its accuracy: give a fraction between 0 and 1.")
    if not cases:
        raise AnalysisError("There is no picture to search on: give at least one camera file.")
    if budget is not None and budget < 2 * len(cases):
        raise AnalysisError(
            f"{budget} trials are too few to ask about {len(cases)} pictures nominally: give at least "
            f"{2 * len(cases)}, and some hundred times as many to find something."
        )
    axes, members = _searched(cases, groups, ranges)
    weights = tuple(sorted({float(weight) for weight in weights}, reverse=True))
    trials, nominal = yield from trials_of(cases, model, axes)
    visits = Visits(trials, nominal, measure)
    metric = visits.metric(nominal.scores)
    if metric <= 0:
        raise AnalysisError("The model is wrong on every picture as it is: there is nothing left to break.")
    search = _Search(visits, members, weights, break_at, metric, restarts, seed, budget)
    yield from search.run()


def _searched(
    cases: Sequence[Case], groups: Sequence[str] | None, ranges: Mapping[str, tuple[float, float] | None] | None
) -> tuple[list[Axis], dict[str, tuple[int, ...]]]:
    """The axes that any group moves, and the groups."""
    nominals = [case.settings for case in cases]
    if ranges is None:
        first, *others = ({each.key: each for each in actives(settings)} for settings in nominals)
        ranges = {
            key: None for key, each in first.items() if not each.param.integer and all(key in other for other in others)
        }
    axes = axes_of(nominals, ranges)
    if not axes:
        raise AnalysisError("No parameter is left to move: give others with --param.")
    members = groups_of(axes, groups)
    used = sorted({number for found in members.values() for number in found})
    place = {number: at for at, number in enumerate(used)}
    return [axes[number] for number in used], {
        name: tuple(place[number] for number in found) for name, found in members.items()
    }


class _Search:
    """One run: what is known so far, and the order in which more is found."""

    def __init__(
        self,
        visits: Visits,
        members: Mapping[str, tuple[int, ...]],
        weights: tuple[float, ...],
        break_at: float,
        metric: float,
        restarts: int,
        seed: int,
        budget: int | None,
    ) -> None:
        self.visits, self.members, self.weights = visits, members, weights
        self.break_at, self.metric, self.floor = break_at, metric, break_at * metric
        self.restarts, self.seed, self.budget = restarts, seed, budget
        costs = [
            effort.cost(visits.count, len(visits.axes), [*map(len, members.values())], len(weights), restarts)
            for effort in EFFORTS
        ]
        within = (each for each, cost in zip(EFFORTS, costs, strict=True) if budget is None or cost <= budget)
        self.effort = next(within, EFFORTS[-1])
        self.total = max(costs[EFFORTS.index(self.effort)], 1)
        self.done, self.spent = 0, False
        self.parameters: list[ParameterFinding] = []
        self.groups: dict[str, GroupFinding] = {}
        self.gallery: list[View] = []
        self.scans: list[list[Visit]] = [[] for _ in visits.axes]
        self.result = self._result(complete=False)

    def run(self) -> Iterator[Forensics | None]:
        """Parameters one by one, then groups one by one; a new result after each step."""
        yield self.result
        visits = self.visits
        everything = range(len(visits.axes))
        yield from self._step(visits.make(visits.trials, everything, [[0.0] * len(visits.axes)]), 1)
        for number in everything:
            yield from self._alone(number)
        metric = Metric(torch.zeros(len(visits.axes), len(visits.axes)), (False,) * len(visits.axes))
        for name in self.members:
            self._found(name, complete=False, evaluations=0)
        if not self.spent:
            made = metric_of(visits, self.scans)
            metric = (yield from self._step(made, len(visits.axes))) or metric
        for name, members in self.members.items():
            moving = tuple(number for number in members if metric.moves[number])
            yield from self._together(name, moving, metric)
        self.result = self._result(complete=True)
        yield self.result

    def _alone(self, number: int) -> Generator[Forensics | None, None, None]:
        effort, before = self.effort, self.visits.evaluations
        trials = self.visits.along([number])
        scan = yield from self._step(scanned(self.visits, trials, number, effort.points), 2 * effort.points)
        self.scans[number] = scan or []
        brackets = bracketed(self.visits, trials, number, self.floor, self.break_at, effort.halvings)
        yield from self._step(brackets, 4 * effort.halvings + 2)
        if scan is None:
            return
        spent = self.visits.evaluations - before
        self.parameters.append(parameter_finding(self.visits, number, self.floor, self.break_at, evaluations=spent))
        self.result = self._result(complete=False)
        yield self.result

    def _together(self, name: str, moving: tuple[int, ...], metric: Metric) -> Generator[Forensics | None, None, None]:
        """A group's weights from large to small and back, every time from the best that is known for it."""
        before = self.visits.evaluations
        if moving:
            generator = torch.Generator().manual_seed(zlib.crc32(f"{self.seed} {name}".encode()))
            trials = self.visits.along(moving)
            again = self.restarts * (self.effort.draws + self.effort.steps)
            for down, weight in [*((True, w) for w in self.weights), *((False, w) for w in reversed(self.weights))]:
                climb = self._ascent(trials, moving, metric, weight, generator, restart=down)
                yield from self._step(climb, self.effort.steps + (again if down else 0))
                self._found(name, complete=False, evaluations=self.visits.evaluations - before)
                yield self.result
            if trials.differentiable:
                near = approached(self.visits, trials, moving, metric, self.floor, self.break_at)
                yield from self._step(near, COST)
            halving = halved(self.visits, trials, moving, self.floor, self.effort.halvings)
            yield from self._step(halving, 2 * self.effort.halvings)
        self._found(name, complete=not self.spent, evaluations=self.visits.evaluations - before)
        views = yield from self._stops(gallery_of(self.visits, self.groups[name], SHOWN))
        self.gallery += views
        self.result = self._result(complete=False)
        yield self.result

    def _ascent(
        self,
        trials: Trials,
        moving: tuple[int, ...],
        metric: Metric,
        weight: float,
        generator: torch.Generator,
        *,
        restart: bool,
    ) -> Generator[None, None, None]:
        """From the best that is known, and from the best of a few draws."""
        visits, effort = self.visits, self.effort
        starts = [visits.best(moving, weight)]
        for _ in range(self.restarts if restart else 0):
            draws = drawn(visits, moving, metric, weight, effort.draws, generator)
            made = yield from visits.make(trials, moving, draws)
            starts.append(max(made, key=lambda each: each.objective(weight)))
        for start in starts:
            if trials.differentiable:
                yield from climbed(visits, trials, moving, metric, weight, effort.steps, start)
            else:
                yield from explored(visits, trials, moving, metric, weight, effort.steps, start, generator)

    def _step(self, work: Generator[None, None, T], cost: int) -> Generator[Forensics | None, None, T | None]:
        """Work that takes at most so many trials of every picture, if the budget still holds them."""
        cost *= self.visits.count
        self.spent = self.spent or (self.budget is not None and self.visits.evaluations + cost > self.budget)
        if self.spent:
            work.close()
            return None
        made = yield from self._stops(work)
        self.done += cost
        return made

    def _stops(self, work: Generator[None, None, T]) -> Generator[Forensics | None, None, T]:
        while True:
            try:
                next(work)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            yield None

    def _found(self, name: str, *, complete: bool, evaluations: int) -> None:
        """Keep what is known of a group by now."""
        members = self.members[name]
        self.groups[name] = group_finding(
            self.visits, name, members, self.weights, self.floor, self.break_at,
            complete=complete, evaluations=evaluations,
        )  # fmt: skip
        self.result = self._result(complete=False)

    def _result(self, *, complete: bool) -> Forensics:
        visits = self.visits
        return Forensics(
            cases=visits.trials.cases,
            model=visits.trials.model,
            distance=visits.distance,
            axes=visits.axes,
            weights=self.weights,
            metric=self.metric,
            floor=self.floor,
            break_at=self.break_at,
            scores=tuple(visits.nominal.scores.tolist()),
            groups=tuple(self.groups.values()),
            parameters=tuple(self.parameters),
            gallery=tuple(self.gallery),
            method="gradient" if visits.trials.differentiable else "random",
            restarts=self.restarts,
            seed=self.seed,
            budget=self.budget,
            evaluations=visits.evaluations,
            share=1.0 if complete else min(self.done / self.total, 1.0),
            spent=self.spent,
            complete=complete,
        )
