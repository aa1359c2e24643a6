"""Shapes of cells on a grid of samples: outlines that are never quite round, bent bodies, grains, mottle.

All are float64 `[H, W]`, 1 inside and 0 outside with an edge as soft as an oil objective draws it. Lengths are in
samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Field", "Grid", "Outline", "body", "grains", "inside", "mottle", "outline"]

Field = NDArray[np.float64]

#: Half-width of an edge: what diffraction at an aperture of 1.25 leaves at 0.2 µm a sample.
SOFT: Final = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The places of the samples: `y` is `[H, 1]`, `x` is `[1, W]`."""

    y: Field
    x: Field

    @classmethod
    def square(cls, size: int) -> Grid:
        """A grid of `size` x `size` samples with its origin in the middle."""
        line = np.arange(size, dtype=np.float64) - (size - 1) / 2
        return cls(line[:, None], line[None])

    def around(self, y: float, x: float, reach: float) -> tuple[tuple[slice, slice], Grid]:
        """The part of the grid within `reach` of a place: its rows and columns, and itself as a grid."""
        rows = slice(*np.searchsorted(self.y[:, 0], (y - reach, y + reach)).tolist())
        columns = slice(*np.searchsorted(self.x[0], (x - reach, x + reach)).tolist())
        return (rows, columns), Grid(self.y[rows], self.x[:, columns])


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed line about (y, x): radius * (1 + sum of waves k of amplitude a and phase p), stretched by `aspect`."""

    y: float
    x: float
    radius: float
    waves: tuple[tuple[int, float, float], ...]
    aspect: float = 1.0
    angle: float = 0.0

    def reach(self, grid: Grid) -> tuple[Field, Field]:
        """Distance from the middle as a share of the outline's radius there, and that radius in samples."""
        down, right = grid.y - self.y, grid.x - self.x
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along, across = (right * cos + down * sin) / self.aspect, (down * cos - right * sin) * self.aspect
        theta = np.arctan2(across, along)
        radius = np.full(theta.shape, self.radius)
        for k, amplitude, phase in self.waves:
            radius += self.radius * amplitude * np.cos(k * theta + phase)
        return np.asarray(np.hypot(along, across) / radius), radius


def outline(
    rng: np.random.Generator, y: float, x: float, radius: float, wobble: float = 0.03, stretch: float = 0.06
) -> Outline:
    """An outline of this mean radius with random waves of about `wobble`, stretched by about `stretch`."""
    waves = tuple((k, float(rng.normal(0, wobble / (k - 1))), float(rng.uniform(0, 2 * np.pi))) for k in (2, 3, 4, 5))
    return Outline(y, x, radius, waves, float(np.exp(rng.normal(0, stretch))), float(rng.uniform(0, np.pi)))


def inside(line: Outline, grid: Grid, soft: float = SOFT) -> Field:
    """1 inside the outline, 0 outside."""
    share, radius = line.reach(grid)
    return _edge((1 - share) * radius, soft)


def body(points: NDArray[np.float64], radii: NDArray[np.float64], grid: Grid, soft: float = SOFT) -> Field:
    """A tube through `points` `[N, 2]` whose radius goes from one of `radii` `[N]` to the next."""
    depth = np.full((grid.y.size, grid.x.size), -np.inf)
    for (start, end), (first, last) in zip(pairwise(points), pairwise(radii), strict=True):
        step = end - start
        down, right = grid.y - start[0], grid.x - start[1]
        at = np.clip((down * step[0] + right * step[1]) / max(float(step @ step), 1e-6), 0, 1)
        distance = np.hypot(down - at * step[0], right - at * step[1])
        np.maximum(depth, first + at * (last - first) - distance, out=depth)
    return _edge(depth, soft)


def grains(places: NDArray[np.float64], sigmas: NDArray[np.float64], weights: NDArray[np.float64], grid: Grid) -> Field:
    """The sum of round gaussian grains at `places` `[N, 2]`, each of its own width and weight."""
    spread = 2 * sigmas[:, None] ** 2
    rows = np.exp(-((grid.y[:, 0] - places[:, :1]) ** 2) / spread) * weights[:, None]
    columns = np.exp(-((grid.x[0] - places[:, 1:]) ** 2) / spread)
    return np.asarray(np.einsum("nh,nw->hw", rows, columns))


def mottle(rng: np.random.Generator, size: int, width: float) -> Field:
    """A random field of mean 0 and variance 1 whose structures are about `width` samples wide."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * np.exp(-2 * (np.pi * width / 2 * frequency) ** 2)
    field = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray((field - field.mean()) / field.std())


def _edge(depth: Field, soft: float) -> Field:
    """A step from 0 to 1 where `depth` crosses zero."""
    return np.asarray(0.5 + 0.5 * np.tanh(depth / soft))
