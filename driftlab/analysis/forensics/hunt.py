"""The hunt: in which order a search for drift that breaks a model goes about it, and what is known after each step.

Every parameter is scanned by itself first, which gives a first ranking and where the groups start from, and all are
bracketed, every time one visit finer; then come the groups, all of them by the straight way first, and all from weight
to weight and back. So a budget is spent on all alike. What was visited once counts for all.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import torch

from driftlab.analysis.forensics.approach import COST, approached
from driftlab.analysis.forensics.ascent import Metric, climbed, drawn, explored, metric_of
from driftlab.analysis.forensics.brackets import asked, halved, leads_of, penalty_of, scanned, travel_of
from driftlab.analysis.forensics.breakage import Forensics, GroupFinding, ParameterFinding, View
from driftlab.analysis.forensics.sights import gallery_of, group_finding, parameter_finding
from driftlab.analysis.forensics.visits import Visit, Visits
from driftlab.analysis.trials import Trials

__all__ = ["Hunt"]

T = TypeVar("T")

#: Pictures for each group in the gallery.
SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class _Effort:
    """How thorough: points a side of a scan, steps and draws for each weight, halvings of a bracket or of a line."""

    points: int
    steps: int
    draws: int
    halvings: int

    def cost(self, pictures: int, axes: int, members: Sequence[int], weights: int, restarts: int) -> int:
        """The most trials that it takes."""
        alone = axes * (2 * self.points + 2 * self.halvings + 1)
        again = restarts * (weights * self.draws + (weights + 1) // 2 * self.steps)
        climbing = len(members) * (weights * 2 * self.steps + again)
        return pictures * (1 + alone + climbing + len(members) * (2 * self.halvings + 2 * COST))


EFFORTS: Final = (_Effort(6, 4, 4, 8), _Effort(5, 3, 3, 8), _Effort(4, 2, 2, 8), _Effort(3, 2, 1, 6))


class Hunt:
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
        self.parameters: dict[int, ParameterFinding] = {}
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
            yield from self._scanned(number)
        for turn in range(self.effort.halvings):
            for number in everything:
                yield from self._bracketed(number, turn)
        metric = Metric(torch.zeros(len(visits.axes), len(visits.axes)), (False,) * len(visits.axes))
        self._refresh()
        made = metric_of(visits, self.scans)
        metric = (yield from self._step(made, len(visits.axes))) or metric
        yield from self._together(metric)
        self._refresh()
        for name in self.members:
            self.gallery += yield from gallery_of(self.visits, self.groups[name], SHOWN)
            yield None
        self.result = self._result(complete=True)
        yield self.result

    def _scanned(self, number: int) -> Generator[Forensics | None, None, None]:
        """One axis by itself, coarsely: a first ranking, and where groups start from."""
        points, trials = self.effort.points, self.visits.along([number])
        self.scans[number] = (yield from self._step(scanned(self.visits, trials, number, points), 2 * points)) or []
        self._alone(number)
        yield self.result

    def _bracketed(self, number: int, turn: int) -> Generator[Forensics | None, None, None]:
        """One axis by itself, one visit finer; every third time in the middle, where reckoning may be far off."""
        flip, broken = leads_of(self.visits, self.floor, self.break_at)
        sizes = ((flip, travel_of(number)), (broken, penalty_of))
        found = {asked(self.visits, number, lead, size, halve=turn % 3 == 2) for lead, size in sizes}
        travels = [[travel] for travel in sorted(each for each in found if each is not None)]
        if not travels:
            self.done += 2 * self.visits.count
            return
        yield from self._step(self.visits.make(self.visits.along([number]), [number], travels), 2)
        self._alone(number)
        yield self.result

    def _together(self, metric: Metric) -> Generator[Forensics | None, None, None]:
        """The groups: straight to what breaks them, from large weights to small and back, and straight once more."""
        moving = {
            name: tuple(number for number in members if metric.moves[number]) for name, members in self.members.items()
        }
        moving = {name: members for name, members in moving.items() if members}
        trials = {name: self.visits.along(members) for name, members in moving.items()}
        chance = {name: torch.Generator().manual_seed(zlib.crc32(f"{self.seed} {name}".encode())) for name in moving}
        steps = self.effort.steps * (1 if self.visits.trials.differentiable else 2)

        def near(name: str) -> Generator[Forensics | None, None, None]:
            if self.visits.trials.differentiable:
                work = approached(self.visits, trials[name], moving[name], metric, self.floor, self.break_at)
                yield from self._step(work, COST)

        def climb(name: str, place: int, *, down: bool) -> Generator[Forensics | None, None, None]:
            # A single axis was scanned: elsewhere on it there is nothing to start from.
            draws = self.restarts if down and len(moving[name]) > 1 else 0
            restarts = draws if place % 2 == 0 else 0
            best = self.visits.best(moving[name], self.weights[place])
            if not down and climbs.get((name, place)) is best:
                self.done += steps * self.visits.count
                return
            work = self._ascent(trials[name], moving[name], metric, self.weights[place], chance[name], draws, restarts)
            yield from self._step(work, steps + draws * self.effort.draws + restarts * steps)
            climbs[name, place] = self.visits.best(moving[name], self.weights[place])

        def halve(name: str) -> Generator[Forensics | None, None, None]:
            work = halved(self.visits, trials[name], moving[name], self.floor, self.effort.halvings)
            yield from self._step(work, 2 * self.effort.halvings)

        climbs = dict[tuple[str, int], Visit]()
        places = range(len(self.weights))
        rounds: list[Callable[[str], Generator[Forensics | None, None, None]]] = [
            near,
            *(partial(climb, place=place, down=True) for place in places),
        ]
        rounds += [partial(climb, place=place, down=False) for place in reversed(places)]
        made = dict.fromkeys(self.members, 0)
        for work in [*rounds, near, halve]:
            for name in moving:
                before = self.visits.evaluations
                yield from work(name)
                made[name] += self.visits.evaluations - before
                self._found(name, complete=False, evaluations=made[name])
                yield self.result
        for name in self.members:
            self._found(name, complete=not self.spent, evaluations=made[name])
            yield self.result

    def _ascent(
        self,
        trials: Trials,
        moving: tuple[int, ...],
        metric: Metric,
        weight: float,
        generator: torch.Generator,
        draws: int,
        restarts: int,
    ) -> Generator[None, None, None]:
        """From the best that is known, a few draws among them; and, of as many `restarts`, from the best of others."""
        visits, effort = self.visits, self.effort
        starts = list[Visit]()
        for _ in range(draws):
            made = yield from visits.make(
                trials, moving, drawn(visits, moving, metric, weight, effort.draws, generator)
            )
            starts.append(max(made, key=lambda each: each.objective(weight)))
        best = visits.best(moving, weight)
        starts = [best, *(start for start in starts[:restarts] if start is not best)]
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
        made = yield from work
        self.done += cost
        return made

    def _alone(self, number: int) -> None:
        """Keep what is known of an axis by now."""
        self.parameters[number] = parameter_finding(self.visits, number, self.floor, self.break_at)
        self.result = self._result(complete=False)

    def _refresh(self) -> None:
        """Groups know what was found of their parameters since."""
        for name in self.members:
            known = self.groups.get(name)
            self._found(
                name, complete=known.complete if known else False, evaluations=known.evaluations if known else 0
            )

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
            parameters=tuple(self.parameters.values()),
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
