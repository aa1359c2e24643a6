"""Optics: blur and vignetting of the light that falls on the sensor.

Blur acts on every color by itself, as a lens does: each site takes a gaussian average over the sites of its color
(normalized convolution, Knutsson & Westin 1993), so that no color leaks into another. A blur that is narrow against
the distance of equal sites hardly shows in a mosaic, and does not show here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from driftlab.isp.correlate import gaussian, radius_of
from driftlab.isp.stage import Domain, Param, Sensor, Stage, Values
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


def _reach(p: Values, sensor: Sensor) -> int:
    return radius_of(p.blur)


STAGE = Stage(
    name="optics",
    title="Optics",
    help="The lens: blur of every color plane by itself, and less light toward the corners.",
    reads=Domain.SAMPLES,
    writes=Domain.SAMPLES,
    forward=_forward,
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
