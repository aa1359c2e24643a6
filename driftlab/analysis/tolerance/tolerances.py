"""Tolerances: how far every parameter may drift before a criterion fails, by itself and together with the others.

The nominal settings come first: where the criterion fails there, nothing is searched. Then the axes one after the
other, then the box of all of them. Everything is a generator that stops between batches, and gives what is known so
far; the same question and seed give the same to the bit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from driftlab import __version__
from driftlab.analysis.axes import Axis
from driftlab.analysis.criterion import Criterion
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.analysis.tolerance.intervals import RESOLUTION, AxisSearch
from driftlab.analysis.tolerance.joint import joint as joint_search
from driftlab.analysis.tolerance.rule import check_criterion, rule_of
from driftlab.analysis.trials import Known, Trials, trials_of
from driftlab.data.cases import Case
from driftlab.isp.stage import Sensor
from driftlab.model.task_model import TaskModel
from driftlab.steps import saying

__all__ = ["Progress", "question_digest", "tolerances"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Nothing new yet: a place to stop. What is searched now ("" for the nominal settings), trials, share done."""

    doing: str
    evaluations: int
    share: float


def tolerances(
    cases: Sequence[Case],
    model: TaskModel,
    axes: Sequence[Axis],
    criterion: Criterion,
    *,
    joint: bool = False,
    budget: int | None = None,
    seed: int = 0,
    known: Known | None = None,
    resolution: float = RESOLUTION,
) -> Iterator[Progress | Tolerance]:
    """What is found so far, again and again; the last item is a Tolerance that is `complete`.

    `budget` is the most trials that may be made, nominal ones and gradients included; what it does not reach for is
    "unproven". `known` answers trials that were made before, as an ended search left it, without changing the result.
    `resolution` is in shares of each axis's range. Raises AnalysisError, IspError or ModelError in one sentence.
    """
    check_criterion(criterion, model.task)
    if not axes:
        raise AnalysisError("No parameter has an effect under these settings: switch a stage on.")
    if not 1e-4 <= resolution <= 0.25:
        raise AnalysisError(f"A resolution of {resolution:g} is none: give a share of the range from 0.0001 to 0.25.")
    if budget is not None and budget < len(cases):
        raise AnalysisError(f"A budget of {budget} does not reach for {len(cases)} nominal answers: allow more trials.")
    start = trials_of(cases, model, axes, self_label=criterion.self_labeled, known=known)
    trials, nominal = yield from saying(lambda: Progress("", 0, 0.0), start)
    rule, told = rule_of(criterion, trials, nominal, seed)
    metric = rule.probe(0.0, nominal.scores)
    found = Tolerance(
        tuple(cases), model, criterion, metric, told, (), None, tuple(axes), budget, seed, trials.evaluations, False
    )
    yield found
    slopes = None
    if _worth_slopes(trials, budget):
        asked = trials.slopes(range(len(cases)), [trials.nominal] * len(cases))
        _, slopes = yield from saying(lambda: Progress("", trials.evaluations, 0.0), asked)
    spent = trials.evaluations
    kept = 0 if budget is None or not joint else (budget - spent) // 2
    for number, axis in enumerate(axes):
        # Every axis may take as much as every other; what one leaves over goes to the rest.
        limit = math.inf if budget is None else (budget - kept - spent) // (len(axes) - number)
        along = trials.along([axis])
        smooth = slopes is not None and axis.gradient != "none"
        slope = slopes[:, number] if slopes is not None and smooth else None
        search = AxisSearch(along, rule, nominal, slope, limit=limit, resolution=resolution)
        yield from saying(partial(_progress, axis, along, spent, (number + 0.5) / (len(axes) + joint)), search.run())
        spent += along.evaluations
        found = replace(found, axes=(*found.axes, search.finding()), evaluations=spent)
        yield found
    if joint:
        together = trials.along(axes)
        left = None if budget is None else budget - spent
        share = len(axes) / (len(axes) + 1)
        for box in joint_search(
            together, rule, nominal, [finding.safe for finding in found.axes], seed=seed, budget=left
        ):
            if box is None:
                yield Progress("all together", spent + together.evaluations, share)
            else:
                found = replace(found, joint=box, evaluations=spent + together.evaluations)
                yield found
        found = replace(found, evaluations=spent + together.evaluations)
    yield replace(found, complete=True)


def question_digest(cases: Sequence[Case], model: TaskModel, criterion: Criterion) -> str:
    """What names the question that trials of these cases answer, so that others' answers are not taken for them.

    A file alone does not name it: a model is asked as its card says, and a frame's samples are what a description makes
    of them.
    """
    told = [__version__, torch.__version__, model.sha256, repr(model.card), str(criterion.self_labeled)]
    for case in cases:
        samples = hashlib.sha256(case.frame.mosaic.tobytes()).hexdigest()
        mask = "" if case.mask is None else hashlib.sha256(case.mask.numpy().tobytes()).hexdigest()
        told += [samples, repr(Sensor.of(case.frame)), repr(case.settings), repr(case.region), repr(case.label), mask]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _progress(axis: Axis, along: Trials, spent: int, share: float) -> Progress:
    return Progress(axis.key, spent + along.evaluations, share)


def _worth_slopes(trials: Trials, budget: int | None) -> bool:
    """Whether there are gradients, and they cost less than they save: of large pictures as much as many trials."""
    smooth = any(axis.gradient != "none" for axis in trials.axes)
    afford = budget is None or budget >= 4 * len(trials.cases)
    return trials.differentiable and smooth and afford and not trials.large
