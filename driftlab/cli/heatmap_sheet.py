"""Heatmaps as pictures to look at: the developed picture, the map, its scale and what it sums to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from driftlab.analysis.sensitivity.colors import DIVERGING, SEQUENTIAL, colored
from driftlab.atomic import whole_file

__all__ = ["Panel", "draw_sheet"]

#: Pixels of a panel's longer side, at least; small maps are enlarged by whole numbers, so that their pixels show.
SIDE: Final = 420
MARGIN, LINE, BAR = 24, 22, 16
PAPER, INK, FAINT = (255, 255, 255), (30, 30, 34), (110, 110, 118)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A map `[H, W]`, or a picture `[H, W, 3]` in 8 bits, with a title."""

    title: str
    values: NDArray[Any]


def draw_sheet(
    path: Path, heading: str, lines: Sequence[str], panels: Sequence[Panel], limit: float, *, signed: bool, across: int
) -> None:
    """Write a PNG: heading, lines of text, panels in rows of `across`, and the scale that all maps share."""
    height, width = panels[0].values.shape[:2]
    factor = max(round(SIDE / max(height, width)), 1)
    colors = DIVERGING if signed else SEQUENTIAL
    cell = (max(width * factor, 200) + MARGIN, max(panel.values.shape[0] for panel in panels) * factor + LINE + MARGIN)
    across = min(across, len(panels))
    top = MARGIN + LINE * (len(lines) + 1) + LINE
    size = (MARGIN + across * cell[0] + 100, top + -(-len(panels) // across) * cell[1])
    image = Image.new("RGB", (max(size[0], 640), size[1]), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, MARGIN - 6), heading, INK, ImageFont.load_default(18))
    for number, line in enumerate(lines, 1):
        draw.text((MARGIN, MARGIN + LINE * number), line, FAINT, ImageFont.load_default(13))
    for number, panel in enumerate(panels):
        left, above = MARGIN + number % across * cell[0], top + number // across * cell[1]
        draw.text((left, above), panel.title, INK, ImageFont.load_default(13))
        pixels = panel.values if panel.values.ndim == 3 else colored(panel.values, limit, colors)
        drawn = Image.fromarray(pixels)
        drawn = drawn.resize(
            (width * factor, round(drawn.height * width / drawn.width) * factor), Image.Resampling.NEAREST
        )
        image.paste(drawn, (left, above + LINE))
        box = (left - 1, above + LINE - 1, left + drawn.width, above + LINE + drawn.height)
        draw.rectangle(box, outline=(200, 200, 205))
    _scale(image, draw, (MARGIN + across * cell[0], top + LINE), height * factor, limit, signed)
    with whole_file(path) as part, part.open("wb") as file:
        image.save(file, "PNG")


def _scale(
    image: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], height: int, limit: float, signed: bool
) -> None:
    ramp = np.linspace(limit, -limit if signed else 0.0, height)[:, None].repeat(BAR, 1)
    image.paste(Image.fromarray(colored(ramp, limit, DIVERGING if signed else SEQUENTIAL)), at)
    draw.rectangle((at[0] - 1, at[1] - 1, at[0] + BAR, at[1] + height), outline=(200, 200, 205))
    ends = (limit, 0.0, -limit) if signed else (limit, limit / 2, 0.0)
    for share, value in zip((0.0, 0.5, 1.0), ends, strict=True):
        text = f"{value:+.2g}" if signed and value else f"{value:.2g}"
        anchor = {0.0: "la", 0.5: "lm", 1.0: "ld"}[share]
        draw.text(
            (at[0] + BAR + 6, at[1] + round(share * height)), text, INK, ImageFont.load_default(13), anchor=anchor
        )
