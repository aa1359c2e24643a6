"""Optics: blur and vignetting of the light that falls on the sensor.

Blur acts on every color by itself, as a lens does: each site takes a gaussian average over the sites of its color
(normalized convolution, Knutsson & Westin 1993), so that no color leaks into another. A blur that is narrow against
the distance of equal sites hardly shows in a mosaic, and does not show here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from driftlab.isp.correlate import gaussian, radius_of
from driftlab.isp.stage import Domain, Param, Pass, Passes, Sensor, Shader, Stage, Values
from driftlab.isp.stages._light import on_light


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    return on_light(
        image, sensor, lambda light: _blurred(light, p.blur, sensor) * _falloff(light, p.vignetting, sensor)
    )


def _blurred(light: Tensor, sigma: Tensor, sensor: Sensor) -> Tensor:
    if not radius_of(sigma):
        return light
    if sensor.cfa.kind in ("mono", "linear"):
        return gaussian(light, sigma, "reflect")
    sites = torch.tensor(sensor.cfa.colors(), device=light.device)
    height, width = light.shape[-2:]
    sites = sites.repeat(-(-height // sites.shape[0]), -(-width // sites.shape[1]))[:height, :width]
    out = torch.zeros_like(light)
    for color in range(3):
        here = (sites == color).to(light.dtype).expand(*sigma.shape[:1] or (1,), 1, -1, -1)
        around = gaussian(light * here, sigma, "reflect")
        share = gaussian(here, sigma, "reflect")
        out = out + here * around / torch.where(here > 0, share, 1.0)
    return out


def _falloff(light: Tensor, ev: Tensor, sensor: Sensor) -> Tensor:
    """2^(-ev r²), r the distance from the middle of the frame, 1 at its corners."""
    (height, width), (top, left) = sensor.size, sensor.origin
    y = torch.arange(light.shape[-2], dtype=light.dtype, device=light.device) + (top + 0.5 - height / 2)
    x = torch.arange(light.shape[-1], dtype=light.dtype, device=light.device) + (left + 0.5 - width / 2)
    square = (y[:, None] ** 2 + x**2) / ((height / 2) ** 2 + (width / 2) ** 2)
    return torch.exp(-math.log(2) * ev * square)  # exp2 rounds the ends of a row otherwise than its middle


_FALLOFF = """
fn optics_falloff(at: vec2i, ev: f32) -> f32 {
    let half = 0.5 * vec2f(f32(facts.frame_width), f32(facts.frame_height));
    let place = vec2f(at + vec2i(facts.left, facts.top)) + 0.5 - half;
    return exp2(-ev * dot(place, place) / dot(half, half));
}
fn optics_weight(k: i32, sigma: f32) -> f32 {
    let distance = f32(k) / max(sigma, 0.01);
    return exp(-0.5 * distance * distance);
}"""
_RADIUS = "let radius = i32(4.0 * p.blur + 0.5);"


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    if sensor.cfa.kind in ("mono", "linear"):
        return _wgsl_planes(1 if sensor.cfa.kind == "mono" else 3)
    # Along the row every color by itself; then along the column the site's own color, and its share of the weights,
    # which repeats with the array's rows.
    rows = len(sensor.cfa.pattern)
    along = f"""
    {_RADIUS}
    var total = vec3f(0.0);
    for (var k = -radius; k <= radius; k++) {{
        let from_ = mirrored(at + vec2i(k, 0));
        let light = load(from_, 0) - facts.black[site(from_, 0)];
        total += optics_weight(k, p.blur) * light * only(color(from_));
    }}
    return total;"""
    down = f"""
    {_RADIUS}
    let mine = color(at);
    var shares: array<f32, {rows}>;
    for (var k = -radius; k <= radius; k++) {{
        let w = optics_weight(k, p.blur);
        let column = mirrored_along(at.x + k, facts.width);
        for (var row = 0; row < {rows}; row++) {{
            shares[row] += select(0.0, w, color(vec2i(column, row)) == mine);
        }}
    }}
    var around = 0.0;
    var share = 0.0;
    for (var k = -radius; k <= radius; k++) {{
        let w = optics_weight(k, p.blur);
        let row = mirrored_along(at.y + k, facts.height);
        around += w * before(vec2i(at.x, row), mine);
        share += w * shares[row % {rows}];
    }}
    return around / share * optics_falloff(at, p.vignetting) + facts.black[site(at, 0)];"""
    return Passes((Pass(along, 3), Pass(down, 1)), _FALLOFF)


def _wgsl_planes(planes: int) -> Shader:
    kind, zero = ("f32", "0.0") if planes == 1 else ("vec3f", "vec3f(0.0)")
    black = "facts.black[1]" if planes == 1 else "vec3f(facts.black[0], facts.black[1], facts.black[3])"
    read = "load(from_, 0)" if planes == 1 else "load3(from_)"
    again = "before(from_, 0)" if planes == 1 else "vec3f(before(from_, 0), before(from_, 1), before(from_, 2))"
    bodies = [
        f"""
    {_RADIUS}
    var total = {zero};
    var weight = 0.0;
    for (var k = -radius; k <= radius; k++) {{
        let from_ = mirrored(at + vec2i({step}));
        let w = optics_weight(k, p.blur);
        total += w * ({sample});
        weight += w;
    }}
    let mean: {kind} = total / weight;
    return {result};"""
        for step, sample, result in (
            ("k, 0", f"{read} - {black}", "mean"),
            ("0, k", again, f"mean * optics_falloff(at, p.vignetting) + {black}"),
        )
    ]
    return Passes(tuple(Pass(body, planes) for body in bodies), _FALLOFF)


def _reach(p: Values, sensor: Sensor) -> int:
    return radius_of(p.blur)


STAGE = Stage(
    name="optics",
    title="Optics",
    help="The lens: blur of every color plane by itself, and less light toward the corners.",
    reads=Domain.SAMPLES,
    writes=Domain.SAMPLES,
    forward=_forward,
    wgsl=_wgsl,
    reach=_reach,
    params=(
        Param(
            "blur",
            "Blur",
            unit="px",
            default=0.0,
            low=0.0,
            high=4.0,
            hard=(0.0, 16.0),
            help="Sigma of the gaussian point spread function, in samples of the sensor.",
        ),
        Param(
            "vignetting",
            "Vignetting",
            unit="EV",
            default=0.0,
            low=-1.0,
            high=3.0,
            hard=(-8.0, 8.0),
            help="Light lost in the corners, growing with the square of the distance from the middle.",
        ),
    ),
    neutral={"blur": 0.0, "vignetting": 0.0},
)
