"""White balance: a gain for each of red, green and blue, on the mosaic or on camera RGB.

A sensor saturates all its channels at the same DN, so after the gains a blown highlight would have the color of the
gains (magenta, for daylight). With `highlights` = clip every channel is cut where the weakest of them saturates, and
what is white stays white; the clip's derivative is a step, given a smooth ramp of `RAMP` either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from driftlab.isp.once import once_differentiable
from driftlab.isp.stage import Choice, Domain, Param, Point, Sensor, Shader, Stage, Stated, Values, per_site, stacked
from driftlab.raw.frame import RawFrame

RAMP: Final = 0.02


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    gains = stacked(p.r, p.g, p.b)
    if image.shape[1] == 1:
        balanced = image * per_site(gains[:, [0, 1, 1, 2]], sensor.cfa, (image.shape[-2], image.shape[-1]))
    else:
        balanced = image * gains[..., None, None]
    if p.highlights == "keep":
        return balanced
    used = gains[:, 1:2] if sensor.cfa.kind == "mono" else gains
    # A color whose gain is not above zero saturates nowhere.
    saturated = torch.where(used > 0, used, 1.0).amin(-1).clamp_max(1.0)[:, None, None, None]
    clipped: Tensor = _Ceiling.apply(balanced, saturated)  # type: ignore[no-untyped-call]
    return clipped


class _Ceiling(torch.autograd.Function):
    """min(image, limit). Backward, the switch from one to the other is a smoothstep of half-width `RAMP` x limit."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, limit: Tensor) -> Tensor:
        ctx.save_for_backward(image, limit)
        ctx.save_for_forward(image, limit)
        return torch.minimum(image, limit)

    @staticmethod
    def _below(image: Tensor, limit: Tensor) -> Tensor:
        t = ((limit - image) / (2 * RAMP * limit) + 0.5).clamp_(0, 1)
        return t * t * (3 - 2 * t)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None]:
        image, limit = ctx.saved_tensors
        grad_image = grad * _Ceiling._below(image, limit)
        grad_limit = (grad - grad_image).sum_to_size(limit.shape) if ctx.needs_input_grad[1] else None
        return grad_image, grad_limit

    @staticmethod
    def jvp(ctx: Any, image_tangent: Tensor | None, limit_tangent: Tensor | None) -> Tensor:
        image, limit = ctx.saved_tensors
        below = _Ceiling._below(image, limit)
        out = torch.zeros_like(image)
        if image_tangent is not None:
            out = out + image_tangent * below
        if limit_tangent is not None:
            out = out + limit_tangent * (1 - below)
        return out


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    balanced = "x * of_site(site(at, plane), p.r, p.g, p.g, p.b)"
    if choices["highlights"] == "keep":
        return Point(f"return {balanced};", each=True)
    gains = ["p.g"] if sensor.cfa.kind == "mono" else ["p.r", "p.g", "p.b"]
    limits = (f"select(1.0, {gain}, {gain} > 0.0)" for gain in gains)
    body = f"var limit = 1.0; {' '.join(f'limit = min(limit, {each});' for each in limits)}"
    return Point(f"{body} return min({balanced}, limit);", each=True)


def _as_shot(index: int, frame: RawFrame) -> float:
    return frame.gains[index]


def _no_gains(frame: RawFrame) -> str:
    return "" if frame.gains_source in ("as shot", "described") else f"the file states no gains ({frame.gains_source})"


STAGE = Stage(
    name="white_balance",
    title="White balance",
    help="A gain for each color, so that a neutral surface comes out neutral.",
    reads=Domain.MOSAIC,
    writes=Domain.MOSAIC,
    forward=_forward,
    wgsl=_wgsl,
    gradient="surrogate",
    params=tuple(
        Param(
            name,
            f"{label} gain",
            default=1.0,
            low=0.25,
            high=4.0,
            hard=(-16.0, 16.0),
            as_shot=partial(_as_shot, index),
            help=f"Factor of the {label.lower()} channel; as shot, green is 1.",
            source=Stated(_no_gains),
        )
        for index, (name, label) in enumerate((("r", "Red"), ("g", "Green"), ("b", "Blue")))
    ),
    choices=(
        Choice(
            "highlights",
            "Highlights",
            "clip",
            ("clip", "keep"),
            "Clip every color where the weakest saturates, so that white stays white, or keep what the gains give.",
        ),
    ),
    neutral={"r": 1.0, "g": 1.0, "b": 1.0, "highlights": "keep"},
)
