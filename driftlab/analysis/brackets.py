"""Brackets: where on a line of travels a model breaks, between the last point that holds and the first that fails."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from driftlab.analysis.trials import Trials
from driftlab.analysis.visits import Visit, Visits

__all__ = ["bracketed", "halved", "scanned"]


def scanned(visits: Visits, trials: Trials, number: int, points: int) -> Generator[None, None, list[Visit]]:
    """So many travels of one axis to either side, each twice as far as the one before, the last to the end."""
    travels = [
        [room * 0.5**power] for room in visits.room(number) if abs(room) > 1e-9 for power in reversed(range(points))
    ]
    return (yield from visits.make(trials, [number], travels)) if travels else []


def bracketed(
    visits: Visits, trials: Trials, number: int, floor: float, break_at: float, halvings: int
) -> Generator[None, None, None]:
    """Visit what lies between holding and failing on either side of nominal: of the metric, and of the first picture.

    Between two points that hold there may be one that does not: what is found is the nearest that was seen to fail.
    """
    for side in (-1, 1):
        line = _line(visits, number, side)
        held, failed = _ends([abs(each.travel[number]) for each in line], [each.metric <= floor for each in line])
        if failed is not None:
            for _ in range(halvings):
                middle = (held + failed) / 2
                (made,) = yield from visits.make(trials, [number], [[side * middle]])
                held, failed = (held, middle) if made.metric <= floor else (middle, failed)
        line = _line(visits, number, side)
        flipped = [visits.flipped(each.scores, break_at) for each in line]
        held, failed = _ends([abs(each.travel[number]) for each in line], [bool(each.any()) for each in flipped])
        if failed is None:
            continue
        first = next(each for each in flipped if bool(each.any()))
        which = first.nonzero()[:, 0].tolist()
        for _ in range(halvings):
            middle = (held + failed) / 2
            scores = visits.nominal.scores.clone()
            scores[which] = yield from visits.ask(trials, [number], which, [side * middle])
            fallen = visits.flipped(scores, break_at).nonzero()[:, 0].tolist()
            which, held, failed = (fallen, held, middle) if fallen else (which, middle, failed)
        yield from visits.make(trials, [number], [[side * failed]])


def halved(
    visits: Visits, trials: Trials, members: Sequence[int], floor: float, halvings: int, lines: int = 2
) -> Generator[None, None, None]:
    """Visit the lines from nominal to the nearest views that break it, to come nearer yet."""
    broken = sorted((each for each in visits.within(members) if each.metric <= floor), key=lambda each: each.penalty)
    for far in broken[:lines]:
        travel = [far.travel[number] for number in members]
        held, failed = 0.0, 1.0
        for _ in range(halvings):
            middle = (held + failed) / 2
            (made,) = yield from visits.make(trials, members, [[middle * each for each in travel]])
            held, failed = (held, middle) if made.metric <= floor else (middle, failed)


def _line(visits: Visits, number: int, side: int) -> list[Visit]:
    """All visits of one axis to one side, the nearest first."""
    found = [each for each in visits.within((number,)) if each.travel[number] * side > 0]
    return sorted(found, key=lambda each: abs(each.travel[number]))


def _ends(travels: Sequence[float], fails: Sequence[bool]) -> tuple[float, float | None]:
    """The last travel before the first that fails, and that one, if there is any."""
    held = 0.0
    for travel, fail in zip(travels, fails, strict=True):
        if fail:
            return held, travel
        held = travel
    return held, None
