"""Directional demosaicing of a Bayer mosaic with a posteriori decision.

D. Menon, S. Andriani, G. Calvagno: Demosaicing with directional filtering and a posteriori decision. IEEE Transactions
on Image Processing 16(1), 2007. Green is found along rows and along columns; the direction whose color differences
are smoother wins, pixel by pixel; red and blue follow its edges; a refining step smooths the differences along them.
The decisions are steps without a derivative; within them everything is linear.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from driftlab.isp.bayer import site_masks
from driftlab.isp.correlate import correlate, padded
from driftlab.isp.stage import Pass, Passes
from driftlab.raw.frame import CFA

__all__ = ["menon2007", "menon2007_wgsl"]

#: Samples of few bits make many ties. They go to the row, not to whichever way a device happens to round.
TIE: Final = 4e-6

_NEXT = (0.5, 0.0, 0.5)
_MEAN = (1 / 3, 1 / 3, 1 / 3)
_GREEN = (-0.25, 0.5, 0.5, 0.5, -0.25)
# How rough the differences are around a pixel: its own side counts most (figure 4 of the paper).
_ROUGHNESS = ((1, 0, 1, 0, 0), (0, 1, 0, 0, 0), (3, 0, 3, 0, 0), (0, 1, 0, 0, 0), (1, 0, 1, 0, 0))


def _across(image: Tensor, taps: tuple[float, ...]) -> Tensor:
    return correlate(padded(image, 0, len(taps) // 2), image.new_tensor([taps]))


def _down(image: Tensor, taps: tuple[float, ...]) -> Tensor:
    return correlate(padded(image, len(taps) // 2, 0), image.new_tensor([taps]).T)


def menon2007(mosaic: Tensor, cfa: CFA) -> Tensor:
    """`[B, 1, H, W]` -> `[B, 3, H, W]`."""
    at_red, at_green, at_blue = (mask.bool() for mask in site_masks(cfa, mosaic).split(1, 1))
    red_rows = at_red.any(-1, keepdim=True).expand_as(at_red)
    green, level = _green(mosaic, at_green)

    def one_way(image: Tensor, taps: tuple[float, ...]) -> Tensor:
        """Filtered along the direction that was decided for the pixel."""
        return torch.where(level, _across(image, taps), _down(image, taps))

    def along(image: Tensor, rows: Tensor) -> Tensor:
        """The mean of the two neighbors: in the row where `rows` holds, else in the column."""
        return torch.where(rows, _across(image, _NEXT), _down(image, _NEXT))

    zero = mosaic.new_zeros(())
    # Red and blue at the green sites, where one has its neighbors in the row and the other in the column.
    sampled_red, sampled_blue = torch.where(at_red, mosaic, zero), torch.where(at_blue, mosaic, zero)
    red = torch.where(at_green, green + along(sampled_red, red_rows) - along(green, red_rows), sampled_red)
    blue = torch.where(at_green, green + along(sampled_blue, ~red_rows) - along(green, ~red_rows), sampled_blue)
    # Then each at the other's sites.
    red = torch.where(at_blue, blue + one_way(red, _NEXT) - one_way(blue, _NEXT), red)
    blue = torch.where(at_red, red + one_way(blue, _NEXT) - one_way(red, _NEXT), blue)

    # Refining: the differences to green, then those between red and blue, are smoothed along the edges.
    at_other = torch.where(at_red, red - one_way(red - green, _MEAN), blue - one_way(blue - green, _MEAN))
    green = torch.where(at_green, green, at_other)
    red = torch.where(at_green, green + along(red - green, red_rows), red)
    blue = torch.where(at_green, green + along(blue - green, ~red_rows), blue)
    red = torch.where(at_blue, blue + one_way(red - blue, _MEAN), red)
    blue = torch.where(at_red, red - one_way(red - blue, _MEAN), blue)
    return torch.cat([red, green, blue], 1)


def _green(mosaic: Tensor, at_green: Tensor) -> tuple[Tensor, Tensor]:
    """Green at every pixel, and whether it was found along the row."""
    across = torch.where(at_green, mosaic, _across(mosaic, _GREEN))
    down = torch.where(at_green, mosaic, _down(mosaic, _GREEN))
    with torch.no_grad():
        rough_across = _rough(mosaic - across, vertical=False)
        rough_down = _rough(mosaic - down, vertical=True)
        level = rough_down + TIE >= rough_across
    return torch.where(level, across, down), level


def _rough(difference: Tensor, *, vertical: bool) -> Tensor:
    """Weighted sum of the steps of a color difference between next samples of one color."""
    if vertical:
        return _rough(difference.transpose(-1, -2), vertical=False).transpose(-1, -2)
    step = (difference - padded(difference, 0, 2)[..., 4:]).abs()
    return correlate(padded(step, 2, 2, "constant"), step.new_tensor(_ROUGHNESS))


_WGSL = """
const ACROSS = vec2i(1, 0);
const DOWN = vec2i(0, 1);
fn menon_sample(at: vec2i) -> f32 { return load(mirrored(at), 0); }
// Green along a direction.
fn menon_green(at: vec2i, step: vec2i) -> f32 {
    if (color(at) == 1) { return load(at, 0); }
    return -0.25 * menon_sample(at - 2 * step) + 0.5 * menon_sample(at - step) + 0.5 * load(at, 0)
        + 0.5 * menon_sample(at + step) - 0.25 * menon_sample(at + 2 * step);
}
// How much a color difference changes to the next sample of its color; nothing, beyond the border.
fn menon_step(at: vec2i, step: vec2i, plane: i32) -> f32 {
    if (!inside(at)) { return 0.0; }
    return abs(before(at, plane) - before(mirrored(at + 2 * step), plane));
}
fn menon_rough(at: vec2i, step: vec2i, plane: i32) -> f32 {
    let over = step.yx;
    return menon_step(at - 2 * over - 2 * step, step, plane) + menon_step(at - 2 * over, step, plane)
        + menon_step(at - over - step, step, plane)
        + 3.0 * menon_step(at - 2 * step, step, plane) + 3.0 * menon_step(at, step, plane)
        + menon_step(at + over - step, step, plane)
        + menon_step(at + 2 * over - 2 * step, step, plane) + menon_step(at + 2 * over, step, plane);
}
// From the third pass on, an image is red, green, blue and whether green was found along the row.
fn menon_rgbl(at: vec2i) -> vec4f {
    let place = mirrored(at);
    return vec4f(before(place, 0), before(place, 1), before(place, 2), before(place, 3));
}
fn menon_in_red_row(at: vec2i) -> bool { let s = site(at, 0); return s < 2; }
// The step to the neighbors that hold a color (0 red, 2 blue), at a green site.
fn menon_toward(at: vec2i, wanted: i32) -> vec2i {
    return select(DOWN, ACROSS, menon_in_red_row(at) == (wanted == 0));
}
"""

# Differences of the sample to green along the row and along the column.
_DIFFERENCES = "let x = load(at, 0); return vec2f(x - menon_green(at, ACROSS), x - menon_green(at, DOWN));"
_DECIDED = f"""
    let across = menon_rough(at, ACROSS, 0);
    let down = menon_rough(at, DOWN, 1);
    let level = down + {TIE} >= across;
    return vec2f(menon_green(at, select(DOWN, ACROSS, level)), f32(level));"""
_AT_GREEN = """
    let x = load(at, 0);
    let green = before(at, 0);
    let level = before(at, 1);
    let mine = color(at);
    if (mine != 1) { return vec4f(select(0.0, x, mine == 0), green, select(0.0, x, mine == 2), level); }
    let red = menon_toward(at, 0);
    let blue = menon_toward(at, 2);
    return vec4f(
        green + 0.5 * (menon_sample(at - red) + menon_sample(at + red))
            - 0.5 * (before(mirrored(at - red), 0) + before(mirrored(at + red), 0)),
        green,
        green + 0.5 * (menon_sample(at - blue) + menon_sample(at + blue))
            - 0.5 * (before(mirrored(at - blue), 0) + before(mirrored(at + blue), 0)),
        level);"""
_AT_OTHER = """
    var x = menon_rgbl(at);
    let mine = color(at);
    if (mine == 1) { return x; }
    let step = select(DOWN, ACROSS, x.w > 0.5);
    let mean = 0.5 * (menon_rgbl(at - step) + menon_rgbl(at + step));
    if (mine == 2) { x.r = x.b + mean.r - mean.b; } else { x.b = x.r + mean.b - mean.r; }
    return x;"""
_REFINED_GREEN = """
    var x = menon_rgbl(at);
    let mine = color(at);
    if (mine == 1) { return x; }
    let step = select(DOWN, ACROSS, x.w > 0.5);
    let mean = (menon_rgbl(at - step) + x + menon_rgbl(at + step)) / 3.0;
    x.g = select(x.b - (mean.b - mean.g), x.r - (mean.r - mean.g), mine == 0);
    return x;"""
_REFINED_AT_GREEN = """
    var x = menon_rgbl(at);
    if (color(at) != 1) { return x; }
    let red = menon_toward(at, 0);
    let blue = menon_toward(at, 2);
    let reds = 0.5 * (menon_rgbl(at - red) + menon_rgbl(at + red));
    let blues = 0.5 * (menon_rgbl(at - blue) + menon_rgbl(at + blue));
    x.r = x.g + (reds.r - reds.g);
    x.b = x.g + (blues.b - blues.g);
    return x;"""
_REFINED_AT_OTHER = """
    var x = menon_rgbl(at);
    let mine = color(at);
    if (mine == 1) { return x.rgb; }
    let step = select(DOWN, ACROSS, x.w > 0.5);
    let mean = (menon_rgbl(at - step) + x + menon_rgbl(at + step)) / 3.0;
    if (mine == 2) { x.r = x.b + (mean.r - mean.b); } else { x.b = x.r - (mean.r - mean.b); }
    return x.rgb;"""


def menon2007_wgsl() -> Passes:
    """The same as a shader."""
    colored = (_AT_GREEN, _AT_OTHER, _REFINED_GREEN, _REFINED_AT_GREEN)
    passes = (Pass(_DIFFERENCES, 2), Pass(_DECIDED, 2), *(Pass(body, 4) for body in colored))
    return Passes((*passes, Pass(_REFINED_AT_OTHER, 3)), _WGSL)
