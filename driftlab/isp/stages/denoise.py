"""Denoise: smooths the luma of linear RGB; chroma stays as it is.

Borders are mirrored with the edge repeated, as in scipy.ndimage. `fft` keeps the lowest horizontal frequencies, up to
`fraction` of the width, the last of them in part, so that it has a derivative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from driftlab.isp.correlate import correlate, correlate_wgsl, gaussian, gaussian_wgsl, kernel_of, padded, radius_of
from driftlab.isp.stage import ROW, Choice, Domain, NoShader, Param, Pass, Passes, Sensor, Shader, Stage, Values

#: Five taps of the gaussian of sigma 0.5, and their outer product: the paper's nominal kernel.
_TAPS = [math.exp(-2.0 * offset**2) for offset in range(-2, 3)]
NOMINAL = tuple(tuple(a * b / sum(_TAPS) ** 2 for b in _TAPS) for a in _TAPS)


def _forward(luma: Tensor, p: Values, sensor: Sensor) -> Tensor:
    if p.method == "gaussian":
        return gaussian(luma, p.sigma, "symmetric")
    if p.method == "median":
        return _medians(luma, p.size)
    if p.method == "bilateral":
        return _bilateral(luma, p.sigma, p.range)
    if p.method == "fft":
        return _low_pass(luma, p.fraction)
    if p.method == "kernel":
        kernel = kernel_of(*(getattr(p, f"k{i}{j}") for i in range(5) for j in range(5)))
        return correlate(padded(luma, 2, 2, "symmetric"), kernel)
    return luma


def _medians(luma: Tensor, size: Tensor) -> Tensor:
    """A batch of sizes goes one after the other, as the number of samples differs."""
    if size.ndim == 0:
        return _median(luma, int(size))
    images = luma.expand(len(size), -1, -1, -1)
    return torch.cat([_median(image[None], int(side)) for image, side in zip(images, size, strict=True)])


def _median(luma: Tensor, size: int) -> Tensor:
    """The median of the `size`² samples around; sizes are made odd, as the window has a middle."""
    radius = size // 2
    if not radius:
        return luma
    wide = padded(luma, radius, radius, "symmetric")
    height, width = luma.shape[-2:]
    side = 2 * radius + 1
    around = [wide[..., i : i + height, j : j + width] for i in range(side) for j in range(side)]
    return _median_of_nine(around) if side == 3 else torch.stack(around).median(0).values


def _median_of_nine(v: list[Tensor]) -> Tensor:
    """By sorted columns: the median of nine is that of (largest low, middle middle, smallest high)."""

    def ordered(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        middle = torch.minimum(high, c)
        return torch.minimum(low, c), torch.maximum(low, middle), torch.maximum(high, c)

    lows, middles, highs = zip(*(ordered(*v[k : k + 3]) for k in (0, 3, 6)), strict=True)
    largest_low = torch.maximum(torch.maximum(lows[0], lows[1]), lows[2])
    smallest_high = torch.minimum(torch.minimum(highs[0], highs[1]), highs[2])
    return ordered(largest_low, ordered(*middles)[1], smallest_high)[1]


def _bilateral(luma: Tensor, sigma: Tensor, spread: Tensor) -> Tensor:
    """Tomasi & Manduchi 1998: a gaussian in space times one in value."""
    radius = radius_of(sigma)
    wide = padded(luma, radius, radius, "symmetric")
    height, width = luma.shape[-2:]
    total = weight = torch.zeros_like(luma)
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            other = wide[..., radius + i : radius + i + height, radius + j : radius + j + width]
            inside = max(abs(i), abs(j)) <= (4 * sigma.detach() + 0.5).floor()
            near = -(i * i + j * j) / (2 * sigma.clamp_min(1e-2) ** 2)
            w = torch.exp(near - ((other - luma) / spread) ** 2 / 2) * inside
            total, weight = total + w * other, weight + w
    return total / weight


def _low_pass(luma: Tensor, fraction: Tensor) -> Tensor:
    width = luma.shape[-1]
    frequency = torch.arange(width // 2 + 1, dtype=luma.dtype, device=luma.device)
    kept = (fraction * width - frequency + 1).clamp(0, 1)
    smooth: Tensor = torch.fft.irfft(torch.fft.rfft(luma) * kept, n=width)
    return smooth


_MEDIANS = """
// By sorted columns: the median of nine is that of (largest low, middle middle, smallest high).
fn denoise_ordered(v: vec3f) -> vec3f {
    let low = min(v.x, v.y);
    let high = max(v.x, v.y);
    let middle = min(high, v.z);
    return vec3f(min(low, v.z), max(low, middle), max(high, v.z));
}
fn denoise_column(at: vec2i) -> vec3f {
    return denoise_ordered(vec3f(
        load(repeated(at + vec2i(0, -1)), 0), load(repeated(at), 0), load(repeated(at + vec2i(0, 1)), 0)));
}
fn denoise_of_nine(at: vec2i) -> f32 {
    let a = denoise_column(at - vec2i(1, 0));
    let b = denoise_column(at);
    let c = denoise_column(at + vec2i(1, 0));
    let lows = max(max(a.x, b.x), c.x);
    let highs = min(min(a.z, b.z), c.z);
    return denoise_ordered(vec3f(lows, denoise_ordered(vec3f(a.y, b.y, c.y)).y, highs)).y;
}
// Bits in the order of the numbers that they are.
fn denoise_key(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}
// The largest key that at most half of the samples are below, found bit by bit.
fn denoise_of_many(at: vec2i, radius: i32) -> f32 {
    let half = (2 * radius + 1) * (2 * radius + 1) / 2;
    var key = 0u;
    for (var bit = 31; bit >= 0; bit--) {
        let tried = key | (1u << u32(bit));
        var below = 0;
        for (var i = -radius; i <= radius; i++) {
            for (var j = -radius; j <= radius; j++) {
                below += i32(denoise_key(load(repeated(at + vec2i(j, i)), 0)) < tried);
            }
        }
        key = select(key, tried, below <= half);
    }
    return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}"""
_MEDIAN = """
    let radius = i32(p.size) / 2;
    if (radius == 0) { return load(at, 0); }
    if (radius == 1) { return denoise_of_nine(at); }
    return denoise_of_many(at, radius);"""
_BILATERAL = """
    let radius = i32(4.0 * p.sigma + 0.5);
    let sigma = max(p.sigma, 0.01);
    let luma = load(at, 0);
    var total = 0.0;
    var weight = 0.0;
    for (var i = -radius; i <= radius; i++) {
        for (var j = -radius; j <= radius; j++) {
            let other = load(repeated(at + vec2i(j, i)), 0);
            let far = (other - luma) / p.range;
            let w = exp(-f32(i * i + j * j) / (2.0 * sigma * sigma) - 0.5 * far * far);
            total += w * other;
            weight += w;
        }
    }
    return total / weight;"""


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    if choices["method"] == "fft":
        return NoShader("the Fourier transform is of whole rows, which no pass over neighborhoods gives")
    if choices["method"] == "gaussian":
        down = gaussian_wgsl("p.sigma", "load(repeated(at + vec2i(0, k)), 0)")
        along = gaussian_wgsl("p.sigma", "before(repeated(at + vec2i(k, 0)), 0)")
        return Passes((Pass(f"{down} return mean;", 1), Pass(f"{along} return mean;", 1)))
    if choices["method"] == "median":
        return Passes((Pass(_MEDIAN, 1),), _MEDIANS)
    if choices["method"] == "bilateral":
        return Passes((Pass(_BILATERAL, 1),))
    if choices["method"] == "kernel":
        taps = ((i - 2, j - 2, f"p.k{i}{j}") for i in range(5) for j in range(5))
        return Passes((Pass(f"return {correlate_wgsl(taps, 'repeated')};", 1),))
    return Passes((Pass("return load(at, 0);", 1),))


def _reach(p: Values, sensor: Sensor) -> int:
    if p.method == "fft":
        return ROW
    if p.method == "median":
        return int(p.size.max()) // 2
    return {"none": 0, "kernel": 2}.get(p.method, radius_of(p.sigma))


STAGE = Stage(
    name="denoise",
    title="Denoise",
    help="Smooths brightness, not color.",
    reads=Domain.LUMA,
    writes=Domain.LUMA,
    forward=_forward,
    wgsl=_wgsl,
    reach=_reach,
    choices=(
        Choice(
            "method",
            "Method",
            "none",
            ("none", "gaussian", "median", "bilateral", "fft", "kernel"),
            "How the luma is smoothed.",
        ),
    ),
    params=(
        Param(
            "sigma",
            "Sigma",
            unit="px",
            default=0.5,
            low=0.0,
            high=4.0,
            hard=(0.0, 16.0),
            when={"method": ("gaussian", "bilateral")},
            help="Width of the gaussian.",
        ),
        Param(
            "size",
            "Size",
            unit="px",
            default=3.0,
            low=1.0,
            high=7.0,
            hard=(1.0, 15.0),
            integer=True,
            when={"method": ("median",)},
            help="Side of the window; even sizes count as the next odd one.",
        ),
        Param(
            "range",
            "Range",
            default=0.1,
            low=0.01,
            high=1.0,
            hard=(1e-4, 100.0),
            log=True,
            when={"method": ("bilateral",)},
            help="How different a neighbor may be, in linear luma, and still count (one sigma).",
        ),
        Param(
            "fraction",
            "Fraction",
            default=0.3,
            low=0.05,
            high=0.5,
            hard=(0.0, 0.5),
            when={"method": ("fft",)},
            help="Horizontal frequencies kept, in cycles a pixel; 0.5 keeps all.",
        ),
        *(
            Param(
                f"k{i}{j}",
                f"Kernel {i}, {j}",
                default=NOMINAL[i][j],
                low=-1.0,
                high=1.0,
                hard=(-16.0, 16.0),
                advanced=True,
                when={"method": ("kernel",)},
                help="A weight of the 5×5 kernel, row and column from the top left.",
            )
            for i in range(5)
            for j in range(5)
        ),
    ),
    neutral={"method": "none"},
)
