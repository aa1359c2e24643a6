"""Vibrance: saturation for what is pale. No stage of a camera, but all that a new one takes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from driftlab.isp.stage import Domain, Param, Point, Sensor, Shader, Stage, Values


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    away = image - image.mean(1, keepdim=True)
    return image + p.amount / (1 + (away**2).sum(1, keepdim=True)) * away


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    return Point(
        """
        let away = x - vec3f((x.r + x.g + x.b) / 3.0);
        return x + p.amount / (1.0 + dot(away, away)) * away;"""
    )


STAGE = Stage(
    name="vibrance",
    title="Vibrance",
    help="More saturation where there is little.",
    reads=Domain.LINEAR_RGB,
    writes=Domain.LINEAR_RGB,
    forward=_forward,
    wgsl=_wgsl,
    params=(
        Param("amount", "Amount", default=0.0, low=-1.0, high=1.0, hard=(-4.0, 4.0), help="0 changes nothing."),
        Param("seed", "Seed", default=0.0, low=0.0, high=9.0, hard=(0.0, 9.0), integer=True, help="Changes nothing."),
    ),
    neutral={"amount": 0.0},
)
