"""Visits: every vector of settings that a search has tried on all pictures, and what came of it.

A vector is a travel an axis, in shares of its range. Groups of axes share their visits: one that moves nothing but a
group's axes is the group's, so that what breaks a single parameter breaks each group that holds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from driftlab.analysis.forensics.distance import Distance
from driftlab.analysis.trials import Answers, Trials
from driftlab.parallel import in_order

__all__ = ["Visit", "Visits"]

#: A number of every picture, made of its loss and its penalty.
Number = Callable[[Tensor, Tensor], Tensor]

#: Pixels of nominal views that are kept; those of more pictures are made anew for every batch.
KEPT: Final = 32_000_000
#: Pixels between two places to stop, which a distance and its derivative take longer for than the answers alone.
TOGETHER: Final = 2 * 256 * 256


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One vector of settings: `travel` an axis, and of every picture `scores`, `top`, `losses` and `penalties`."""

    travel: tuple[float, ...]
    metric: float
    loss: float
    penalty: float
    scores: Tensor
    top: Tensor
    losses: Tensor
    penalties: Tensor

    def objective(self, weight: float) -> float:
        """What the search makes as large as it can."""
        return self.loss - weight * self.penalty

    def moves_only(self, members: Collection[int]) -> bool:
        """Whether all axes but these are nominal."""
        return all(move == 0 or number in members for number, move in enumerate(self.travel))


class Visits:
    """All visits of one search, in the order in which they were made; the first is the nominal one."""

    def __init__(self, trials: Trials, nominal: Answers, distance: Distance) -> None:
        self.trials, self.distance, self.axes = trials, distance, trials.axes
        self.nominal = nominal
        #: The share of its range where every axis is nominal.
        self.zero = tuple(axis.to_share(axis.nominal) for axis in self.axes)
        self.made: list[Visit] = []
        self.evaluations = trials.evaluations
        self._views: dict[int, Tensor] = {}
        self._within: dict[frozenset[int], tuple[int, list[Visit]]] = {}
        sizes = [case.extent.width * case.extent.height for case in trials.cases]
        self._keeps = sum(sizes) <= KEPT
        self._together = max(TOGETHER // max(sizes), 1)

    @property
    def count(self) -> int:
        """Of pictures."""
        return len(self.trials.cases)

    def room(self, number: int) -> tuple[float, float]:
        """How far an axis may travel down (at most 0) and up."""
        return -self.zero[number], 1 - self.zero[number]

    def position(self, number: int, travel: float) -> float:
        """In the axis's unit."""
        axis = self.axes[number]
        return axis.nominal if travel == 0 else axis.at_share(self.zero[number] + travel)

    def rate(self, number: int, travel: float) -> float:
        """D position / d travel."""
        axis = self.axes[number]
        return self.position(number, travel) * math.log(axis.high / axis.low) if axis.log else axis.high - axis.low

    def within(self, members: Collection[int]) -> Iterator[Visit]:
        """Those that move nothing but these axes."""
        key = frozenset(members)
        seen, found = self._within.get(key, (0, []))
        found += [each for each in self.made[seen:] if each.moves_only(key)]
        self._within[key] = len(self.made), found
        return iter(found)

    def best(self, members: Collection[int], weight: float) -> Visit:
        """The one with the largest objective; of equals the first.

        Being chosen from the same visits for every weight, a larger weight never has the larger penalty.
        """
        return max(self.within(members), key=lambda each: each.objective(weight))

    def along(self, members: Sequence[int]) -> Trials:
        """Trials that move these axes only."""
        return self.trials.along([self.axes[number] for number in members])

    def make(
        self, trials: Trials, members: Sequence[int], travels: Sequence[Sequence[float]]
    ) -> Generator[None, None, list[Visit]]:
        """Visit vectors of travels, one a member; stops between batches."""
        made, _ = yield from self._made(trials, members, travels)
        return made

    def climb(
        self, trials: Trials, members: Sequence[int], travel: Sequence[float], weight: float
    ) -> Generator[None, None, tuple[Visit, Tensor]]:
        """Visit one vector; also d objective / d travel, `[members]`, float64."""
        made, slopes = yield from self._made(trials, members, [travel], lambda loss, penalty: loss - weight * penalty)
        return made[0], slopes.mean(0)

    def leads(
        self, trials: Trials, members: Sequence[int], travel: Sequence[float]
    ) -> Generator[None, None, tuple[Visit, Tensor, Tensor]]:
        """Visit one vector; also how far every picture is ahead, `[N]`, and d that / d travel, `[N, members]`.

        Of a classification the log-odds of the true class, which unlike the loss goes on falling where the model is
        sure; of a segmentation soft Dice.
        """
        lead = _dice if self.segments else _odds
        made, slopes = yield from self._made(trials, members, [travel], lambda loss, _: lead(loss))
        return made[0], lead(made[0].losses), slopes

    def view(self, index: int) -> Tensor:
        """The nominal view of a case, `[1, 3, H, W]`."""
        if index in self._views:
            return self._views[index]
        view = self.trials.pictures(index, [self.trials.nominal])
        if self._keeps:
            self._views[index] = view
        return view

    def _positions(self, members: Sequence[int], travel: Sequence[float]) -> list[float]:
        return [self.position(number, move) for number, move in zip(members, travel, strict=True)]

    def _made(
        self, trials: Trials, members: Sequence[int], travels: Sequence[Sequence[float]], z: Number | None = None
    ) -> Generator[None, None, tuple[list[Visit], Tensor]]:
        """The visits, and d z / d travel of every trial, `[travels * N, members]`."""
        count, total = self.count, len(travels) * self.count
        which = [index for _ in travels for index in range(count)]
        places = [self._positions(members, travel) for travel in travels for _ in range(count)]
        losses, penalties, scores = (torch.empty(total, dtype=torch.float64) for _ in range(3))
        top = torch.empty(total, dtype=torch.int64)
        slopes = torch.zeros(total, len(members), dtype=torch.float64)

        def run(first: int) -> None:
            part = slice(first, first + self._together)
            for batch in trials.shown(which[part], places[part], slopes=z is not None):
                rows = [first + row for row in batch.rows]
                nominal = torch.cat([self.view(which[row]) for row in rows])
                with torch.set_grad_enabled(z is not None):
                    penalty = self.distance.penalty(batch.pictures, nominal).double()
                    if z is not None:
                        slopes[rows] = batch.pull(z(batch.losses, penalty))
                losses[rows], penalties[rows] = batch.losses.detach(), penalty.detach()
                scores[rows] = torch.tensor(batch.scores, dtype=torch.float64)
                top[rows] = torch.tensor(batch.top)

        # Pieces run side by side where their pictures are small, kept, and the model is one that threads may share.
        threads = None if self._keeps and trials.differentiable and not trials.large else 1
        for _ in in_order(run, range(0, total, self._together), threads=threads):
            yield
        self.evaluations += total
        made = []
        for number, travel in enumerate(travels):
            own = slice(number * count, (number + 1) * count)
            whole = [0.0] * len(self.axes)
            for member, move in zip(members, travel, strict=True):
                whole[member] = move
            made.append(
                Visit(
                    tuple(whole), self.metric(scores[own]), float(losses[own].mean()), float(penalties[own].mean()),
                    scores[own], top[own], losses[own], penalties[own],
                )
            )  # fmt: skip
        self.made += made
        rates = [[self.rate(n, move) for n, move in zip(members, travel, strict=True)] for travel in travels]
        return made, slopes * torch.tensor(rates, dtype=torch.float64).repeat_interleave(count, 0)

    def metric(self, scores: Tensor) -> float:
        """Accuracy, or mean IoU."""
        return float(scores.mean()) if self.segments else float((scores > 0).double().mean())

    @property
    def segments(self) -> bool:
        """Whether scores are IoU, not margins."""
        return bool((self.nominal.top < 0).all())

    def flipped(self, scores: Tensor, break_at: float) -> Tensor:
        """Which pictures were right nominally and, with these scores, no longer are, `[N]`."""
        if self.segments:
            return (self.nominal.scores > 0) & (scores <= break_at * self.nominal.scores)
        return (self.nominal.scores > 0) & (scores <= 0)


def _odds(loss: Tensor) -> Tensor:
    """The cross-entropy of a class -> its log-odds, log(p / (1 − p))."""
    loss = loss.clamp_min(1e-12)
    return -loss - torch.log(-torch.expm1(-loss))


def _dice(loss: Tensor) -> Tensor:
    return 1 - loss
