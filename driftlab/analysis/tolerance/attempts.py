"""Attempts to make the criterion fail: trials with a verdict, a budget, and a memory of all that was asked.

Where one failing picture is enough every picture is a subject that is attacked by itself; else all pictures together
are one. Points are in shares of the axes' searched ranges.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from driftlab.analysis.axes import Axis
from driftlab.analysis.tolerance.findings import Failure
from driftlab.analysis.tolerance.shapes import Shape
from driftlab.analysis.tolerance.verdict import Verdict
from driftlab.analysis.trials import Answers, Trials

__all__ = ["Attempts", "Rows", "Spent", "place_of"]

#: A step of a difference, as a share of the width of the region.
WIDE: Final = 0.125
#: Shares no further apart are the same.
_SAME: Final = 1e-12

Asking = Generator[None, None, Tensor]
Sloping = Generator[None, None, tuple[Tensor, Tensor]]


class Spent(Exception):
    """The budget has no room for what is to be asked next."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Points that were asked, `[M, P]` in shares, of which subject, their values, and the picture that decided.

    `score` and `top` are that picture's, as in `Answers`; a value below 0 is a failure.
    """

    points: Tensor
    subject: Tensor
    value: Tensor
    case: Tensor
    score: Tensor
    top: Tensor

    def at(self, which: Tensor) -> Rows:
        """Some of them."""
        return Rows(*(getattr(self, name)[which] for name in Rows.__slots__))


class Attempts:
    """What was asked of the cases of `trials`, and what may be: `limit` evaluations in all."""

    def __init__(self, trials: Trials, verdict: Verdict, nominal: Answers, *, limit: float) -> None:
        self.trials, self.verdict, self.nominal, self.limit = trials, verdict, nominal, limit
        shares = [axis.to_share(axis.nominal) for axis in trials.axes]
        self.center = torch.tensor(shares, dtype=torch.float64)
        cases = range(verdict.count)
        self.subjects = [(case,) for case in cases] if verdict.single else [tuple(cases)]
        self._each = Verdict(1, 0, verdict.least) if verdict.single else verdict
        #: The values of the subjects at nominal, `[S]`.
        self.at_nominal = self._each.values(nominal.scores.reshape(len(self.subjects), -1))
        self._before = trials.evaluations
        self._rows: list[Rows] = []
        self._failed: dict[int, Failure] = {}

    @property
    def evaluations(self) -> int:
        """Trials made so far."""
        return self.trials.evaluations - self._before

    @property
    def everyone(self) -> Tensor:
        """All subjects."""
        return torch.arange(len(self.subjects))

    @property
    def rows(self) -> Rows:
        """All that was asked, in order."""
        none = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.float64)
        empty = Rows(self.center.new_zeros(0, len(self.center)), none[0], none[1], none[0], none[1], none[0])
        if len(self._rows) != 1:
            parts = [empty, *self._rows]
            self._rows = [Rows(*(torch.cat([getattr(rows, name) for rows in parts]) for name in Rows.__slots__))]
        return self._rows[0]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The lowest score of every picture that failed where the criterion did, the worst first."""
        return tuple(sorted(self._failed.values(), key=lambda failure: (failure.score, failure.case)))

    def failure_at(self, row: int) -> Failure:
        """The deciding picture of a row."""
        rows = self.rows
        place = self.placed(rows.points[row : row + 1])[1][0]
        return self._failure(int(rows.case[row]), place, float(rows.score[row]), int(rows.top[row]))

    def smallest_failing(self, shape: Shape) -> float:
        """The size of the smallest region of this shape with a known failure in it; infinite if there is none."""
        sizes = shape.size_of(self.rows.points[self.rows.value < 0])
        return float(sizes.min()) if len(sizes) else float("inf")

    def placed(self, points: Tensor) -> tuple[Tensor, list[list[float]]]:
        """Points `[N, P]` and their positions; whole numbers are rounded toward nominal, which moves the points."""
        axes, center = self.trials.axes, self.center.tolist()
        places = [[*map(place_of, axes, row, center)] for row in points.tolist()]
        if any(axis.param.integer for axis in axes):
            moved = [[axis.to_share(at) for axis, at in zip(axes, place, strict=True)] for place in places]
            whole = torch.tensor([axis.param.integer for axis in axes])
            points = torch.where(whole, torch.tensor(moved, dtype=torch.float64).reshape(points.shape), points)
        return points, places

    def asked(self, subjects: Tensor, points: Tensor) -> Asking:
        """The values of subjects `[M]` at points `[M, P]`, `[M]`. Raises Spent."""
        points, answers = yield from self._asked(subjects, points)
        return self._remembered(subjects, points, answers)

    def sloped(self, subjects: Tensor, points: Tensor, shape: Shape, size: float) -> Sloping:
        """The values `[M]`, and the slopes by share of what is to be brought down, `[M, P]`. Raises Spent.

        Where a model or an axis has no slopes, differences over wide steps within the region take their place.
        """
        values, scores, slopes = yield from self.sloped_by_picture(subjects, points, shape, size)
        return values, self._each.pull(scores, slopes)

    def steepest(self, subjects: Tensor, points: Tensor, shape: Shape, size: float) -> Sloping:
        """The values `[M]`, and by every axis the steepest slope of any picture's score, `[M, P]`. Raises Spent.

        Of a segmentation from differences: its slopes are those of a smooth stand-in.
        """
        values, _, slopes = yield from self.sloped_by_picture(
            subjects, points, shape, size, smooth=not self.verdict.mean
        )
        return values, slopes.abs().amax(1)

    def sloped_by_picture(
        self, subjects: Tensor, points: Tensor, shape: Shape, size: float, *, smooth: bool = True
    ) -> Generator[None, None, tuple[Tensor, Tensor, Tensor]]:
        """Values `[M]`, and of every picture scores `[M, pictures]` and their slopes by share `[M, pictures, P]`.

        Without `smooth` all slopes are from differences. Raises Spent.
        """
        axes, free, smooth = self.trials.axes, shape.free, smooth and self.trials.differentiable
        rough = [axis for axis in free if axes[axis].gradient == "none" or not smooth]
        found = torch.zeros(len(subjects), len(self.subjects[0]), len(axes), dtype=torch.float64)
        if len(rough) < len(free):
            points, places = self.placed(points)
            which = self._pay(subjects)
            answers, slopes = yield from self.trials.slopes(which, self._each_picture(places))
            rates = [[axis.rate(at) for axis, at in zip(axes, place, strict=True)] for place in places]
            found += slopes.view(found.shape) * torch.tensor(rates, dtype=torch.float64)[:, None]
        else:
            points, answers = yield from self._asked(subjects, points)
        values = self._remembered(subjects, points, answers)
        for axis in rough:
            found[..., axis] = yield from self._difference(subjects, points, axis, shape, size)
        return values, answers.scores.view(len(subjects), -1), found

    def _difference(self, subjects: Tensor, points: Tensor, axis: int, shape: Shape, size: float) -> Asking:
        """The slope of every picture's score along one axis, `[M, pictures]`, from two more trials of each."""
        moving = self.trials.axes[axis]
        low, high = shape.into(torch.stack([self.center - 1, self.center + 1]), size)[:, axis].tolist()
        step = torch.zeros_like(points)
        step[:, axis] = max(WIDE * (high - low), 1 / (moving.high - moving.low) if moving.param.integer else 0.0)
        ends, scores = [], []
        for sign in (-1, 1):
            moved, answers = yield from self._asked(subjects, shape.into(points + sign * step, size))
            self._remembered(subjects, moved, answers)
            ends.append(moved[:, axis, None])
            scores.append(answers.scores.view(len(subjects), -1))
        apart = ends[1] - ends[0]
        return torch.where(apart > _SAME, (scores[1] - scores[0]) / apart.clamp_min(_SAME), 0.0)

    def _asked(self, subjects: Tensor, points: Tensor) -> Generator[None, None, tuple[Tensor, Answers]]:
        points, places = self.placed(points)
        which = self._pay(subjects)
        return points, (yield from self.trials.ask(which, self._each_picture(places)))

    def _pay(self, subjects: Tensor) -> list[int]:
        """The pictures of subjects, one after the other, if the budget has room for a trial of each."""
        which = [case for subject in subjects.tolist() for case in self.subjects[subject]]
        if self.evaluations + len(which) > self.limit:
            raise Spent
        return which

    def _each_picture(self, places: Sequence[list[float]]) -> list[list[float]]:
        return [place for place in places for _ in self.subjects[0]]

    def _remembered(self, subjects: Tensor, points: Tensor, answers: Answers) -> Tensor:
        scores, tops = answers.scores.view(len(subjects), -1), answers.top.view(len(subjects), -1)
        values, decides = self._each.values(scores), self._each.deciding(scores)[:, None]
        cases = torch.tensor(self.subjects)[subjects]
        own = (each.gather(1, decides)[:, 0] for each in (cases, scores, tops))
        self._rows.append(Rows(points, subjects, values, *own))
        for row in (values < 0).nonzero()[:, 0].tolist():
            place = self.placed(points[row : row + 1])[1][0]
            for case, score, top in zip(cases[row].tolist(), scores[row].tolist(), tops[row].tolist(), strict=True):
                if score < self._level(case) and (case not in self._failed or score < self._failed[case].score):
                    self._failed[case] = self._failure(case, place, score, top)
        return values

    def _level(self, case: int) -> float:
        """The score below which a picture is among those that failed: where the mean decides, its nominal one."""
        return float(self.nominal.scores[case]) if self.verdict.mean else self.verdict.least

    def _failure(self, case: int, place: Sequence[float], score: float, top: int) -> Failure:
        labels, before = self.trials.model.labels, int(self.nominal.top[case])
        names = (labels[before], labels[top]) if before >= 0 else ("", "")
        return Failure(case, tuple(place), *names, score)


def place_of(axis: Axis, share: float, center: float) -> float:
    """The position at a share; nominal, at `center`, is met exactly, and whole numbers lie no farther from it."""
    if abs(share - center) < _SAME:
        return axis.nominal
    position = axis.at_share(share)
    if axis.param.integer and abs(axis.to_share(position) - center) > abs(share - center) + _SAME:
        position += math.copysign(1.0, axis.nominal - position)
    return position
