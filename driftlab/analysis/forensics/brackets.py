"""Brackets: where on a line of travels a model breaks, between the last point that holds and the first that fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final

import torch

from driftlab.analysis.forensics.breakage import Bracket
from driftlab.analysis.forensics.visits import Visit, Visits
from driftlab.analysis.trials import Trials

__all__ = ["asked", "bracket_of", "halved", "leads_of", "penalty_of", "scanned", "travel_of"]

#: What is left of a visit before something is lost; and how far a visit is from nominal.
Lead = Callable[[Visit], float]
Size = Callable[[Visit], float]

#: A bracket is closed where its ends are this share of its travel or less apart.
CLOSED: Final = 1 / 64


def scanned(visits: Visits, trials: Trials, number: int, points: int) -> Generator[None, None, list[Visit]]:
    """So many travels of one axis to either side, each twice as far as the one before, the last to the end."""
    travels = [
        [room * 0.5**power] for room in visits.room(number) if abs(room) > 1e-9 for power in reversed(range(points))
    ]
    return (yield from visits.make(trials, [number], travels)) if travels else []


def leads_of(visits: Visits, floor: float, break_at: float) -> tuple[Lead, Lead]:
    """How far a visit is from making any picture flip, and from breaking the model: at or below 0 where it does.

    Both are continuous where scores are, so that it can be reckoned where between two visits they cross 0.
    """
    right = visits.nominal.scores > 0
    limits = break_at * visits.nominal.scores if visits.segments else torch.zeros(visits.count, dtype=torch.float64)
    kept = max(number for number in range(visits.count + 1) if number / visits.count <= floor)

    def flip(visit: Visit) -> float:
        return float((visit.scores - limits)[right].min())

    def broken(visit: Visit) -> float:
        if visits.segments:
            return visit.metric - floor
        return float(visit.scores.sort(descending=True).values[kept])

    return flip, broken


def travel_of(number: int) -> Size:
    """How far a visit is by the travel of one axis."""
    return lambda visit: abs(visit.travel[number])


def penalty_of(visit: Visit) -> float:
    """How far a visit is by its views."""
    return visit.penalty


def bracket_of(visits: Visits, number: int, lead: Lead, size: Size) -> Bracket | None:
    """Where on one axis `lead` is lost nearest by, by `size`; None where it was not seen to be lost.

    Between two visits that hold there may be a place that does not: only what was visited counts as seen.
    """
    sides = list(_sides(visits, number, lead))
    if not sides:
        return None
    held, failed = min(sides, key=lambda side: size(side[1]))
    lower = min(abs(near.travel[number]) for near, _ in [*_open(sides, number, size), (held, failed)])
    return Bracket(
        visits.position(number, held.travel[number]), visits.position(number, failed.travel[number]),
        lower, abs(failed.travel[number]), closed=not _open(sides, number, size),
    )  # fmt: skip


def asked(visits: Visits, number: int, lead: Lead, size: Size, *, halve: bool) -> float | None:
    """The travel to visit next, to close a bracket; None where it is closed. `halve` it, or reckon where it is."""
    between = _open(list(_sides(visits, number, lead)), number, size)
    if not between:
        return None
    held, failed = min(between, key=lambda side: size(side[0]))
    near, far = abs(held.travel[number]), abs(failed.travel[number])
    ahead, behind = lead(held), lead(failed)
    place = (near + far) / 2
    if not halve and ahead > 0 >= behind:
        crossing = near + (far - near) * ahead / (ahead - behind)
        # A little beyond it, so that the next visit closes in from the other end.
        aside = CLOSED * far / 3
        place = crossing + aside if crossing < place else crossing - aside
        edge = (far - near) / 50
        place = min(max(place, near + edge), far - edge)
    return math.copysign(place, failed.travel[number])


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


def _sides(visits: Visits, number: int, lead: Lead) -> Iterator[tuple[Visit, Visit]]:
    """To either side the last visit before the first that fails, and that one, where there is any."""
    own = sorted(visits.within((number,)), key=travel_of(number))
    for side in (-1, 1):
        held = visits.made[0]
        for each in own:
            if each.travel[number] * side > 0:
                if lead(each) <= 0:
                    yield held, each
                    break
                held = each


def _open(sides: Sequence[tuple[Visit, Visit]], number: int, size: Size) -> list[tuple[Visit, Visit]]:
    """Those between whose ends something nearer may lie than the nearest that is known."""
    best = min((size(failed) for _, failed in sides), default=0.0)
    found = []
    for held, failed in sides:
        near, far = abs(held.travel[number]), abs(failed.travel[number])
        if size(held) < (1 - CLOSED) * best and far - near > CLOSED * far:
            found.append((held, failed))
    return found
