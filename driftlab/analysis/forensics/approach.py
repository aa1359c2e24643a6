"""The nearest view that breaks a model: where a plane laid at a known point says that enough pictures flip.

Of the pictures that are right, those that flip nearest by must flip, as many as it takes; their leads are taken as
linear where they were asked for, and the point next to nominal is the solution of a quadratic program, as in Croce &
Hein, Minimally distorted adversarial examples (FAB), ICML 2020, with the length of a step in the views for its norm.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Final

import torch
from torch import Tensor

from driftlab.analysis.forensics.ascent import Metric
from driftlab.analysis.forensics.visits import Visits
from driftlab.analysis.trials import Trials

__all__ = ["COST", "approached"]

#: What is tried of a solution, for the leads are not quite linear.
STRETCHES: Final = (0.6, 0.8, 0.95, 1.1, 1.4, 2.0)
ROUNDS: Final = 4
#: Trials of every picture, at most.
COST: Final = ROUNDS * (1 + len(STRETCHES))
#: The most pictures that are asked to flip at once: those of them that are hardest to.
ASKED: Final = 32
SWEEPS: Final = 200
#: Two directions differ where their views are at this cosine or less.
APART: Final = 0.98


def approached(
    visits: Visits, trials: Trials, members: Sequence[int], metric: Metric, floor: float, break_at: float
) -> Generator[None, None, None]:
    """From nominal, then from the nearest views known to break it that lie in other directions than those before."""
    curvature = metric.of(members)
    low, high = (torch.tensor([visits.room(n)[end] for n in members], dtype=torch.float64) for end in (0, 1))
    at, starts = torch.zeros(len(members), dtype=torch.float64), list[Tensor]()
    for _ in range(ROUNDS):
        _, leads, slopes = yield from visits.leads(trials, members, at.tolist())
        if visits.segments:
            aim = break_at * (1 - visits.made[0].loss)
            slopes, short = slopes.mean(0, keepdim=True), leads.mean(0, keepdim=True) - aim
        else:
            right = visits.nominal.scores > 0
            slopes, short = slopes[right], leads[right]
        limits = slopes @ at - short
        chosen = _easiest(slopes, limits, curvature, 1 if visits.segments else _needed(visits, floor))
        found = _nearest(slopes[chosen], limits[chosen], curvature, low, high)
        if bool(found.any()):
            travels = [(found * stretch).clamp(low, high).tolist() for stretch in STRETCHES]
            yield from visits.make(trials, members, travels)
        place = _elsewhere(visits, members, curvature, floor, starts)
        if place is None:
            return
        at = place
        starts.append(at)


def _elsewhere(
    visits: Visits, members: Sequence[int], curvature: Tensor, floor: float, starts: Sequence[Tensor]
) -> Tensor | None:
    """The travel of the nearest view known to break it in a direction that is none of those of `starts`."""
    for visit in sorted(
        (each for each in visits.within(members) if each.metric <= floor), key=lambda each: each.penalty
    ):
        travel = torch.tensor([visit.travel[number] for number in members], dtype=torch.float64)
        if all(_cosine(travel, start, curvature) < APART for start in starts):
            return travel
    return None


def _cosine(first: Tensor, second: Tensor, curvature: Tensor) -> float:
    return float(first @ curvature @ second / ((first @ curvature @ first) * (second @ curvature @ second)).sqrt())


def _needed(visits: Visits, floor: float) -> int:
    """How many pictures must flip."""
    right = int((visits.nominal.scores > 0).sum())
    return min(max(math.ceil(right - floor * visits.count - 1e-9), 1), right)


def _easiest(slopes: Tensor, limits: Tensor, curvature: Tensor, count: int) -> list[int]:
    """Of pictures with `slopes` `[n, P]` the `count` that are nearest to flipping, at most `ASKED` of them."""
    reach = (slopes * torch.linalg.solve(curvature, slopes.T).T).sum(1).clamp_min(1e-30).sqrt()
    order: list[int] = ((-limits).clamp_min(0) / reach).argsort(stable=True).tolist()
    return order[:count][-ASKED:]


def _nearest(slopes: Tensor, limits: Tensor, curvature: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The t from `low` to `high` with the least tᵀ curvature t under slopes · t ≤ limits, as far as there is one."""
    found, fixed = torch.zeros_like(low), torch.zeros_like(low, dtype=torch.bool)
    for _ in range(len(low)):
        free = ~fixed
        if not bool(free.any()):
            break
        left = limits - slopes[:, fixed] @ found[fixed]
        # With some axes at their ends the least of the rest lies where they pull it to.
        inside, pulled = curvature[free][:, free], curvature[free][:, fixed] @ found[fixed]
        middle = -torch.linalg.solve(inside, pulled)
        spread = torch.linalg.solve(inside, slopes[:, free].T)
        push = _pushes(slopes[:, free] @ spread, left - slopes[:, free] @ middle)
        found[free] = middle - spread @ push
        beyond = (found < low) | (found > high)
        found = found.clamp(low, high)
        if not bool((beyond & free).any()):
            break
        fixed |= beyond
    return found


def _pushes(gram: Tensor, limits: Tensor) -> Tensor:
    """The dual of the program: Hildreth, A quadratic programming procedure, Naval Res. Logist. Q. 4(1), 1957."""
    push = torch.zeros_like(limits)
    diagonal = gram.diagonal().clamp_min(1e-30)
    for _ in range(SWEEPS):
        before = push.clone()
        for k in range(len(push)):
            push[k] = (push[k] - (limits[k] + gram[k] @ push) / diagonal[k]).clamp_min(0)
        if float((push - before).abs().max()) <= 1e-9 * float(push.max()):
            break
    return push
