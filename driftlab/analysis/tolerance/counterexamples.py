"""The search for counterexamples: how a region is searched for a failure, and how far one can grow without any.

Every generator here stops between batches, and raises Spent where the budget ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from driftlab.analysis.tolerance.attempts import Attempts
from driftlab.analysis.tolerance.shapes import Box, Shape

__all__ = ["Effort", "Hunter", "Size"]

#: Trials that are made before anyone looks whether one failed.
CHUNK: Final = 64
#: Axes of a box all of whose corners are tried; of more axes so many are drawn.
CORNERED: Final = 5
#: Ways down that are followed without asking, their steps, what of a step is left, and how many ends are then asked.
RIDDLES: Final = 128
GUESSES: Final = 32
FINER: Final = 0.87
FORESEEN: Final = 4
#: Pictures at whose lowest points all others are asked too, where more than one has to fail.
FORETOLD: Final = 12
#: The first step of a descent, a share of the width, and what of it is left at each next one.
STEP: Final = 0.5
DECAY: Final = 0.7
#: Looks along the line from nominal to a failure, and failures that are brought nearer in this way at once.
LOOKS: Final = 6
BROUGHT: Final = 4
#: Failures in a row, each just below the last one, after which the size is halved.
PATIENCE: Final = 3
#: Below this size, as a share of the largest, nothing is looked for.
SMALLEST: Final = 1e-4

Looking = Generator[None, None, bool]
Starts = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a region is searched: descents at once and their steps, Sobol points, whose corners, points drawn."""

    starts: int
    steps: int
    points: int
    cornered: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Size:
    """How far a shape could grow: the largest size without failure, the smallest known to hold one (or infinite).

    `drawn` points were drawn at random in it and held; `complete` tells that the two are as close as was asked.
    """

    held: float
    failed: float
    drawn: int
    complete: bool


class Hunter:
    """Attempts, with the random numbers and the slopes at nominal that searches of several regions share."""

    def __init__(self, attempts: Attempts, seed: int) -> None:
        self.attempts = attempts
        self._random = torch.Generator().manual_seed(seed)
        self._sobol = SobolEngine(len(attempts.center) + 1, scramble=True, seed=seed)
        self._slopes: tuple[set[int], Tensor] | None = None

    def grown(self, shape: Shape, effort: Effort, resolution: float) -> Iterator[Size | None]:
        """How large the shape can be without failure, to a share `resolution`; gives what is known as it changes.

        Just below the smallest failure first: it has been brought as near as its line allows, and mostly holds. Where
        that fails a few times in a row, halfway to what is known to hold.
        """
        attempts, top = self.attempts, shape.largest
        held, drawn, streak = 0.0, 0, 0
        failed = attempts.smallest_failing(shape)
        while held < top and (failed - held > resolution * failed if held else failed > SMALLEST * top):
            size = top
            if failed <= top:
                near = failed * (1 - resolution / 2)
                size = near if streak < PATIENCE and near > held else (held + failed) / 2
            broken = yield from self.broken(shape, size, effort)
            broken |= attempts.smallest_failing(shape) <= size
            count = 0
            while not broken and count < effort.drawn:
                yield Size(size, failed, count, False)
                count += yield from self._sampled(shape, size, effort.drawn - count)
                broken = attempts.smallest_failing(shape) <= size
            if broken:
                yield from self._brought_near(shape, size)
                failed, streak = attempts.smallest_failing(shape), streak + 1
                held, drawn = (held, drawn) if held < failed else (0.0, 0)
            else:
                held, drawn, streak = size, count, 0
            yield Size(held, failed, drawn, False)
        yield Size(held, failed, drawn, True)

    def broken(self, shape: Shape, size: float, effort: Effort) -> Looking:
        """Whether a failure was found in the region.

        By slopes from nominal and from what came nearest to failing; at corners and Sobol points, and where the slopes
        at the lowest of those lead every subject; then step by step from the lowest of all and from random points.
        """
        attempts, everyone = self.attempts, self.attempts.everyone
        if self._slopes is None or not set(shape.free) <= self._slopes[0]:
            at = attempts.center.expand(len(everyone), -1)
            _, _, slopes = yield from attempts.sloped_by_picture(everyone, at, shape, size)
            self._slopes = set(shape.free), slopes.reshape(-1, len(attempts.center))
        foretold, scores = self.foretold(shape, size)
        weakest = scores.argsort(stable=True)
        known = attempts.rows.at(attempts.rows.value.argsort(stable=True)[: effort.starts])
        pool = [(known.subject, shape.into(known.points, size))]
        if attempts.verdict.single:
            pool.append((everyone, foretold))
        else:  # where one picture is lowest others may fail with it
            least = self._foreseen(attempts.center, attempts.nominal.scores, self._slopes[1], shape, size)
            pool.append(_at_all(torch.cat([least, foretold[weakest[:FORETOLD]]])))
        first = yield from self._asked(pool)
        if first is None or (yield from self._descended(*self._few(*first, effort.starts), shape, size, effort)):
            return True
        unit = self._sobol.draw(effort.points, dtype=torch.float64)
        cornered = (weakest if attempts.verdict.single else everyone)[: effort.cornered]
        pool = [_everywhere(cornered, corner) for corner in self._corners(shape, size)]
        pool += [_everywhere(everyone, point) for point in shape.spread(unit, size)]
        second = yield from self._asked(pool)
        if second is None:
            return True
        subjects, points = self._few(*second, max(len(everyone), effort.starts), each=1)
        _, by_picture, slopes = yield from attempts.sloped_by_picture(subjects, points, shape, size)
        if attempts.verdict.single:
            pool = [(subjects, shape.lowest(slopes[:, 0], size))]
        else:
            around = zip(points, by_picture, slopes, strict=True)
            pool = [_at_all(self._foreseen(*each, shape, size)) for each in around]
        third = yield from self._asked(pool)
        if third is None:
            return True
        subjects, points, values = (torch.cat(pair) for pair in zip(second, third, strict=True))
        subjects, points = self._few(subjects, points, values, effort.starts)
        drawn = shape.spread(self._drawn(-(-effort.starts // 2)), size)
        subjects = torch.cat([subjects, subjects[torch.arange(len(drawn)) % len(subjects)]])
        return (yield from self._descended(subjects, torch.cat([points, drawn]), shape, size, effort))

    def foretold(self, shape: Shape, size: float) -> tuple[Tensor, Tensor]:
        """Where in the region the slopes at nominal see each picture lowest, `[N, P]`, and with what scores, `[N]`.

        Once a region of as many axes has been searched.
        """
        assert self._slopes is not None
        slopes = self._slopes[1]
        points = shape.lowest(slopes, size)
        return points, self.attempts.nominal.scores + ((points - self.attempts.center) * slopes).sum(1)

    def _foreseen(self, at: Tensor, scores: Tensor, slopes: Tensor, shape: Shape, size: float) -> Tensor:
        """Where in the region the value would be lowest with these scores `[N]` and slopes `[N, P]` at a point.

        Some points `[few, P]`, found without asking: which pictures can be made to fail together is a riddle even where
        every score is linear.
        """
        verdict = self.attempts.verdict
        points = shape.spread(self._drawn(RIDDLES), size)
        for step in range(GUESSES):
            expected = scores + (points - at) @ slopes.T
            pulls = verdict.pull(expected, slopes.expand(len(points), -1, -1))
            points = shape.stepped(points, pulls, size, STEP * FINER**step)
        values = verdict.values(scores + (points - at) @ slopes.T)
        return points[values.argsort(stable=True)[:FORESEEN]]

    def _sampled(self, shape: Shape, size: float, most: int) -> Generator[None, None, int]:
        """Asks some more points, drawn evenly and independently: how many."""
        everyone = self.attempts.everyone
        points = shape.spread(self._drawn(min(max(CHUNK // self.attempts.verdict.count, 1), most)), size)
        yield from self.attempts.asked(*_joined([_everywhere(everyone, point) for point in points]))
        return len(points)

    def _brought_near(self, shape: Shape, size: float) -> Generator[None, None, None]:
        """Looks for failures on the straight lines from nominal to the nearest ones known in the region."""
        attempts = self.attempts
        rows = attempts.rows
        sizes = shape.size_of(rows.points)
        order = sizes.argsort(stable=True)
        rows = rows.at(order[(rows.value < 0)[order]][:BROUGHT])
        rows = rows.at(shape.size_of(rows.points) <= size * (1 + 1e-9))
        holds, fails = torch.zeros_like(rows.value), torch.ones_like(rows.value)
        low, high = attempts.at_nominal[rows.subject], rows.value
        for look in range(LOOKS):
            share = 0.5 if look % 2 else (low / (low - high)).clamp(0.05, 0.95)
            middle = holds + share * (fails - holds)
            points = attempts.center + middle[:, None] * (rows.points - attempts.center)
            values = yield from attempts.asked(rows.subject, points)
            failed = values < 0
            holds, fails = torch.where(failed, holds, middle), torch.where(failed, middle, fails)
            low, high = torch.where(failed, low, values), torch.where(failed, values, high)

    def _descended(self, subjects: Tensor, points: Tensor, shape: Shape, size: float, effort: Effort) -> Looking:
        """Whether a failure was met on the way down from these points."""
        for step in range(effort.steps):
            values, slopes = yield from self.attempts.sloped(subjects, points, shape, size)
            if bool((values < 0).any()):
                return True
            subjects, points = _distinct(subjects, shape.stepped(points, slopes, size, STEP * DECAY**step))
        values = yield from self.attempts.asked(subjects, points)
        return bool((values < 0).any())

    def _asked(self, pool: Sequence[Starts]) -> Generator[None, None, tuple[Tensor, Tensor, Tensor] | None]:
        """Subjects, points and their values; None as soon as one fails."""
        subjects, points = _distinct(*_joined(pool))
        values = torch.empty(len(points), dtype=torch.float64)
        many = max(CHUNK // len(self.attempts.subjects[0]), 1)
        for first in range(0, len(points), many):
            some = slice(first, first + many)
            values[some] = yield from self.attempts.asked(subjects[some], points[some])
            if bool((values[some] < 0).any()):
                return None
        return subjects, points, values

    def _few(self, subjects: Tensor, points: Tensor, values: Tensor, count: int, each: int = 2) -> Starts:
        """The `count` lowest, at most so many of each subject unless there are too few subjects."""
        most = max(each, -(-count // len(self.attempts.subjects)))
        taken, of = list[int](), Counter[int]()
        for row in values.argsort(stable=True).tolist():
            of[int(subjects[row])] += 1
            if of[int(subjects[row])] <= most and len(taken) < count:
                taken.append(row)
        return subjects[taken], points[taken]

    def _corners(self, shape: Shape, size: float) -> Tensor:
        """All corners of a box of few axes, as many drawn ones of another, none of a ball: `[N, P]`."""
        center, free = self.attempts.center, shape.free
        if not isinstance(shape, Box):
            return center.new_empty(0, len(center))
        if len(free) > CORNERED:
            return shape.corners((self._drawn(2**CORNERED)[:, :-1] - 0.5).sign(), size)
        signs = center.new_ones(2 ** len(free), len(center))
        for number, axis in enumerate(free):
            signs[:, axis] = (
                torch.tensor([-1.0, 1.0]).repeat_interleave(2**number).repeat(2 ** (len(free) - number - 1))
            )
        return shape.corners(signs, size)

    def _drawn(self, count: int) -> Tensor:
        return torch.rand(count, len(self.attempts.center) + 1, generator=self._random, dtype=torch.float64)


def _everywhere(subjects: Tensor, point: Tensor) -> Starts:
    """These subjects, all at one point `[P]`."""
    return subjects, point.expand(len(subjects), -1)


def _joined(pool: Sequence[Starts]) -> Starts:
    return torch.cat([subjects for subjects, _ in pool]), torch.cat([points for _, points in pool])


def _distinct(subjects: Tensor, points: Tensor) -> Starts:
    """The same without repetitions: ways down often meet in a corner."""
    rows = torch.cat([subjects[:, None].to(points), points], 1).unique(dim=0)
    return rows[:, 0].long(), rows[:, 1:]


def _at_all(points: Tensor) -> Starts:
    """These points, for all pictures together."""
    return torch.zeros(len(points), dtype=torch.int64), points
