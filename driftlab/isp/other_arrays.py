"""Demosaicing of X-Trans, quad Bayer and any other array of red, green and blue: normalized convolution.

Knutsson & Westin, Normalized and differential convolution, CVPR 1993: a missing color is the mean of the samples of
that color around, weighted by a tent that is as wide as the array's tile needs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from driftlab.isp.bayer import site_masks
from driftlab.isp.correlate import correlate, padded
from driftlab.isp.stage import Pass, Passes
from driftlab.raw.frame import CFA

__all__ = ["color_differences", "color_differences_wgsl", "normalized_convolution", "normalized_convolution_wgsl"]


def _tent(cfa: CFA, like: Tensor) -> Tensor:
    """The weights along one axis: wide enough that every window holds every color."""
    radius = cfa.superpixel
    tent = radius + 1 - torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device).abs()
    return tent / tent.sum()


def _spread(planes: Tensor, tent: Tensor) -> Tensor:
    radius = len(tent) // 2
    return correlate(correlate(padded(planes, radius, radius), tent[:, None]), tent[None, :])


def _filled(planes: Tensor, masks: Tensor, tent: Tensor) -> Tensor:
    """`planes`, known where `masks` is 1, with the gaps filled by the weighted mean of what is known around."""
    around = _spread(planes * masks, tent) / _spread(masks, tent).clamp_min(1e-6)  # a frame may lack a color
    return torch.where(masks > 0, planes, around)


def normalized_convolution(mosaic: Tensor, cfa: CFA) -> Tensor:
    """`[B, 1, H, W]` -> `[B, 3, H, W]`, every color by itself; samples come through unchanged."""
    return _filled(mosaic.expand(-1, 3, -1, -1), site_masks(cfa, mosaic), _tent(cfa, mosaic))


def color_differences(mosaic: Tensor, cfa: CFA) -> Tensor:
    """`[B, 1, H, W]` -> `[B, 3, H, W]`: green first, then red and blue by their differences to it."""
    masks, tent = site_masks(cfa, mosaic), _tent(cfa, mosaic)
    red, green, blue = masks.split(1, 1)
    middle = _filled(mosaic, green, tent)
    others = _filled(mosaic - middle, torch.cat([red, blue], 1), tent) + middle
    return torch.cat([others[:, :1], middle, others[:, 1:]], 1)


def normalized_convolution_wgsl(cfa: CFA) -> Passes:
    """The same as a shader."""
    around = _around_wgsl(cfa, "load(place, 0)")
    return Passes((Pass(f"{around} return select(mean, vec3f(load(at, 0)), only(color(at)) > vec3f(0.0));", 3),))


def color_differences_wgsl(cfa: CFA) -> Passes:
    """The same as a shader: green, then the others."""
    green = f"{_around_wgsl(cfa, 'load(place, 0)')} return select(mean.g, load(at, 0), color(at) == 1);"
    others = f"""{_around_wgsl(cfa, "load(place, 0) - before(place, 0)")}
    let green = before(at, 0);
    let known = vec3f(load(at, 0) - green);
    let others = select(mean, known, only(color(at)) > vec3f(0.0)) + green;
    return vec3f(others.r, green, others.b);"""
    return Passes((Pass(green, 1), Pass(others, 3)))


def _around_wgsl(cfa: CFA, sample: str) -> str:
    """WGSL that declares `mean`, that of every color's samples around."""
    radius = cfa.superpixel
    return f"""
    var total = vec3f(0.0);
    var weight = vec3f(0.0);
    for (var i = -{radius}; i <= {radius}; i++) {{
        for (var j = -{radius}; j <= {radius}; j++) {{
            let place = mirrored(at + vec2i(j, i));
            let w = f32(({radius + 1} - abs(i)) * ({radius + 1} - abs(j))) * only(color(place));
            total += w * ({sample});
            weight += w;
        }}
    }}
    let mean = total / weight;"""
