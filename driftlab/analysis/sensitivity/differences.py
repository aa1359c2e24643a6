"""Derivatives by differences: for parameters and models without a gradient, and as a check on those that have one.

A difference is taken to either side of the nominal value, by a share of the parameter's scale, or by 1 for whole
numbers; at an end of the hard range it is one-sided.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from driftlab.isp.develop import Region
from driftlab.isp.linearized import Active, pieces
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Param
from driftlab.raw.frame import RawFrame

__all__ = ["BLACK_BOX", "Difference", "difference", "picture_of", "scale_of", "share_of"]

#: The step as a share of the scale for a model without gradients: far enough to stand out of half precision.
BLACK_BOX: Final = 1e-2
#: To check a gradient where a stage on the way to the model rounds: many of its steps, so that they average out.
ROUNDED: Final = 1e-3
#: To check it elsewhere: near enough to cross few of a network's kinks, far enough to stand out of float32.
SMOOTH: Final = 3e-5
#: To check it where all is in float64: near enough to cross no kink at all.
PRECISE: Final = 1e-7


def share_of(settings: Settings, active: Active, bits: int) -> float:
    """The step, as a share of the parameter's scale, that checks its gradient where numbers have so many bits."""
    if bits < 32:
        return BLACK_BOX
    stages = settings.pipeline.stages
    later = stages[stages.index(active.stage) :]
    rounded = any(
        stage.rounds
        and settings[f"{stage.name}.on"]
        and not stage.is_neutral({name: settings[key] for name, key in settings.pipeline.names[stage.name]})
        for stage in later
    )
    return ROUNDED if rounded else SMOOTH if bits == 32 else PRECISE


def scale_of(param: Param, value: float) -> float:
    """What a sensitivity is multiplied by to be normalized: the change that a whole slider would make at its rate here.

    The soft range, high − low; for a parameter with a logarithmic slider value · ln(high / low). For whole numbers,
    which need not have an order (a seed), it is one step.
    """
    if param.integer:
        return 1.0
    return value * math.log(param.high / param.low) if param.log else param.high - param.low


@dataclass(frozen=True, slots=True)
class Difference:
    """dz/dt between `low` and `high`, in the parameter's unit."""

    low: float
    high: float
    slope: float


def difference(measure: Callable[[Settings], float], settings: Settings, active: Active, share: float) -> Difference:
    """Two measurements, `share` of the scale from the nominal value; none where both leave the picture as it is."""
    param, value = active.param, active.value
    width = 1.0 if param.integer else abs(scale_of(param, value)) * share
    low, high = max(value - width, param.hard[0]), min(value + width, param.hard[1])
    ends = [settings.changed({active.key: end}) for end in (low, high)]
    names = settings.pipeline.names[active.stage.name]
    if all(active.stage.is_neutral({name: end[key] for name, key in names}) for end in ends):
        return Difference(low, high, 0.0)
    below, above = (measure(end) for end in ends)
    return Difference(low, high, (above - below) / (high - low))


def picture_of(frame: RawFrame, settings: Settings, region: Region, dtype: torch.dtype) -> Tensor:
    """The region as display RGB, `[1, 3, H, W]`, as `develop` makes it."""
    parts = pieces(frame, settings, region, dtype)
    if len(parts) == 1:
        return parts[0].picture(settings)
    whole = torch.empty(1, 3, region.height, region.width, dtype=dtype)
    for part in parts:
        whole[..., part.rows, part.columns] = part.picture(settings)
    return whole
