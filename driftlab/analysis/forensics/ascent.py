"""How a search steps: uphill where the model has gradients, by trial where it has none, always in scaled units.

A learning rate in each parameter's own unit would confuse how large its numbers are with how much hangs on it. Travels
are shares of an axis's range, and a step is as long as it moves the view: its length is that of J·step, with J the
change of the views by the travels, so that neither a unit nor the width of a range makes one parameter run ahead.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from driftlab.analysis.forensics.visits import Visit, Visits
from driftlab.analysis.trials import Trials

__all__ = ["Metric", "climbed", "drawn", "explored", "metric_of"]

#: The penalty at which views are compared: by l2 that of a root mean square of 3 %.
REFERENCE: Final = 1e-3
#: Of a picture, at most so many pixels are compared.
COMPARED: Final = 128 * 128
#: What is added to the diagonal, so that parameters that nearly undo each other do not run off together.
DAMPING: Final = 1e-3
#: The farthest that one step may go on any axis, in shares.
LEAP: Final = 0.5
WIDER, NARROWER = 1.7, 0.35
#: A search has arrived where a step gains less than this share of the objective, or of a loss of 1.
GAIN: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """How travels move the views: the penalty of a small travel t is about tᵀ `curvature` t, `[P, P]`.

    `moves` tells which axes move a view at all.
    """

    curvature: Tensor
    moves: tuple[bool, ...]

    def of(self, members: Sequence[int]) -> Tensor:
        """That of some axes, `[n, n]`, damped."""
        block = self.curvature[list(members)][:, list(members)]
        return block + DAMPING * torch.diag(block.diagonal().clamp_min(1e-12))


def metric_of(visits: Visits, scans: Sequence[Sequence[Visit]]) -> Generator[None, None, Metric]:
    """The metric, by rendering every picture with each axis moved by itself; stops between pictures.

    `scans` are the visits that moved each axis alone; the travel whose penalty is nearest to `REFERENCE` is taken.
    """
    count = len(visits.axes)
    travels, penalties = [0.0] * count, [0.0] * count
    for number, scan in enumerate(scans):
        seen = [each for each in scan if each.penalty > 1e-12]
        if seen:
            near = min(seen, key=lambda each: abs(math.log(each.penalty / REFERENCE)))
            travels[number], penalties[number] = near.travel[number], near.penalty
    moving = [number for number in range(count) if penalties[number]]
    gram = torch.zeros(len(moving), len(moving), dtype=torch.float64)
    positions = []
    for number in moving:
        place = visits.trials.nominal
        place[number] = visits.position(number, travels[number])
        positions.append(place)
    for index in range(visits.count if moving else 0):
        nominal = visits.view(index)
        stride = max(math.ceil(math.sqrt(nominal.shape[-1] * nominal.shape[-2] / COMPARED)), 1)
        rows = []
        for place in positions:
            moved = visits.trials.pictures(index, [place]) - nominal
            rows.append(moved[..., ::stride, ::stride].double().flatten())
            visits.evaluations += 1
        changes = torch.stack(rows)
        gram += changes @ changes.T / changes.shape[1] / visits.count
        yield
    # The angles between the changes are those of l2; their lengths those of the distance that is asked for.
    lengths = gram.diagonal().clamp_min(1e-30).sqrt()
    signs = torch.tensor([math.copysign(1.0, travels[number]) for number in moving], dtype=torch.float64)
    sizes = torch.tensor([math.sqrt(penalties[n]) / abs(travels[n]) for n in moving], dtype=torch.float64)
    angles = gram / lengths[:, None] / lengths * signs[:, None] * signs
    curvature = torch.zeros(count, count, dtype=torch.float64)
    if moving:
        curvature[torch.tensor(moving)[:, None], torch.tensor(moving)] = angles * sizes[:, None] * sizes
    return Metric(curvature, tuple(bool(penalty) for penalty in penalties))


def climbed(
    visits: Visits, trials: Trials, members: Sequence[int], metric: Metric, weight: float, steps: int, start: Visit
) -> Generator[None, None, None]:
    """Steps uphill from a visit: Newton's, of a linear loss and a square penalty, within a trust region.

    Bounds as in Bertsekas, Projected Newton methods, SIAM J. Control Optim. 20(2), 1982: an axis at its end that
    would go beyond stays there, and the others step without it.
    """
    curvature = metric.of(members)
    low, high = (torch.tensor([visits.room(n)[end] for n in members], dtype=torch.float64) for end in (0, 1))
    at = torch.tensor([start.travel[number] for number in members], dtype=torch.float64)
    here, slope = yield from visits.climb(trials, members, at.tolist(), weight)
    reach = 1 / math.sqrt(weight)
    for _ in range(steps - 1):
        free = ~(((at <= low) & (slope <= 0)) | ((at >= high) & (slope >= 0)))
        if not bool(free.any()) or not bool(slope[free].any()):
            break
        step = torch.zeros_like(at)
        inside = curvature[free][:, free]
        step[free] = torch.linalg.solve(inside, slope[free]) / (2 * weight)
        enough = GAIN * max(abs(here.objective(weight)), 1.0)
        if float(slope @ step) / 2 < enough:
            break
        step = _bounded(step, curvature, reach)
        place = (at + step).clamp(low, high)
        there, slope_there = yield from visits.climb(trials, members, place.tolist(), weight)
        gain = there.objective(weight) - here.objective(weight)
        if gain > 0:
            at, here, slope, reach = place, there, slope_there, reach * WIDER
            if gain < enough:
                break
        else:
            reach *= NARROWER


def explored(
    visits: Visits,
    trials: Trials,
    members: Sequence[int],
    metric: Metric,
    weight: float,
    steps: int,
    start: Visit,
    generator: torch.Generator,
) -> Generator[None, None, None]:
    """So many steps without gradients: one axis, or all at random, and shorter where it led nowhere."""
    curvature = metric.of(members)
    low, high = (torch.tensor([visits.room(n)[end] for n in members], dtype=torch.float64) for end in (0, 1))
    at, here, reach = torch.tensor([start.travel[n] for n in members], dtype=torch.float64), start, weight**-0.5
    for number in range(steps):
        if number % 2:
            step = _random(curvature, generator)
        else:
            step = torch.zeros_like(at)
            chosen = int(torch.randint(len(members), (), generator=generator))
            step[chosen] = 1.0 if bool(torch.rand((), generator=generator) < 0.5) else -1.0
            step /= float((step @ curvature @ step).clamp_min(1e-12).sqrt())
        step = _bounded(step * reach, curvature, reach)
        for way in (step, -step):
            place = (at + way).clamp(low, high)
            if torch.equal(place, at):
                continue
            (there,) = yield from visits.make(trials, members, [place.tolist()])
            if there.objective(weight) > here.objective(weight):
                at, here, reach = place, there, reach * WIDER
                break
        else:
            reach *= NARROWER ** (1 / len(members))


def drawn(
    visits: Visits, members: Sequence[int], metric: Metric, weight: float, count: int, generator: torch.Generator
) -> list[list[float]]:
    """Travels to start from: any direction, as far as the weight makes a few units of loss worth."""
    curvature = metric.of(members)
    found = []
    for _ in range(count):
        step = _random(curvature, generator)
        far = 2 * float(torch.rand((), generator=generator, dtype=torch.float64)) / math.sqrt(weight)
        rooms = (visits.room(number) for number in members)
        found.append([min(max(float(s) * far, low), high) for s, (low, high) in zip(step, rooms, strict=True)])
    return found


def _random(curvature: Tensor, generator: torch.Generator) -> Tensor:
    """A random direction whose length in the view is 1."""
    normal = torch.randn(len(curvature), generator=generator, dtype=torch.float64)
    step: Tensor = torch.linalg.solve_triangular(torch.linalg.cholesky(curvature).T, normal[:, None], upper=True)[:, 0]
    return step / float((step @ curvature @ step).sqrt())


def _bounded(step: Tensor, curvature: Tensor, reach: float) -> Tensor:
    """The step, no longer than `reach` in the view nor than `LEAP` on any axis."""
    length = float((step @ curvature @ step).clamp_min(1e-30).sqrt())
    factor = min(1.0, reach / length, LEAP / max(float(step.abs().max()), 1e-30))
    return step * factor
