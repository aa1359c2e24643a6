"""Exposure: more or less light on the sensor, in EV, before its noise."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from driftlab.isp.stage import Domain, Lit, Param, Point, Sensor, Shader, Stage, Values
from driftlab.isp.stages._light import on_light


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    return on_light(image, sensor, lambda light: light * 2.0**p.ev)


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    return Point("let black = facts.black[site(at, plane)]; return (x - black) * exp2(p.ev) + black;", each=True)


STAGE = Stage(
    name="exposure",
    title="Exposure",
    help="More or less light on the sensor. The black level stays where it is.",
    reads=Domain.SAMPLES,
    writes=Domain.SAMPLES,
    forward=_forward,
    wgsl=_wgsl,
    params=(
        Param(
            "ev",
            "Exposure",
            unit="EV",
            default=0.0,
            low=-4.0,
            high=4.0,
            hard=(-16.0, 16.0),
            help="Each step doubles the light.",
            source=Lit(lambda nominal, ev: nominal + ev),
        ),
    ),
    neutral={"ev": 0.0},
)
