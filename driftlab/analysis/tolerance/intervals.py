"""The search along one axis: the widest interval around nominal in which a criterion holds.

A coarse scan over the whole range finds where it fails, and where it holds again beyond; then the ends are closed in on
from both sides. Whom to ask first, and where to look next, is expected of margins and slopes; what is reported as
holding was asked of all pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import torch
from torch import Tensor

from driftlab.analysis.tolerance.findings import AxisFinding, End, Failure
from driftlab.analysis.tolerance.margins import Margins, Place
from driftlab.analysis.tolerance.rule import Rule
from driftlab.analysis.trials import Answers, Steps, Trials

__all__ = ["RESOLUTION", "AxisSearch"]

#: How far apart the last position that holds and the first that fails may stay, in shares of the range.
RESOLUTION: Final = 1 / 64
#: The widest step of the coarse scan.
STEP: Final = 1 / 6
#: Of the resolution: what two probes around an expected end leave between them, so that rounding does not spoil it.
CLOSE: Final = 0.98


class _Spent(Exception):
    """The budget does not reach for the next question."""


class AxisSearch:
    """The search along the one axis of `trials`; `run` is the work, `finding` what has come of it so far.

    `slopes` are d score / d position at nominal, `[N]`, where there are any; `limit` is the most trials it may make.
    """

    def __init__(
        self,
        trials: Trials,
        rule: Rule,
        nominal: Answers,
        slopes: Tensor | None,
        *,
        limit: float = math.inf,
        resolution: float = RESOLUTION,
    ) -> None:
        self.trials, self.rule, self.limit, self.resolution = trials, rule, limit, resolution
        (self.axis,) = trials.axes
        start = Place(self.axis.to_share(self.axis.nominal), self.axis.nominal, nominal.scores, nominal.top)
        by_share = None if slopes is None else slopes * self._position_by_share(start.share)
        self.margins = Margins(self.axis, start, by_share)
        self.done = False

    def run(self) -> Steps:
        """Search; stops between batches. Nothing is left to do when it ends, or the limit does not reach."""
        try:
            yield from self._settled(self._coarse())
            yield from self._doubted()
            yield from self._closed_in()
            self.done = True
        except _Spent:
            return

    def finding(self) -> AxisFinding:
        """What is known so far."""
        places = [place for place in self.margins.sorted() if self._verdict(place) is not None]
        lower, upper = (self._end(side) for side in (-1, 1))
        gaps = tuple(self._gaps())
        return AxisFinding(
            self.axis,
            "holds-on-samples" if self.done else "unproven",
            lower,
            upper,
            tuple(self.rule.probe(place.position, place.scores) for place in places),
            gaps,
            not gaps,
            self.trials.evaluations,
            self._resolution_in_unit(),
        )

    # The three steps

    def _coarse(self) -> list[Place]:
        """Places from end to end, even on either side of nominal."""
        nominal, shares = self.margins.nominal.share, []
        for end in (0.0, 1.0):
            count = math.ceil(abs(end - nominal) / STEP - 1e-9)
            shares += [nominal + (end - nominal) * k / count for k in range(1, count + 1)]
        return self._new(shares)

    def _doubted(self) -> Steps:
        """Looks where margins fall from both sides, so that a hole may lie between two places that hold."""
        while places := self._new(self._dips()):
            yield from self._asked([(place, self._next(place)) for place in places])
            yield from self._settled([place for place in places if not self._leaning(place)])
            if all(self._leaning(place) for place in places):
                return

    def _closed_in(self) -> Steps:
        """Brings the last place that holds and the first that fails together, on both sides at once."""
        sides = [_Side(self, sign) for sign in (-1, 1)]
        while any(side.open for side in sides):
            sure = [side.held for side in sides if side.open and side.narrow]
            yield from self._settled(sure)
            for side in sides:
                side.learn()
            looked = {side: self._new(side.guesses()) for side in sides if side.open and not side.narrow}
            asked = [place for places in looked.values() for place in places]
            yield from self._asked([(place, self._next(place)) for place in asked])
            yield from self._settled([place for place in asked if not self._leaning(place)])
            for side, places in looked.items():
                side.take(places)

    # Asking

    def _new(self, shares: Iterable[float]) -> list[Place]:
        """The places at these shares that nobody has been asked at."""
        found = {place.position: place for place in map(self.margins.at, shares)}
        return [place for place in found.values() if not bool(place.asked.any())]

    def _settled(self, places: Sequence[Place]) -> Steps:
        """Asks on until it is decided at every one of these places whether the criterion holds."""
        while some := [place for place in places if self._verdict(place) is None]:
            yield from self._asked([(place, self._next(place)) for place in some])

    def _asked(self, wanted: Sequence[tuple[Place, Sequence[int]]]) -> Steps:
        rows = [(place, index) for place, some in wanted for index in some]
        if self.trials.evaluations + len(rows) > self.limit:
            raise _Spent
        answers: Answers = yield from self.trials.ask([index for _, index in rows], [[p.position] for p, _ in rows])
        for (place, index), score, top in zip(rows, answers.scores, answers.top, strict=True):
            place.scores[index], place.tops[index] = score, top

    def _next(self, place: Place) -> list[int]:
        """Whom to ask next: those expected to be the worst; as many as may tell, then as many again."""
        rule, asked = self.rule, int(place.asked.sum())
        first = max(math.ceil(rule.count / 4) if rule.segmentation else rule.may_fail + 1 + rule.count // 8, 1)
        order = self.margins.expected(place.share).masked_fill(place.asked, torch.inf).argsort(stable=True)
        return [int(index) for index in order[: min(max(first, asked), rule.count - asked)]]

    # Judging

    def _verdict(self, place: Place) -> bool | None:
        return self.rule.decided(place.scores)

    def _leaning(self, place: Place) -> bool:
        """Whether the criterion is expected to hold, by those asked and what is expected of the others."""
        decided = self._verdict(place)
        return bool(self.rule.decided(self.margins.expected(place.share))) if decided is None else decided

    def _outward(self, sign: int) -> list[Place]:
        """The places from nominal on to one side."""
        nominal = self.margins.nominal.share
        return sorted(
            (place for place in self.margins.places.values() if (place.share - nominal) * sign >= 0),
            key=lambda place: abs(place.share - nominal),
        )

    def held_and_failed(self, sign: int) -> tuple[Place, Place | None]:
        """The last place that holds before the first one that fails, on one side; None where all hold."""
        held = self.margins.nominal
        for place in self._outward(sign):
            verdict = self._verdict(place)
            if verdict is False:
                return held, place
            held = place if verdict else held
        return held, None

    def _dips(self) -> list[float]:
        """Where the margin of some picture may fall below its limit between neighbors that hold."""
        low, high = (self.held_and_failed(sign)[0].share for sign in (-1, 1))
        whole = [place for place in self.margins.sorted() if low <= place.share <= high and self._verdict(place)]
        found = []
        for at in range(1, len(whole) - 2):
            before, a, b, after = whole[at - 1 : at + 3]
            falls = (a.scores - before.scores) / (a.share - before.share)
            rises = (after.scores - b.scores) / (after.share - b.share)
            turn = (b.scores - a.scores + falls * a.share - rises * b.share) / (falls - rises)
            depth = a.scores + falls * (turn - a.share)
            inside = (falls < 0) & (rises > 0) & (turn > a.share) & (turn < b.share)
            depth = (depth - self._least(a, b)).masked_fill(~inside, torch.inf)
            worst = int(depth.argmin())
            if float(depth[worst]) < 0 and b.share - a.share > self.resolution:
                found.append(float(turn[worst]))
        return found

    def _least(self, a: Place, b: Place) -> Tensor:
        """The score below which a picture would count as failing; of a segmentation, what all may lose."""
        if not self.rule.segmentation:
            return torch.full_like(a.scores, self.rule.least)
        return torch.minimum(a.scores, b.scores) - (self.rule.metric - self.rule.floor)

    # Telling

    def _end(self, sign: int) -> End:
        held, failed = self.held_and_failed(sign)
        last = self.axis.low if sign < 0 else self.axis.high
        rate, low, high = self.rule.failing(held.scores)
        failure = None if failed is None else self._failure(failed)
        fails = None if failed is None else failed.position
        return End(held.position, fails, failed is None and held.position == last, rate, low, high, failure)

    def _failure(self, place: Place) -> Failure:
        """The worst picture at a place, of those that hold nominally if there are any."""
        nominal, labels = self.margins.nominal, self.trials.model.labels
        bad = place.asked & ~self.rule.good(place.scores)
        fresh = bad & self.rule.good(nominal.scores)
        among = fresh if bool(fresh.any()) else bad
        index = int(place.scores.masked_fill(~among, torch.inf).argmin())
        before, after = (
            "" if int(each[index]) < 0 else labels[int(each[index])] for each in (nominal.tops, place.tops)
        )
        return Failure(index, (place.position,), before, after, float(place.scores[index]))

    def _gaps(self) -> Iterable[tuple[float, float]]:
        """Where it was seen to hold again, beyond a failure."""
        for sign in (-1, 1):
            places = [place for place in self._outward(sign) if self._verdict(place) is not None]
            runs = [list(run) for _, run in groupby(places, key=self._verdict)]
            for run in runs[2::2]:
                first, last = sorted((run[0].position, run[-1].position))
                yield first, last

    def _position_by_share(self, share: float) -> float:
        """D position / d share."""
        axis = self.axis
        return axis.nominal * math.log(axis.high / axis.low) if axis.log else axis.high - axis.low

    def _resolution_in_unit(self) -> float:
        share = self.margins.nominal.share
        step = self.resolution if share + self.resolution <= 1 else -self.resolution
        position = self.axis.at_share(share + step)
        return max(abs(position - self.axis.nominal), 1.0 if self.axis.param.integer else 0.0)


class _Side:
    """One side of an interval while it is closed in on: `held` holds, perhaps only as expected; `failed` fails."""

    def __init__(self, search: AxisSearch, sign: int) -> None:
        self.search, self.sign = search, sign
        self.held, self.failed = search.held_and_failed(sign)
        self.widths: list[float] = []

    @property
    def open(self) -> bool:
        """Whether there is something left to find."""
        return self.failed is not None and not (self.narrow and self.search._verdict(self.held))

    @property
    def narrow(self) -> bool:
        """Whether nothing is left between the two."""
        assert self.failed is not None
        axis, apart = self.search.axis, abs(self.failed.share - self.held.share)
        whole = axis.param.integer and abs(self.failed.position - self.held.position) <= 1
        return whole or apart <= self.search.resolution * (1 + 1e-6)

    def learn(self) -> None:
        """Takes in what has been decided: where it only leaned to hold, it may fail after all."""
        held, failed = self.search.held_and_failed(self.sign)
        if self.search._verdict(self.held) is False or self.search._verdict(self.held):
            self.held, self.failed = held, failed

    def guesses(self) -> list[float]:
        """Where to look next: just before and just after the expected end, or halfway."""
        assert self.failed is not None
        search, low, high = self.search, self.held.share, self.failed.share
        apart, half = abs(high - low), self.sign * search.resolution * CLOSE / 2
        self.widths.append(apart)
        middle = [(low + high) / 2]
        if search.axis.param.integer:
            ends = sorted((self.held.position, self.failed.position))
            inner = min(max(round(search.axis.at_share(middle[0])), ends[0] + 1), ends[1] - 1)
            return [search.axis.to_share(inner)]
        if len(self.widths) > 2 and apart > self.widths[-3] / 4:  # slower than halving: expectations mislead here
            return middle
        end = self._expected_end(low, high)
        inside = [share for share in (end - half, end + half) if 0.02 < (share - low) / (high - low) < 0.98]
        return inside or middle

    def _expected_end(self, low: float, high: float) -> float:
        """The first share from the one that holds to the one that fails where the criterion is expected to fail."""
        steps = 2 * math.ceil(abs(high - low) / self.search.resolution)
        shares = [low + (high - low) * k / steps for k in range(1, steps)]
        expected = (self.search.rule.decided(self.search.margins.expected(share)) for share in shares)
        return next((share for share, holds in zip(shares, expected, strict=True) if holds is False), high)

    def take(self, places: Sequence[Place]) -> None:
        """Takes in what was found at new places."""
        for place in sorted(places, key=lambda place: abs(place.share - self.held.share)):
            if not self.search._leaning(place):
                self.failed = place
                return
            self.held = place
