"""Visits as findings: the curve of a group, what breaks it, what one parameter does alone, and pictures to look at."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch

from driftlab.analysis.forensics.brackets import bracket_of, leads_of, penalty_of, travel_of
from driftlab.analysis.forensics.breakage import Flip, GroupFinding, Move, ParameterFinding, Sight, View, Weighed
from driftlab.analysis.forensics.visits import Visit, Visits

__all__ = ["gallery_of", "group_finding", "parameter_finding", "sight_of"]


def sight_of(visits: Visits, visit: Visit, members: Sequence[int], break_at: float) -> Sight:
    """A visit, told by what these axes moved."""
    moves = []
    for number in members:
        axis, travel = visits.axes[number], visit.travel[number]
        at_end = travel != 0 and min(abs(travel - end) for end in visits.room(number)) < 1e-9
        moves.append(Move(axis.key, axis.unit, axis.nominal, visits.position(number, travel), travel, at_end))
    flips = []
    for index in visits.flipped(visit.scores, break_at).nonzero()[:, 0].tolist():
        before, after = _label(visits, visits.nominal.top, index), _label(visits, visit.top, index)
        margins = float(visits.nominal.scores[index]), float(visit.scores[index])
        flips.append(Flip(index, before, after, *margins, visits.distance.of(float(visit.penalties[index]))))
    return Sight(tuple(moves), visit.metric, visit.loss, visits.distance.of(visit.penalty), tuple(flips))


def group_finding(
    visits: Visits,
    name: str,
    members: Sequence[int],
    weights: Sequence[float],
    floor: float,
    break_at: float,
    *,
    complete: bool,
    evaluations: int,
) -> GroupFinding:
    """What is known of a group by now."""
    own = sorted(visits.within(members), key=lambda each: each.penalty)
    reached = list[tuple[float, float]]()
    for each in own:
        if not reached or each.metric < reached[-1][1]:
            reached.append((visits.distance.of(each.penalty), each.metric))
    breaking = next((each for each in own if each.metric <= floor), None)
    return GroupFinding(
        name,
        tuple(visits.axes[number] for number in members),
        tuple(Weighed(weight, sight_of(visits, visits.best(members, weight), members, break_at)) for weight in weights),
        tuple(reached),
        None if breaking is None else sight_of(visits, breaking, members, break_at),
        sight_of(visits, _worst(own), members, break_at),
        complete,
        evaluations,
    )


def parameter_finding(visits: Visits, number: int, floor: float, break_at: float) -> ParameterFinding:
    """What is known of one axis by itself."""
    own = sorted(visits.within((number,)), key=lambda each: each.penalty)
    breaking = next((each for each in own if each.metric <= floor), None)
    by_travel = sorted(own, key=lambda each: abs(each.travel[number]))
    flipping = next((each for each in by_travel if bool(visits.flipped(each.scores, break_at).any())), None)
    flip, broken = leads_of(visits, floor, break_at)
    return ParameterFinding(
        visits.axes[number],
        None if flipping is None else sight_of(visits, flipping, (number,), break_at),
        bracket_of(visits, number, flip, travel_of(number)),
        None if breaking is None else sight_of(visits, breaking, (number,), break_at),
        bracket_of(visits, number, broken, penalty_of),
        sight_of(visits, _worst(own), (number,), break_at),
        any(each.penalty > 1e-12 for each in own),
    )


def gallery_of(visits: Visits, found: GroupFinding, count: int) -> Generator[None, None, list[View]]:
    """Pictures that flip where the group breaks the model, or at its worst; unlike flips, the nearest views first."""
    sight = found.breaks or found.worst
    moved = {move.key: move.position for move in sight.moves}
    place = [moved.get(axis.key, axis.nominal) for axis in visits.axes]
    nearest = sorted(sight.flips, key=lambda flip: flip.distance)
    kinds = {(flip.before, flip.after): flip for flip in reversed(nearest)}
    unlike = [flip for flip in nearest if flip in kinds.values()]
    chosen = [*unlike, *(flip for flip in nearest if flip not in unlike)][:count]
    views = []
    for flip in chosen:
        with torch.no_grad():
            drifted = visits.trials.pictures(flip.case, [place])[0].float()
        nominal = visits.view(flip.case)[0].float()
        views.append(View(found.name, flip.case, nominal.numpy(), drifted.numpy(), flip, sight))
        yield
    return views


def _worst(own: Sequence[Visit]) -> Visit:
    """The lowest metric; of equals the nearest view."""
    return min(own, key=lambda each: (each.metric, each.penalty))


def _label(visits: Visits, top: torch.Tensor, index: int) -> str:
    labels = visits.trials.model.labels
    return labels[int(top[index])] if labels and int(top[index]) >= 0 else ""
