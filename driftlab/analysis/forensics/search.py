"""Forensics: the drift that breaks a model, found by a search over the data model with the task model frozen.

For every group of parameters, and for weights λ from large to small, the search makes loss − λ · penalty as large as
it can: the task's own loss, against how far the views are from the nominal ones (raw2logit's adversarial search, Oala
et al., TMLR 2023; here distances are means over pixels, SSIM counts as 1 − SSIM, and steps are in scaled units). Every
parameter is bracketed by itself besides. Bounds are the usual ranges of the sliders unless ranges are given: the hard
ranges are only what may be typed. Nothing in whole numbers moves: noise keeps its seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from driftlab.analysis.axes import Axis, axes_of
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.forensics.breakage import Forensics
from driftlab.analysis.forensics.distance import distance_of
from driftlab.analysis.forensics.hunt import Hunt
from driftlab.analysis.forensics.visits import Visits
from driftlab.analysis.trials import trials_of
from driftlab.data.cases import Case
from driftlab.isp.linearized import actives
from driftlab.model.task_model import TaskModel

__all__ = ["ALL", "WEIGHTS", "forensics", "groups_of"]

#: The name of the group that holds all parameters.
ALL: Final = "all"
#: From where the search stays next to nominal to where it may go nearly anywhere: see `DISTANCES`.
WEIGHTS: Final = tuple(10 ** (power / 2) for power in range(10, 1, -1))


def groups_of(axes: Sequence[Axis], wanted: Sequence[str] | None = None) -> dict[str, tuple[int, ...]]:
    """The groups of these axes by name: every stage's, and all; each the places of its axes.

    `wanted` are the names of those to take: stages, "all", or single keys. Raises AnalysisError.
    """
    stages = dict.fromkeys(axis.key.partition(".")[0] for axis in axes)
    known = {name: tuple(n for n, axis in enumerate(axes) if axis.key.partition(".")[0] == name) for name in stages}
    known[ALL] = tuple(range(len(axes)))
    if wanted is None:
        return known
    known |= {axis.key: (number,) for number, axis in enumerate(axes)}
    for name in wanted:
        if name not in known:
            raise AnalysisError(
                f"There is no group '{name}' under these settings: use {', '.join([*stages, ALL])}, or a parameter."
            )
    return {name: known[name] for name in dict.fromkeys(wanted)}


def forensics(
    cases: Sequence[Case],
    model: TaskModel,
    *,
    groups: Sequence[str] | None = None,
    ranges: Mapping[str, tuple[float, float] | None] | None = None,
    distance: str = "l2",
    weights: Sequence[float] = WEIGHTS,
    break_at: float = 0.9,
    restarts: int = 1,
    seed: int = 0,
    budget: int | None = None,
) -> Iterator[Forensics | None]:
    """What breaks the model on these pictures, as it is found; whoever has seen enough stops asking.

    None, or the same result again, is only a place to stop. One vector of settings moves all pictures; for the worst of
    one picture, give that one. `groups` are as in `groups_of`; `ranges` as in `axes_of`, where without them all active
    parameters are moved, weights of kernels too. `weights` are those of the penalty (see `Distance`). The model counts
    as broken where its metric is at most `break_at` of the nominal one. `budget` is the most trials: of so many the
    search makes what it can. A black-box model is searched by trial. Raises AnalysisError, IspError or ModelError.
    """
    measure = distance_of(distance)
    if not weights or not all(0 < weight < math.inf for weight in weights):
        raise AnalysisError("The weights of the distance must be above 0: leave out the others.")
    if not 0 < break_at < 1:
        raise AnalysisError(f"A model does not break at {break_at:g} of its accuracy: give a fraction between 0 and 1.")
    if not cases:
        raise AnalysisError("There is no picture to search on: give at least one camera file.")
    if budget is not None and budget < 2 * len(cases):
        raise AnalysisError(
            f"{budget} trials are too few to ask about {len(cases)} pictures nominally: give at least "
            f"{2 * len(cases)}, and some hundred times as many to find something."
        )
    axes, members = _searched(cases, groups, ranges)
    weights = tuple(sorted({float(weight) for weight in weights}, reverse=True))
    trials, nominal = yield from trials_of(cases, model, axes)
    visits = Visits(trials, nominal, measure)
    metric = visits.metric(nominal.scores)
    if metric <= 0:
        raise AnalysisError("The model is wrong on every picture as it is: there is nothing left to break.")
    hunt = Hunt(visits, members, weights, break_at, metric, restarts, seed, budget)
    yield from hunt.run()


def _searched(
    cases: Sequence[Case], groups: Sequence[str] | None, ranges: Mapping[str, tuple[float, float] | None] | None
) -> tuple[list[Axis], dict[str, tuple[int, ...]]]:
    """The axes that any group moves, and the groups."""
    nominals = [case.settings for case in cases]
    if ranges is None:
        first, *others = ({each.key: each for each in actives(settings)} for settings in nominals)
        ranges = {
            key: None for key, each in first.items() if not each.param.integer and all(key in other for other in others)
        }
    axes = axes_of(nominals, ranges)
    if not axes:
        raise AnalysisError("No parameter is left to move: give others with --param.")
    members = groups_of(axes, groups)
    used = sorted({number for found in members.values() for number in found})
    place = {number: at for at, number in enumerate(used)}
    return [axes[number] for number in used], {
        name: tuple(place[number] for number in found) for name, found in members.items()
    }
