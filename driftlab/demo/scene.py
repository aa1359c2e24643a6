"""What lies on the slide: a stained smear with one leukocyte in the middle of the field.

Five classes, and two pairs of them that are the same cell but for one thing. Neutrophil and eosinophil have the same
lobes and the same grains; only the color of the grains tells them apart, at the same luma. Lymphocyte and basophil
have the same round nucleus and the same mean color; in the basophil the stain is gathered into fine grains, which only
a sharp picture shows. So a drift of color and a drift of sharpness each have a class that they break. With the same
generator the two of a pair are drawn with the same outlines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftlab.demo.shapes import Field, Grid, Outline, body, grains, inside, mottle, outline
from driftlab.demo.stain import BANDS, DYES, LUMA, Mixture, concentrations, matched, mixed, transmittance

__all__ = ["CLASSES", "PITCH", "SIZE", "leukocyte_region", "smear"]

#: Side of a field in samples.
SIZE: Final = 128
#: Side of a sample on the slide in µm.
PITCH: Final = 0.2
#: How much of the light a grain of the basophil takes, against the gaps between: from one cell to another.
CLUMPING: Final = (0.5, 0.8)
PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of leukocyte: size in µm, shape of the nucleus, and what is stained with what."""

    diameter: tuple[float, float]
    nucleus: Literal["lobed", "round", "kidney"]
    cytoplasm: Mixture
    grains: Mixture | None = None
    clumped: bool = False


#: What each part takes up of the stain.
CHROMATIN: Final[Mixture] = {"purple": 0.80, "azure": 0.20}
PALE: Final[Mixture] = {"purple": 0.05, "eosin": 0.06, "azure": 0.02}
LILAC: Final[Mixture] = {"purple": 0.20, "azure": 0.22, "hemoglobin": 0.18}
#: As dark as lilac and as blue.
RED: Final[Mixture] = matched({"purple": 0.20, "eosin": 0.20}, to=LILAC, free=("purple", "eosin"))
BLUE: Final[Mixture] = {"azure": 0.14, "purple": 0.11, "hemoglobin": 0.04}

KINDS: Final = {
    "neutrophil": Kind((12.0, 13.6), "lobed", PALE, grains=LILAC),
    "lymphocyte": Kind((9.6, 11.4), "round", BLUE),
    "monocyte": Kind((14.0, 16.0), "kidney", BLUE),
    "eosinophil": Kind((12.0, 13.6), "lobed", PALE, grains=RED),
    "basophil": Kind((9.6, 11.4), "round", BLUE, clumped=True),
}
CLASSES: Final = tuple(KINDS)


def smear(label: str, rng: np.random.Generator, size: int = SIZE) -> Field:
    """The share of the lamp's light that reaches the camera in each band `[bands, size, size]`."""
    kind, grid = KINDS[label], Grid.square(size)
    # A generator for each part, so that what one part draws moves no other: two classes share all that they have alike.
    placing, crowd, debris, staining, inner, lighting = rng.spawn(PARTS)
    cell = _cell_outline(kind, placing)
    covered = inside(cell, grid)
    dyes, refracted = _red_cells(crowd, grid, cell)
    dyes += _platelets(debris, grid, cell)
    dyes = dyes * (1 - 0.85 * covered) + _leukocyte(kind, cell, covered, grid, inner)
    # No two slides take the stain alike.
    taken = np.exp(staining.normal(0, 0.08) + staining.normal(0, 0.15, len(DYES)))
    light = transmittance(dyes * taken[:, None, None]) * refracted
    if kind.clumped:
        light *= 1 - _clumps(cell, covered, light, grid, inner)
    return np.asarray(light * _lamp(lighting, grid))


def leukocyte_region(label: str, rng: np.random.Generator, size: int = SIZE) -> Field:
    """Where `smear` draws the leukocyte, given a generator in the same state: 1 inside, `[size, size]`."""
    return inside(_cell_outline(KINDS[label], rng.spawn(PARTS)[0]), Grid.square(size))


def _cell_outline(kind: Kind, rng: np.random.Generator) -> Outline:
    radius = rng.uniform(*kind.diameter) / 2 / PITCH
    y, x = rng.uniform(-9, 9, 2).tolist()
    return outline(rng, y, x, radius, wobble=0.03, stretch=0.05)


def _red_cells(rng: np.random.Generator, grid: Grid, cell: Outline) -> tuple[Field, Field]:
    """Dyes of the red cells, and the bright rims that they throw on the field by refraction."""
    half, dye = grid.y.size / 2, concentrations({"hemoglobin": 0.50, "eosin": 0.03, "purple": 0.02})
    strength, thickness = rng.normal(1, 0.10), np.zeros((grid.y.size, grid.x.size))
    rims = np.ones_like(thickness)
    placed: list[tuple[float, float]] = []
    for y, x in rng.uniform(-half - 14, half + 14, (rng.integers(40, 80), 2)).tolist():
        radius, pallor = rng.normal(3.6, 0.22) / PITCH, rng.normal(1, 0.2)
        line = outline(rng, y, x, radius, wobble=0.035, stretch=0.07)
        near = np.hypot(y - cell.y, x - cell.x) < cell.radius + 0.72 * radius
        if near or any(np.hypot(y - v, x - u) < 1.5 * radius for v, u in placed):
            continue
        placed.append((y, x))
        window, here = grid.around(y, x, 1.6 * radius)
        share, around = line.reach(here)
        thickness[window] += _biconcave(share, pallor) * inside(line, here, 0.7)
        rims[window] += 0.10 * np.exp(-(((share - 1) * around - 1.6) ** 2) / 2.2)
    return np.asarray(thickness * (dye * strength)[:, None, None]), rims


def _biconcave(share: Field, pallor: float) -> Field:
    """Thickness of a red cell against the distance from its middle, about 1 at its thickest (Evans & Fung 1972).

    A smear dries flatter than a free cell: the rim is blunt, and how pale the middle is differs from cell to cell.
    """
    square = np.minimum(share, 1) ** 2
    free = np.sqrt(1 - 0.9 * square) * (0.81 + 7.83 * square - 4.39 * square**2) / 2.9
    return np.asarray(1 + np.clip(0.8 * pallor, 0, 1) * (free - 1))


def _platelets(rng: np.random.Generator, grid: Grid, cell: Outline) -> Field:
    """A few platelets: small, lilac, with a grainy middle."""
    cover = np.zeros((grid.y.size, grid.x.size))
    half = grid.y.size / 2
    for y, x in rng.uniform(-half, half, (rng.poisson(1.2), 2)).tolist():
        radius = rng.uniform(1.0, 1.6) / PITCH
        if np.hypot(y - cell.y, x - cell.x) > cell.radius + 1.5 * radius:
            cover += inside(outline(rng, y, x, radius, 0.08, 0.15), grid, 1.0)
            cover += grains(rng.normal((y, x), radius / 2.6, (6, 2)), np.full(6, 1.1), np.full(6, 0.7), grid)
    return np.asarray(cover * concentrations({"purple": 0.20, "azure": 0.10})[:, None, None])


def _leukocyte(kind: Kind, cell: Outline, covered: Field, grid: Grid, rng: np.random.Generator) -> Field:
    size = grid.y.size
    nucleus = NUCLEI[kind.nucleus](cell, grid, rng) * covered
    chromatin = nucleus * (1 + 0.13 * mottle(rng, size, 7.0)) * rng.normal(1, 0.05)
    cytoplasm = covered * (1 - nucleus) * (1 + 0.10 * mottle(rng, size, 12.0)) * rng.normal(1, 0.08)
    dyes = np.multiply.outer(concentrations(CHROMATIN), chromatin)
    dyes += np.multiply.outer(concentrations(kind.cytoplasm), cytoplasm)
    if kind.grains:
        places = _scattered(rng, cell, spacing=5.6)
        sigmas, weights = rng.uniform(1.4, 1.9, len(places)), rng.uniform(0.9, 1.5, len(places))
        grainy = grains(places, sigmas, weights, grid) * covered * (1 - 0.9 * nucleus)
        # From cell to cell the color lies more or less far from the middle between the two classes.
        middle, own = (concentrations(LILAC) + concentrations(RED)) / 2, concentrations(kind.grains)
        dyes += np.multiply.outer(middle + rng.uniform(0.8, 1.0) * (own - middle), grainy)
    return np.asarray(dyes)


def _lobes(cell: Outline, grid: Grid, rng: np.random.Generator) -> Field:
    """Three to five lobes on an arc, joined by thin threads."""
    count, turn = int(rng.integers(3, 6)), rng.uniform(0, 2 * np.pi)
    step = rng.uniform(1.15, 1.35) * (4.6 / (count + 1))
    angles = turn + step * np.arange(count) + rng.normal(0, 0.10, count)
    ring = cell.radius * rng.uniform(0.42, 0.54, count)
    middles = np.column_stack([cell.y + ring * np.sin(angles), cell.x + ring * np.cos(angles)])
    shape = body(middles, np.full(count, cell.radius * 0.075), grid, 0.8)
    for y, x in middles.tolist():
        radius = cell.radius * rng.uniform(0.25, 0.31) * (1.1 if count == 3 else 1.0)
        shape = np.maximum(shape, inside(outline(rng, y, x, radius, 0.06, 0.12), grid, 0.8))
    return shape


def _round(cell: Outline, grid: Grid, rng: np.random.Generator) -> Field:
    """One round nucleus that leaves a narrow rim of cytoplasm, wider on one side."""
    radius, angle = cell.radius * rng.uniform(0.74, 0.82), rng.uniform(0, 2 * np.pi)
    off = cell.radius * rng.uniform(0.02, 0.14)
    line = outline(rng, cell.y + off * np.sin(angle), cell.x + off * np.cos(angle), radius, 0.03, 0.04)
    return inside(line, grid, 0.8)


def _kidney(cell: Outline, grid: Grid, rng: np.random.Generator) -> Field:
    """One thick bent body, open to one side."""
    turn, span = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 3.5)
    angles = turn + np.linspace(-span / 2, span / 2, 9)
    ring = cell.radius * rng.uniform(0.40, 0.46)
    points = np.column_stack([cell.y + ring * np.sin(angles), cell.x + ring * np.cos(angles)])
    girth = cell.radius * (rng.uniform(0.29, 0.35) + rng.normal(0, 0.02, 9) - 0.05 * np.linspace(-1, 1, 9) ** 2)
    return body(points, girth, grid, 0.8)


NUCLEI: Final = {"lobed": _lobes, "round": _round, "kidney": _kidney}


def _scattered(rng: np.random.Generator, cell: Outline, spacing: float) -> NDArray[np.float64]:
    """Places `[N, 2]` all over the cell, about `spacing` apart: a shaken lattice of triangles, turned at random."""
    count = int(2.6 * cell.radius / spacing) + 2
    rows, columns = np.mgrid[:count, :count] - (count - 1) / 2
    lattice = np.stack([rows * math.sqrt(0.75), columns + 0.5 * (np.arange(count) % 2)[:, None]], -1) * spacing
    angle = rng.uniform(0, math.pi)
    turn = np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])
    places = np.einsum("rci,ij->rcj", lattice, turn).reshape(-1, 2)
    return np.asarray(places + rng.normal(0, 0.16 * spacing, places.shape) + (cell.y, cell.x))


def _clumps(cell: Outline, covered: Field, light: Field, grid: Grid, rng: np.random.Generator) -> Field:
    """The light that grains take and the gaps between them give back: the cell's mean luma stays as it is."""
    places = _scattered(rng, cell, spacing=4.4)
    weights = rng.uniform(1.6, 2.4, len(places))
    pattern = 1 - np.exp(-grains(places, rng.uniform(0.9, 1.15, len(places)), weights, grid))
    luma = mixed(LUMA, light) * covered
    return np.asarray(rng.uniform(*CLUMPING) * (pattern - (pattern * luma).sum() / luma.sum()) * covered)


def _lamp(rng: np.random.Generator, grid: Grid) -> Field:
    """The lamp as it is that day `[bands, H, W]`: a little warmer or cooler, and less light away from its middle."""
    warmth = rng.normal(0, 0.10) * (np.array(BANDS) - 550) / 140
    y, x = rng.normal(0, 36, 2)
    square = ((grid.y - y) ** 2 + (grid.x - x) ** 2) / (2 * (grid.y.size / 2) ** 2)
    falloff = np.exp(rng.normal(0, 0.03) - rng.uniform(0.03, 0.24) * square)
    return np.asarray(np.multiply.outer(np.exp(warmth), falloff))
