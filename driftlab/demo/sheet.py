"""One picture of the example's drift: the same cells under each drift, and the accuracy over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from driftlab.demo.sweep import Accuracy, Drift

__all__ = ["View", "sheet"]

PAPER: Final = "#fbfaf7"
INK: Final = "#22242a"
QUIET: Final = "#7b7f88"
GRID: Final = "#e3e1da"
RIGHT: Final = "#2c7a4b"
WRONG: Final = "#c0392b"
LINES: Final = {
    "neutrophil": "#7a63c7",
    "lymphocyte": "#2f74b5",
    "monocyte": "#3a9a8c",
    "eosinophil": "#d0476f",
    "basophil": "#c98a1b",
}

#: Pixels a sample of a cell, and the room around things.
ZOOM: Final = 1.5
GAP: Final = 14
HEAD: Final = 104
PLOT: Final = (560, 268)
PITCH: Final = PLOT[1] + 108


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One cell under one drift: `pixels` uint8 `[H, W, 3]`, and what the network says it is."""

    pixels: NDArray[np.uint8]
    label: str
    answer: str
    probability: float


def sheet(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[View]], table: Sequence[Sequence[Accuracy]]
) -> Image.Image:
    """Cells in rows, drifts in `columns`, and for each drift of `table` a plot of accuracy against its values."""
    side = int(rows[0][0].pixels.shape[0] * ZOOM)
    cell = (side + GAP, side + 30 + GAP)
    left, top = 40, HEAD + 30
    middle = left + len(columns) * cell[0] + 40
    height = max(top + len(rows) * cell[1] + 50, top + len(table) * PITCH)
    image = Image.new("RGB", (middle + PLOT[0] + 40, height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((left, 30), title, INK, _font(30))
    draw.text((left, 72), "Everything here is simulated: cells, stain, light and sensor.", QUIET, _font(17))
    for index, name in enumerate(columns):
        draw.text((left + index * cell[0] + side / 2, top - 12), name, INK, _font(17), anchor="ms")
    for down, row in enumerate(rows):
        for across, view in enumerate(row):
            _cell(image, draw, view, (left + across * cell[0], top + down * cell[1]), side)
    draw.text(
        (left, top + len(rows) * cell[1] + 4),
        "Below each cell: what the network says it is, and how surely.",
        QUIET,
        _font(15),
    )
    for index, points in enumerate(table):
        _plot(draw, points, (middle, top + index * PITCH))
    _legend(draw, (middle, top + len(rows) * cell[1] + 12))
    return image


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _cell(image: Image.Image, draw: ImageDraw.ImageDraw, view: View, at: tuple[int, int], side: int) -> None:
    x, y = at
    image.paste(Image.fromarray(view.pixels).resize((side, side), Image.Resampling.BICUBIC), at)
    color = RIGHT if view.answer == view.label else WRONG
    draw.rectangle((x - 1, y - 1, x + side, y + side), outline=color if color == WRONG else GRID, width=2)
    words = f"{view.answer}  {view.probability:.0%}"
    draw.text((x + side / 2, y + side + 8), words, color, _font(16), anchor="ma")


def _plot(draw: ImageDraw.ImageDraw, points: Sequence[Accuracy], at: tuple[int, int]) -> None:
    """Accuracy from 0 to 1 against a drift's values: all frames as a heavy line, each class as a thin one."""
    (x, y), (width, height), drift = at, PLOT, points[0].drift
    points = sorted(points, key=lambda point: point.value)
    draw.text((x, y - 12), f"Accuracy against {drift.title.lower()}", INK, _font(17), anchor="ls")
    for share in (0.0, 0.5, 1.0):
        level = y + height - share * height
        draw.line((x, level, x + width, level), GRID, 1)
        draw.text((x - 8, level), f"{share:.0%}", QUIET, _font(13), anchor="rm")
    places = [x + _place(drift, point.value) * width for point in points]
    edge = -100.0
    for place, point in zip(places, points, strict=True):
        draw.line((place, y + height, place, y + height + 4), QUIET, 1)
        if place - edge > 36:
            draw.text((place, y + height + 8), f"{point.value:g}", QUIET, _font(13), anchor="ma")
            edge = place
    draw.text((x + width, y + height + 28), drift.unit, QUIET, _font(13), anchor="ra")
    nominal = x + _place(drift, drift.nominal) * width
    draw.line((nominal, y, nominal, y + height), QUIET, 1)
    for name, color in LINES.items():
        draw.line([(p, y + height * (1 - a.by_class[name])) for p, a in zip(places, points, strict=True)], color, 2)
    draw.line([(p, y + height * (1 - a.overall)) for p, a in zip(places, points, strict=True)], INK, 5, "curve")


def _legend(draw: ImageDraw.ImageDraw, at: tuple[float, float]) -> None:
    """The colors of the lines, on one row."""
    x, y = at
    for name, color in {"all": INK, **LINES}.items():
        draw.line((x, y, x + 16, y), color, 5 if name == "all" else 3)
        draw.text((x + 22, y), name, QUIET, _font(14), anchor="lm")
        x += 22 + draw.textlength(name, _font(14)) + 14


def _place(drift: Drift, value: float) -> float:
    """Where on the axis a value lies, 0 to 1; values that span more than a decade go by their logarithm."""
    low, high = min(drift.values), max(drift.values)
    if low > 0 and high / low > 10:
        low, high, value = float(np.log(low)), float(np.log(high)), float(np.log(value))
    return (value - low) / (high - low)
