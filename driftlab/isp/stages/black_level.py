"""Black level: subtracts the DN of no light from every channel and scales the white level to 1."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from driftlab.isp.stage import Choice, Domain, Param, Point, Sensor, Shader, Stage, Stated, Values, per_site, stacked
from driftlab.raw.frame import CHANNELS, RawFrame


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    levels = stacked(p.r, p.g1, p.g2, p.b)
    # A level at white or above leaves no light to scale: it is held one DN below.
    scale = (
        1 / (sensor.white - levels).clamp_min(1.0)
        if p.range == "black to white"
        else torch.full_like(levels, 1 / sensor.white)
    )
    size = (image.shape[-2], image.shape[-1])
    return image * per_site(scale, sensor.cfa, size) - per_site(levels * scale, sensor.cfa, size)


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    span = "max(facts.white - level, 1.0)" if choices["range"] == "black to white" else "facts.white"
    return Point(
        f"""
        let level = of_site(site(at, plane), p.r, p.g1, p.g2, p.b);
        let scale = 1.0 / ({span});
        return x * scale - level * scale;""",
        each=True,
    )


def _as_shot(index: int, frame: RawFrame) -> float:
    return frame.black[index]


LABELS = {"r": "Red", "g1": "Green 1", "g2": "Green 2", "b": "Blue"}

STAGE = Stage(
    name="black_level",
    title="Black level",
    help="What the sensor reads without light, taken off every channel; then white becomes 1.",
    reads=Domain.SAMPLES,
    writes=Domain.MOSAIC,
    forward=_forward,
    wgsl=_wgsl,
    params=tuple(
        Param(
            name,
            LABELS[name],
            unit="DN",
            default=0.0,
            low=0.0,
            high=1024.0,
            hard=(-65535.0, 65535.0),
            as_shot=partial(_as_shot, index),
            help="The DN of no light in this channel (green 1 shares rows with red).",
            source=Stated(),
        )
        for index, name in enumerate(CHANNELS)
    ),
    choices=(
        Choice(
            "range",
            "Range",
            "black to white",
            ("black to white", "zero to white"),
            "Which DN become 0 and 1: black and white, or, as in the paper, the span of all DN with black taken off.",
        ),
    ),
    off=None,
)
