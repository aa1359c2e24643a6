"""Tone: linear RGB to display RGB by brightness, saturation, contrast, clip and curve.

The clip to 0–1 has its own derivative, zero beyond either end. A power curve is infinitely steep at black; below
`FLOOR` the derivative, not the curve, is held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from driftlab.isp.color import luma_of
from driftlab.isp.stage import Choice, Domain, Param, Point, Sensor, Shader, Stage, Values
from driftlab.raw.frame import RawFrame

FLOOR: Final = 1e-5
LOG_FLOOR: Final = math.log(FLOOR)
#: Middle gray: what contrast turns about.
PIVOT: Final = 0.18


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    if not p.fixed("brightness", 0.0):
        image = image * torch.exp2(p.brightness)
    if not p.fixed("saturation", 1.0):
        gray = luma_of(image)
        image = gray + p.saturation * (image - gray)
    if not p.fixed("contrast", 1.0):
        image = PIVOT * _power(image / PIVOT, p.contrast)
    if p.curve == "sRGB":
        encoded: Tensor = _Srgb.apply(image)  # type: ignore[no-untyped-call]
        return encoded
    return _power(image, 1 / p.gamma, 1.0)


def _power(base: Tensor, exponent: Tensor, top: float = math.inf) -> Tensor:
    result: Tensor = _Power.apply(base, exponent, top)  # type: ignore[no-untyped-call]
    return result


def _cut(derivative: Tensor, image: Tensor, top: float) -> Tensor:
    """`derivative` where `image` lies between 0 and `top`, else 0: the derivative of the clip."""
    cut: Tensor = torch.ops.aten.hardtanh_backward(derivative, image, 0.0, top)
    return cut


class _Power(torch.autograd.Function):
    """`base` cut to 0–`top`, to the power of `exponent`; derivatives are taken at no less than `FLOOR`."""

    @staticmethod
    def forward(ctx: Any, base: Tensor, exponent: Tensor, top: float) -> Tensor:
        log = base.clamp(0, top).log_()
        out = torch.exp(log * exponent)
        ctx.save_for_backward(base, exponent, log, out)
        ctx.save_for_forward(base, exponent, log, out)
        ctx.top = top
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        base, exponent, log, out = ctx.saved_tensors
        # Beyond either end the power is 0, or its logarithm is: the exponent's share needs no cut of its own.
        scaled = _cut(grad, base, ctx.top).mul_(out)
        grad_exponent = None
        if ctx.needs_input_grad[1]:
            floored = log.clamp_min(LOG_FLOOR)
            if exponent.ndim:
                grad_exponent = (scaled * floored).sum_to_size(exponent.shape)
            else:
                grad_exponent = torch.dot(scaled.flatten(), floored.flatten())
        return scaled.div_(base.clamp_min(FLOOR)).mul_(exponent), grad_exponent, None

    @staticmethod
    def jvp(ctx: Any, base_tangent: Tensor | None, exponent_tangent: Tensor | None, top: None) -> Tensor:
        base, exponent, log, out = ctx.saved_tensors
        tangent = torch.zeros_like(out)
        if base_tangent is not None:
            tangent = tangent + _cut(base_tangent, base, ctx.top) * out / base.clamp_min(FLOOR) * exponent
        if exponent_tangent is not None:
            tangent = tangent + exponent_tangent * out * log.clamp_min(LOG_FLOOR)
        return tangent


class _Srgb(torch.autograd.Function):
    """The curve of sRGB (IEC 61966-2-1) of an image cut to 0–1."""

    @staticmethod
    def forward(ctx: Any, image: Tensor) -> Tensor:
        light = image.clamp(0, 1)
        curve = torch.log(light).mul_(1 / 2.4).exp_().mul_(1.055).sub_(0.055)
        out = torch.where(light <= 0.0031308, light.mul_(12.92), curve)
        ctx.save_for_backward(image, out)
        ctx.save_for_forward(image, out)
        return out

    @staticmethod
    def _slope(image: Tensor, out: Tensor) -> Tensor:
        return torch.where(image <= 0.0031308, 12.92, (out + 0.055).div_(image.clamp_min(FLOOR)).mul_(1 / 2.4))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        image, out = ctx.saved_tensors
        return _cut(grad, image, 1.0).mul_(_Srgb._slope(image, out))

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        image, out = ctx.saved_tensors
        return _cut(tangent, image, 1.0) * _Srgb._slope(image, out)


def _linear(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    return image.clamp(0, 1)


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    if choices["curve"] == "sRGB":
        curve = "select(1.055 * power(light, 1.0 / 2.4) - 0.055, 12.92 * light, light <= 0.0031308)"
    else:
        curve = "power(light, 1.0 / p.gamma)"
    return Point(
        f"""
        var rgb = x * exp2(p.brightness);
        if (p.saturation != 1.0) {{ let gray = luma_of(rgb); rgb = gray + p.saturation * (rgb - gray); }}
        if (p.contrast != 1.0) {{
            rgb = max(rgb, vec3f(0.0)) / {PIVOT};
            rgb = {PIVOT} * vec3f(power(rgb.r, p.contrast), power(rgb.g, p.contrast), power(rgb.b, p.contrast));
        }}
        return vec3f(tone_curve(rgb.r), tone_curve(rgb.g), tone_curve(rgb.b));""",
        also=f"""
fn tone_curve(x: f32) -> f32 {{
    let p = values.tone;
    let light = clamp(x, 0.0, 1.0);
    return {curve};
}}""",
    )


def _wgsl_off(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    return Point("return clamp(x, vec3f(0.0), vec3f(1.0));")


def brightness_of(frame: RawFrame) -> float:
    """The EV that bring the 99th percentile of the brightest color to white; from 0 to 8.

    Found on superpixels of a coarse grid of the frame, with the gains and the matrix as shot.
    """
    rgb = _coarse_rgb(frame)
    top = float(np.percentile(rgb, 99, axis=1).max())
    return float(np.clip(-np.log2(max(top, 1e-6)), 0.0, 8.0))


def _coarse_rgb(frame: RawFrame, about: int = 65536) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    """Linear RGB `[3, N]` of about so many tiles of the color filter array, evenly spread."""
    height, width = frame.size
    tile = frame.cfa.channels()
    rows, columns = tile.shape if height >= tile.shape[0] and width >= tile.shape[1] else (1, 1)
    step = max(int(np.sqrt(height * width / (rows * columns) / about)), 1)
    sums, counts = np.zeros((4, height // rows // step or 1, width // columns // step or 1)), np.zeros(4)
    for i in range(rows):
        for j in range(columns):
            samples = frame.mosaic[:, i :: rows * step, j :: columns * step][:, : sums.shape[1], : sums.shape[2]]
            if frame.cfa.kind == "linear":
                sums[[0, 1, 3]], counts[[0, 1, 3]] = samples, 1
            else:
                sums[tile[i, j]] += samples[0]
                counts[tile[i, j]] += 1
    black = np.array(frame.black)[:, None]
    seen = counts > 0
    light = np.zeros((4, sums[0].size))
    light[seen] = (sums.reshape(4, -1)[seen] / counts[seen, None] - black[seen]) / (frame.white - black[seen])
    if frame.cfa.kind == "mono":
        return light[:1]
    greens = seen[1:3].astype(float)
    green = (light[1:3] * greens[:, None]).sum(0) / greens.sum()
    gains = np.array(frame.gains)[:, None]
    balanced = np.minimum(np.stack([light[0], green, light[3]]) * gains, min(1.0, *frame.gains))
    return np.asarray(np.array(frame.matrix.values) @ balanced)


STAGE = Stage(
    name="tone",
    title="Tone",
    help="From linear light to what a display is sent.",
    reads=Domain.LINEAR_RGB,
    writes=Domain.DISPLAY_RGB,
    forward=_forward,
    wgsl=_wgsl,
    wgsl_off=_wgsl_off,
    off=_linear,
    choices=(Choice("curve", "Curve", "sRGB", ("sRGB", "power"), "The standard's curve, or a power of 1 by gamma."),),
    params=(
        Param(
            "gamma",
            "Gamma",
            default=2.2,
            low=1.0,
            high=3.0,
            hard=(0.1, 10.0),
            when={"curve": ("power",)},
            help="The power curve's exponent is 1 by gamma.",
        ),
        Param(
            "contrast",
            "Contrast",
            default=1.0,
            low=0.5,
            high=2.0,
            hard=(0.05, 10.0),
            log=True,
            help="Exponent about middle gray (0.18), in linear light.",
        ),
        Param(
            "saturation",
            "Saturation",
            default=1.0,
            low=0.0,
            high=2.0,
            hard=(-4.0, 8.0),
            help="0 is gray, 1 as it is.",
        ),
        Param(
            "brightness",
            "Brightness",
            unit="EV",
            default=0.0,
            low=-2.0,
            high=6.0,
            hard=(-16.0, 16.0),
            as_shot=brightness_of,
            help="Factor in linear light; as shot, the frame's 99th percentile becomes white.",
        ),
    ),
)
