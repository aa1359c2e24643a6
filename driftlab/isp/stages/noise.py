"""Noise: fewer photons and the sensor's read noise, reparametrised so that gradients pass.

A frame already carries the shot noise of its own photons. Keeping each photon with the probability `intensity`
(binomial thinning) leaves r n electrons of n on average and adds the variance r (1 - r) n, so that the total variance
is again r n: the frame stays on its photon-transfer line. Read noise adds its own variance (EMVA 1288, 4.0, section
2.2). The thinning and the read noise are drawn as one normal deviate a site: z sqrt(r (1 - r) n + sigma²).

The deviates are a hash of seed, row and column (`lowbias32` constants: C. Wellons, hash-prospector, 2018; Box-Muller),
so that a tile draws what the whole draws, and any device what any other draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from driftlab.isp.once import once_differentiable
from driftlab.isp.stage import Domain, Lit, Param, Point, Sensor, Shader, Stage, Stated, Values
from driftlab.isp.stages._light import black_of
from driftlab.raw.frame import RawFrame


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    black = black_of(image, sensor)
    electrons = (image - black) * (p.full_well / (sensor.white - black))
    added = p.intensity * (1 - p.intensity) * electrons.clamp_min(0) + p.read_noise**2
    kept = p.intensity * electrons + _root(added) * deviates(image, p.seed, sensor)
    return torch.addcmul(black, kept, (sensor.white - black) / p.full_well)


def deviates(image: Tensor, seed: Tensor, sensor: Sensor) -> Tensor:
    """Standard normal deviates for every site of `image`; place in the frame and seed decide them."""
    channels, height, width = image.shape[1:]
    top, left = sensor.origin
    seeds = seed.reshape(-1, 1, 1, 1).to(torch.int64)
    channel = torch.arange(channels, device=image.device).reshape(-1, 1, 1)
    row = torch.arange(top, top + height, device=image.device).reshape(-1, 1)
    column = torch.arange(left, left + width, device=image.device)
    rows = _hash(_hash(_hash(_word(seeds)) ^ _word(channel)) ^ _word(row))
    # The row goes in twice, lest two rows whose hashes are near draw the same numbers in another order.
    first = _hash(_hash(rows ^ _word(column)) + _hash(rows + 0x3C6EF372))
    second = _hash(first ^ 0x5851F42D)
    length = torch.sqrt(-2 * torch.log(_uniform(first, image.dtype)))
    return length * torch.cos(2 * math.pi * _uniform(second, image.dtype))


def _word(value: Tensor) -> Tensor:
    """Any integer as the int32 of its low 32 bits."""
    low = value & 0xFFFFFFFF
    return torch.where(low >= 1 << 31, low - (1 << 32), low).to(torch.int32)


def _hash(x: Tensor) -> Tensor:
    """A bijective mix of 32 bits; int32 arithmetic wraps, and the masks make its shifts logical."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
    x = (x ^ ((x >> 15) & 0x1FFFF)) * -0x7B935975  # 0x846CA68B
    return x ^ ((x >> 16) & 0xFFFF)


def _uniform(bits: Tensor, dtype: torch.dtype) -> Tensor:
    """The upper 24 bits as a number strictly between 0 and 1."""
    return (((bits >> 8) & 0xFFFFFF).to(dtype) + 0.5) * 2.0**-24


class _Root(torch.autograd.Function):
    """sqrt of a variance in e-²; below a variance of one its infinite slope at zero gives way to the slope at one."""

    @staticmethod
    def forward(ctx: Any, variance: Tensor) -> Tensor:
        root = torch.sqrt(variance)
        ctx.save_for_backward(root)
        ctx.save_for_forward(root)
        return root

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _Root.jvp(ctx, grad)  # the derivative of a pointwise function is its own transpose

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        root: Tensor = ctx.saved_tensors[0]
        return tangent * 0.5 / root.clamp_min(1.0)


def _root(variance: Tensor) -> Tensor:
    result: Tensor = _Root.apply(variance)  # type: ignore[no-untyped-call]
    return result


_HASH = """
fn noise_hash(word: u32) -> u32 {
    var x = (word ^ (word >> 16u)) * 0x7feb352du;
    x = (x ^ (x >> 15u)) * 0x846ca68bu;
    return x ^ (x >> 16u);
}
fn noise_uniform(bits: u32) -> f32 { return (f32(bits >> 8u) + 0.5) / 16777216.0; }
fn noise_deviate(seed: u32, plane: i32, row: i32, column: i32) -> f32 {
    let line = noise_hash(noise_hash(noise_hash(seed) ^ u32(plane)) ^ u32(row));
    let first = noise_hash(noise_hash(line ^ u32(column)) + noise_hash(line + 0x3c6ef372u));
    let second = noise_hash(first ^ 0x5851f42du);
    return sqrt(-2.0 * ln(noise_uniform(first))) * cosine_of_turns(noise_uniform(second));
}"""


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    return Point(
        """
        let black = facts.black[site(at, plane)];
        let electrons = (x - black) * (p.full_well / (facts.white - black));
        let added = p.intensity * (1.0 - p.intensity) * max(electrons, 0.0) + p.read_noise * p.read_noise;
        let deviate = noise_deviate(u32(p.seed), plane, at.y + facts.top, at.x + facts.left);
        let kept = p.intensity * electrons + sqrt(added) * deviate;
        return black + kept * ((facts.white - black) / p.full_well);""",
        each=True,
        also=_HASH,
    )


def full_well_of(frame: RawFrame) -> float:
    """A stated guess, for no file tells it: 15,000 e- at white at ISO 100, fewer in proportion at higher ISO."""
    return min(max(15_000 * 100 / (frame.iso or 100), 100.0), 200_000.0)


def _no_speed(frame: RawFrame) -> str:
    return "the file states no ISO speed" if frame.iso is None else ""


STAGE = Stage(
    name="noise",
    title="Noise",
    help="Fewer photons and read noise, drawn from the seed; what the frame already has of noise stays.",
    reads=Domain.SAMPLES,
    writes=Domain.SAMPLES,
    forward=_forward,
    wgsl=_wgsl,
    gradient="surrogate",
    params=(
        Param(
            "intensity",
            "Intensity",
            default=1.0,
            low=0.01,
            high=1.0,
            hard=(1e-4, 1.0),
            log=True,
            help="Share of the photons that is kept; the picture darkens with it.",
            source=Lit(lambda nominal, ev: min(nominal * 2**ev, nominal)),  # more light is no share of it
        ),
        Param(
            "read_noise",
            "Read noise",
            unit="e-",
            default=0.0,
            low=0.0,
            high=50.0,
            hard=(0.0, 10_000.0),
            help="Standard deviation of what is added in reading out.",
        ),
        Param(
            "full_well",
            "Full well",
            unit="e-",
            default=15_000.0,
            low=500.0,
            high=100_000.0,
            hard=(1.0, 1e7),
            log=True,
            as_shot=full_well_of,
            help="Electrons at the white level: the fewer, the stronger the shot noise. A guess from the ISO speed.",
            source=Stated(_no_speed, how="from the ISO speed", of_sensor=True),
        ),
        Param(
            "seed",
            "Seed",
            default=0.0,
            low=0.0,
            high=9999.0,
            hard=(0.0, 2.0**24 - 1),  # what float32 tells apart
            integer=True,
            help="Which noise is drawn; the same seed draws the same.",
        ),
    ),
    neutral={"intensity": 1.0, "read_noise": 0.0},
)
