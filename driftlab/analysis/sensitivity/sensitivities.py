"""Sensitivity: how fast the target moves with every parameter of the data model, and where in the picture it does.

The heatmap of a parameter t is, pixel by pixel, Σ over colors of dz/dI · dI/dt, with z the target and I the picture: it
sums to the sensitivity dz/dt that it explains. The table takes one backward pass for all parameters; the heatmaps
follow one by one. A stage heatmap is |dz / d(output of the stage)|.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.sensitivity.differences import BLACK_BOX, difference, picture_of, scale_of, share_of
from driftlab.analysis.sensitivity.stage_heatmaps import stage_heatmap
from driftlab.analysis.target import Target, target_of
from driftlab.isp.develop import Region, picture_size
from driftlab.isp.linearized import (
    Active,
    Chain,
    Linearized,
    Piece,
    actives,
    chain_of,
    linearized,
    pieces,
    pixel_maps,
)
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Gradient, Sensor
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawFrame

__all__ = ["Heatmap", "Item", "Progress", "Question", "Sensitivity", "StageHeatmaps", "Table", "sensitivities"]

#: Pieces of a large region whose derivatives are kept between parameters, some 15 MB each; of larger ones they are made
#: anew for every stage.
KEPT: Final = 64
#: Heatmaps made in one batch: the more, the less each costs, and the longer the first one takes.
TOGETHER: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What was asked: every result carries it, and is stale when it no longer is what the window shows."""

    frame_sha256: str
    settings: Settings
    region: Region
    target: Target
    model_sha256: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One parameter: `gradient` is dz/dt per `unit`, `normalized` is that times `scale` (see `scale_of`).

    `gradient_kind` is what the parameter's stage declares of its derivative. Where there is none, or none of the
    model, `step` is the half-width of the difference, in the parameter's unit, that stands in for it. A checked entry
    has the slope of a `finite_difference`; its error is relative to the larger of the two, or to a thousandth of the
    largest normalized sensitivity, whichever is more; of an entry that is a difference itself it is 0.
    """

    key: str
    unit: str
    value: float
    gradient: float
    scale: float
    normalized: float
    gradient_kind: Gradient
    step: float | None = None
    finite_difference: float | None = None
    finite_difference_error: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The sensitivities known so far, in the order of the pipeline, and the target's nominal value.

    `share` (0–1) tells how much of the table is there and, where asked for, checked. `logits` are `[K]`, or
    `[K, h, w]` of a segmentation. `no_heatmaps` says in a sentence why there will be none.
    """

    question: Question
    value: float
    logits: Tensor
    rows: tuple[Sensitivity, ...]
    share: float
    no_heatmaps: str | None = None

    def ranked(self) -> tuple[Sensitivity, ...]:
        """The rows, largest normalized sensitivity first."""
        return tuple(sorted(self.rows, key=lambda row: -abs(row.normalized)))


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """Where a parameter moves the target: `values` `[H, W]` on the region's pixels, whose sum is `total`, dz/dt."""

    question: Question
    key: str
    values: Tensor
    total: float


@dataclass(frozen=True, slots=True, eq=False)
class StageHeatmaps:
    """|dz / d(output)| of every stage by its name, `[h, w]`, summed over channels.

    All on one scale: an output in DN is counted in spans from black to white, and `limit` is the largest of all values.
    """

    question: Question
    maps: Mapping[str, Tensor]
    limit: float


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Nothing new yet: a place to stop, within a step that takes long. The question is None before the picture is."""

    question: Question | None


Item = Table | Heatmap | StageHeatmaps | Progress


def sensitivities(
    frame: RawFrame,
    settings: Settings,
    model: TaskModel,
    *,
    region: Region | None = None,
    target: str | None = None,
    mask: Tensor | None = None,
    heatmaps: Sequence[str] | None = None,
    stage_heatmaps: bool = False,
    check: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Iterator[Item]:
    """The table of all active parameters, then the heatmaps, largest first; whoever has seen enough stops asking.

    `region` is what the model is given of the picture (all of it); `target` and `mask` are as in `target_of`.
    `heatmaps` are the keys of those wanted, in order, or all; parameters in whole numbers have none, nor has any with
    a black-box model. `check` holds every entry against a difference, after the heatmaps. `dtype` is that of the data
    model. Raises AnalysisError, IspError or ModelError in one sentence.
    """
    height, width = picture_size(frame, settings)
    region = region.within((height, width)) if region else Region(0, 0, width, height)
    parts = pieces(frame, settings, region, dtype)
    picture = torch.empty(1, 3, region.height, region.width, dtype=dtype)
    for part in parts:
        picture[..., part.rows, part.columns] = part.picture(settings)
        if len(parts) > 1:
            yield Progress(None)
    value, by_picture, logits, chosen, reason = _answer(model, picture, target, mask)
    question = Question(frame.sha256, settings, region, chosen, model.sha256)
    measure = _measuring(frame, model, question, dtype)
    active = tuple(actives(settings))
    for key in heatmaps or ():
        if key not in {each.key for each in active}:
            raise AnalysisError(f"'{key}' has no effect under these settings: ask for heatmaps of active parameters.")

    chain = chain_of(settings, Sensor.of(frame))
    smooth = [each.key for each in active if each.kind != "none"] if by_picture is not None else []

    @lru_cache(KEPT)
    def around(number: int) -> Linearized:
        assert by_picture is not None
        return linearized(chain, parts[number], by_picture, smooth)

    gradients = dict.fromkeys(smooth, 0.0)
    if by_picture is not None:
        for number in range(len(parts)):
            for key, share in around(number).gradients.items():
                gradients[key] += share
            if number + 1 < len(parts):
                yield Progress(question)
    rows: list[Sensitivity] = []
    table = Table(question, value, logits, (), 0.0, reason)
    for each in active:
        if each.key in gradients:
            rows.append(_row(each, gradients[each.key]))
        else:
            found = difference(measure, settings, each, BLACK_BOX)
            rows.append(_row(each, found.slope, (found.high - found.low) / 2))
            if reason is not None:  # a black box, where every row takes two predictions
                yield replace(table, rows=tuple(rows), share=len(rows) / (len(active) * (1 + check)))
            else:
                yield Progress(question)
    table = replace(table, rows=tuple(rows), share=1 / (1 + check))
    yield table

    if by_picture is not None:
        if stage_heatmaps:
            maps = {}
            for number, stage in enumerate(settings.pipeline.stages):
                maps[stage.name] = stage_heatmap(frame, settings, region, parts, around, number)
                yield Progress(question)
            yield StageHeatmaps(question, maps, max(float(each.max()) for each in maps.values()))
        order = [row.key for row in table.ranked() if row.key in gradients] if heatmaps is None else heatmaps
        yield from _heatmaps(question, chain, parts, around, [key for key in order if key in gradients])
    if check:
        bits = min(torch.finfo(each).bits for each in (dtype, model.network.dtype) if each.is_floating_point)
        yield from _checked(table, active, measure, bits)


def _answer(
    model: TaskModel, picture: Tensor, name: str | None, mask: Tensor | None
) -> tuple[float, Tensor | None, Tensor, Target, str | None]:
    """z, dz/dI, logits and target at the nominal settings; without dz/dI the reason why there is none."""
    reason = model.no_gradient
    image = picture.detach().requires_grad_(reason is None)
    with torch.set_grad_enabled(reason is None):
        logits = model(image)
        target = target_of(model, logits.detach(), model.framing(picture), name=name, mask=mask)
        z = target.of(logits)[0]
    if reason is None and not z.requires_grad:
        reason = "The model's answer is cut off from its input, so that no gradient passes."
    by_picture = None
    if reason is None:
        (by_picture,) = torch.autograd.grad(z, image)
        if not bool(by_picture.isfinite().all()):
            by_picture, reason = None, f"The gradient of the {target} is not finite for this picture."
    return float(z.detach()), by_picture, logits.detach()[0], target, reason


def _measuring(
    frame: RawFrame, model: TaskModel, question: Question, dtype: torch.dtype
) -> Callable[[Settings], float]:
    """The target at other settings, everything run anew."""

    def measure(settings: Settings) -> float:
        with torch.no_grad():
            logits = model(picture_of(frame, settings, question.region, dtype))
            return float(question.target.of(logits.double())[0])

    return measure


def _row(active: Active, gradient: float, step: float | None = None) -> Sensitivity:
    scale = scale_of(active.param, active.value)
    return Sensitivity(
        active.key, active.param.unit, active.value, gradient, scale, gradient * scale, active.kind, step
    )


def _heatmaps(
    question: Question,
    chain: Chain,
    parts: Sequence[Piece],
    around: Callable[[int], Linearized],
    order: Sequence[str],
) -> Iterator[Progress | Heatmap]:
    """The heatmaps in this order, `TOGETHER` at a time."""
    for first in range(0, len(order), TOGETHER):
        keys = order[first : first + TOGETHER]
        maps = torch.empty(len(keys), question.region.height, question.region.width, dtype=parts[0].window.image.dtype)
        for number, part in enumerate(parts):
            maps[:, part.rows, part.columns] = pixel_maps(chain, part, around(number), keys)
            if number + 1 < len(parts):
                yield Progress(question)
        for key, values in zip(keys, maps, strict=True):
            yield Heatmap(question, key, values, float(values.double().sum()))


def _checked(
    table: Table, active: Sequence[Active], measure: Callable[[Settings], float], bits: int
) -> Iterator[Table]:
    """The table with more and more of its rows held against differences."""
    rows = list(table.rows)
    floor = max((abs(row.normalized) for row in rows), default=0.0) / 1000
    for number, (row, each) in enumerate(zip(table.rows, active, strict=True)):
        slope = row.gradient
        if row.step is None:
            settings = table.question.settings
            slope = difference(measure, settings, each, share_of(settings, each, bits)).slope
        apart = abs(slope - row.gradient) * abs(row.scale)
        size = max(abs(slope * row.scale), abs(row.normalized), floor)
        rows[number] = replace(row, finite_difference=slope, finite_difference_error=apart / size if size else 0.0)
        yield replace(table, rows=tuple(rows), share=(1 + (number + 1) / len(rows)) / 2)
