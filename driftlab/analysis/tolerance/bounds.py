"""Bounds of the worst value in a box, by branch and bound: below from Lipschitz constants, above from what was seen.

The box is cut in cells, each known at its center; nowhere in a cell can the value lie further from that than the
constants allow. The cells with the lowest bound are cut in three, along the side that allows most, as in DIRECT (Jones,
Perttunen and Stuckman, J. Optim. Theory Appl. 79, 1993) and GeoRobust (Wang et al., AAAI 2023). With exact constants
both bounds are proven; estimated ones are raised as soon as something steeper is seen, and prove nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.attempts import Attempts, Spent
from driftlab.analysis.tolerance.shapes import Box

__all__ = ["MOST_AXES", "SAFETY", "Bounds", "bounded"]

#: Axes of a box that can be bounded: cells needed grow with their power.
MOST_AXES: Final = 4
#: Times the steepest slope that was seen: an estimated Lipschitz constant.
SAFETY: Final = 2.0
#: Points at which slopes are looked at, besides nominal.
SLOPES: Final = 16
#: Cells that are cut at once.
CUT: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """`lower` <= the worst value in the box <= `upper`, which was seen at `at`, `[P]` in shares, of `subject`.

    Values are as in `Verdict`: a score less what it holds from. `lipschitz` `[P]` is the largest constant of any
    subject, value per share of each axis's range; `seen` slopes it was estimated from, or 0 where it was given.
    """

    lower: float
    upper: float
    at: Tensor
    subject: int
    cells: int
    lipschitz: Tensor
    seen: int


def bounded(
    attempts: Attempts,
    box: Box,
    size: float = 1.0,
    *,
    lipschitz: Sequence[float] | None = None,
    subjects: Sequence[int] | None = None,
    precision: float = 0.0,
    decide: bool = False,
    seed: int = 0,
) -> Iterator[Bounds | None]:
    """Bounds of these subjects, by default all, ever closer, and None where there is but a place to stop.

    `lipschitz` gives exact constants for each axis, value per share; without them they are estimated. Ends where the
    bounds are no further apart than `precision`, or the budget ends; with `decide` as soon as it is clear on which side
    of 0 they lie. Raises AnalysisError for more than four axes with a width, or whole numbers, which have no slope.
    """
    axes = [attempts.trials.axes[axis] for axis in box.free]
    whole = [axis.key for axis in axes if axis.param.integer]
    if len(axes) > MOST_AXES or whole:
        said = f"{whole[0]} takes whole numbers" if whole else f"{len(axes)} are too many"
        raise AnalysisError(f"Bounds are for up to {MOST_AXES} parameters that can be anything between: {said}.")
    asked = attempts.everyone if subjects is None else torch.tensor(subjects)
    cells = _Cells(attempts, box, size, asked)
    try:
        if lipschitz is None:
            yield from cells.estimate(seed)
        else:
            cells.constants[:] = torch.tensor(lipschitz, dtype=torch.float64)
        yield from cells.begin()
        while True:
            now = cells.bounds()
            yield now
            if now.upper - now.lower <= precision or (decide and (now.lower >= 0 or now.upper < 0)):
                return
            yield from cells.cut()
    except Spent:
        return


class _Cells:
    """Cells `[C]` of a box with what is known of every subject `[S]` in each."""

    def __init__(self, attempts: Attempts, box: Box, size: float, subjects: Tensor) -> None:
        self.attempts, self.box, self.size, self.subjects = attempts, box, size, subjects
        low, high = box.ends(size)
        self.root = (high - low) / 2
        self.centers, self.halves = ((low + high) / 2)[None], self.root[None]
        self.constants = torch.zeros(len(subjects), len(low), dtype=torch.float64)
        self.seen = 0
        #: At the centers; NaN where a subject could not be the worst any more and was not asked.
        self.values = torch.full((1, len(subjects)), torch.nan, dtype=torch.float64)
        self.lower = torch.full_like(self.values, -torch.inf)

    def estimate(self, seed: int) -> Generator[None, None, None]:
        """Constants from slopes at nominal and at Sobol points."""
        unit = SobolEngine(len(self.root) + 1, scramble=True, seed=seed).draw(SLOPES, dtype=torch.float64)
        for point in torch.cat([self.attempts.center[None], self.box.spread(unit, self.size)]):
            points = point.expand(len(self.subjects), -1)
            _, steepest = yield from self.attempts.steepest(self.subjects, points, self.box, self.size)
            self.constants = torch.maximum(self.constants, SAFETY * steepest)
            self.seen += len(self.subjects)

    def begin(self) -> Generator[None, None, None]:
        """The whole box as one cell."""
        points = self.centers.expand(len(self.subjects), -1)
        self.values = (yield from self.attempts.asked(self.subjects, points))[None]
        self.lower = self.values - self._reach()

    def bounds(self) -> Bounds:
        """What is known now."""
        seen = self.values.nan_to_num(torch.inf)
        cell, subject = divmod(int(seen.argmin()), len(self.subjects))
        lower, upper = float(self.lower.min()), float(seen[cell, subject])
        at, whose = self.centers[cell], int(self.subjects[subject])
        return Bounds(min(lower, upper), upper, at, whose, len(self.centers), self.constants.amax(0), self.seen)

    def cut(self) -> Generator[None, None, None]:
        """Cuts the cells with the lowest bound in three."""
        chosen = self.lower.amin(1).argsort(stable=True)[:CUT]
        weakest = self.lower[chosen].argmin(1)
        sides = (self.constants[weakest] * self.halves[chosen]).argmax(1)
        parents, lower = self.values[chosen], self.lower[chosen]
        moves = torch.zeros_like(self.centers[chosen])
        moves[torch.arange(len(chosen)), sides] = 2 / 3 * self.halves[chosen, sides]
        self.halves[chosen, sides] /= 3
        open_ = lower < self.values.nan_to_num(torch.inf).min()
        rows, columns = open_.nonzero().unbind(1)
        ends = []
        for sign in (-1, 1):
            centers = self.centers[chosen] + sign * moves
            values = torch.full_like(parents, torch.nan)
            values[rows, columns] = yield from self.attempts.asked(self.subjects[columns], centers[rows])
            ends.append((centers, values))
        self.centers = torch.cat([self.centers, *(centers for centers, _ in ends)])
        self.halves = torch.cat([self.halves, self.halves[chosen], self.halves[chosen]])
        self.values = torch.cat([self.values, *(values for _, values in ends)])
        self.lower = torch.cat([self.lower, lower, lower])
        if self.seen:
            changes = torch.stack([(values - parents).abs() for _, values in ends]).nan_to_num(0.0).amax(0)
            self._raise(changes / moves.sum(1, keepdim=True), sides)
        own = self.values - self._reach()
        self.lower = torch.fmax(self.lower, own)

    def _reach(self) -> Tensor:
        """How far from the value at its center any other in a cell can lie, `[C, S]`."""
        return self.halves @ self.constants.T

    def _raise(self, steepness: Tensor, sides: Tensor) -> None:
        """Takes differences `[cells, S]` along `sides` for slopes, and widens the bounds that smaller ones gave."""
        for axis in sides.unique().tolist():
            found = SAFETY * steepness[sides == axis].amax(0)
            more = (found - self.constants[:, axis]).clamp_min(0)
            self.lower -= more * self.root[axis]
            self.constants[:, axis] += more
