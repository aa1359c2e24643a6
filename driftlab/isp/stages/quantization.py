"""Quantization: the converter that rounds the sensor's signal to whole steps and clips it to its range."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from driftlab.isp.stage import Choice, Domain, Point, Sensor, Shader, Stage, Values


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    depth = int(sensor.white).bit_length()
    step = sensor.step if p.bits == "as shot" else 2.0 ** (depth - int(p.bits))
    if not step:
        return image
    exact = image.detach()
    rounded = torch.round(exact / step).clamp_(0, 2**depth / step - 1).mul_(step)
    if torch.is_inference_mode_enabled():
        return rounded
    # Straight-through: the rounding and clipping go forward, the derivative of the identity goes back.
    return rounded + (image - exact)


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    depth = int(sensor.white).bit_length()
    step = sensor.step if choices["bits"] == "as shot" else 2.0 ** (depth - int(choices["bits"]))
    if not step:
        return Point("return x;")
    return Point(f"return clamp(round(x / {step}), 0.0, {2**depth / step - 1}) * {step};", each=True)


STAGE = Stage(
    name="quantization",
    title="Quantization",
    help="Rounding to the steps of the converter, and its two ends.",
    reads=Domain.SAMPLES,
    writes=Domain.SAMPLES,
    forward=_forward,
    wgsl=_wgsl,
    gradient="surrogate",
    choices=(
        Choice(
            "bits",
            "Depth",
            "as shot",
            ("as shot", "14", "12", "10", "8"),
            "Bits of the converter; as shot, the samples' own whole DN, or none where they are not whole.",
        ),
    ),
    rounds=True,
)
