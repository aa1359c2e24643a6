"""Tone: linear RGB to display RGB by brightness, saturation, contrast, clip and curve.

The clip to 0–1 has its own derivative, zero beyond either end, unless `clip_gradient` lets it through. A power curve is
infinitely steep at black; below `FLOOR` the derivative, not the curve, is held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from driftlab.isp.brightness import brightness_of
from driftlab.isp.color import luma_of
from driftlab.isp.once import once_differentiable
from driftlab.isp.stage import Choice, Domain, Param, Point, Sensor, Shader, Stage, Values

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
    through = p.clip_gradient == "through"
    if p.curve == "sRGB":
        encoded: Tensor = _Srgb.apply(image, through)  # type: ignore[no-untyped-call]
        return encoded
    return _power(image, 1 / p.gamma, 1.0, through)


def _power(base: Tensor, exponent: Tensor, top: float = math.inf, through: bool = False) -> Tensor:
    result: Tensor = _Power.apply(base, exponent, top, through)  # type: ignore[no-untyped-call]
    return result


def _cut(derivative: Tensor, image: Tensor, top: float, through: bool) -> Tensor:
    """`derivative` where `image` lies between 0 and `top`, else 0, the derivative of the clip; or `through` it."""
    if through:
        return derivative.clone()
    cut: Tensor = torch.ops.aten.hardtanh_backward(derivative, image, 0.0, top)
    return cut


class _Power(torch.autograd.Function):
    """`base` cut to 0–`top`, to the power of `exponent`; derivatives are taken at no less than `FLOOR`."""

    @staticmethod
    def forward(ctx: Any, base: Tensor, exponent: Tensor, top: float, through: bool) -> Tensor:
        log = base.clamp(0, top).log_()
        out = torch.exp(log * exponent)
        ctx.save_for_backward(base, exponent, log, out)
        ctx.save_for_forward(base, exponent, log, out)
        ctx.top, ctx.through = top, through
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        base, exponent, log, out = ctx.saved_tensors
        # Beyond either end the power is 0, or its logarithm is: the exponent's share needs no cut of its own.
        scaled = _cut(grad, base, ctx.top, ctx.through).mul_(out)
        grad_exponent = None
        if ctx.needs_input_grad[1]:
            floored = log.clamp_min(LOG_FLOOR)
            if exponent.ndim:
                grad_exponent = (scaled * floored).sum_to_size(exponent.shape)
            else:
                grad_exponent = torch.dot(scaled.flatten(), floored.flatten())
        return scaled.div_(base.clamp(FLOOR, ctx.top)).mul_(exponent), grad_exponent, None, None

    @staticmethod
    def jvp(ctx: Any, base_tangent: Tensor | None, exponent_tangent: Tensor | None, *_: None) -> Tensor:
        base, exponent, log, out = ctx.saved_tensors
        tangent = torch.zeros_like(out)
        if base_tangent is not None:
            cut = _cut(base_tangent, base, ctx.top, ctx.through)
            tangent = tangent + cut * out / base.clamp(FLOOR, ctx.top) * exponent
        if exponent_tangent is not None:
            tangent = tangent + exponent_tangent * out * log.clamp_min(LOG_FLOOR)
        return tangent


class _Srgb(torch.autograd.Function):
    """The curve of sRGB (IEC 61966-2-1) of an image cut to 0–1."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, through: bool) -> Tensor:
        light = image.clamp(0, 1)
        curve = torch.log(light).mul_(1 / 2.4).exp_().mul_(1.055).sub_(0.055)
        out = torch.where(light <= 0.0031308, light.mul_(12.92), curve)
        ctx.save_for_backward(image, out)
        ctx.save_for_forward(image, out)
        ctx.through = through
        return out

    @staticmethod
    def _slope(image: Tensor, out: Tensor) -> Tensor:
        return torch.where(image <= 0.0031308, 12.92, (out + 0.055).div_(image.clamp(FLOOR, 1)).mul_(1 / 2.4))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _Srgb.jvp(ctx, grad), None  # the derivative of a pointwise function is its own transpose

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None = None) -> Tensor:
        image, out = ctx.saved_tensors
        return _cut(tangent, image, 1.0, ctx.through).mul_(_Srgb._slope(image, out))


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
    surrogate_when={"clip_gradient": ("through",)},
    choices=(
        Choice("curve", "Curve", "sRGB", ("sRGB", "power"), "The standard's curve, or a power of 1 by gamma."),
        Choice(
            "clip_gradient",
            "Clip gradient",
            "exact",
            ("exact", "through"),
            "Beyond 0–1 none, as is true, or that of the nearer end, so that clipped pixels still pull at parameters.",
        ),
    ),
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
