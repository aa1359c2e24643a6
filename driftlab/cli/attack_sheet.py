"""What `driftlab attack` found, as pictures to look at: accuracy against λ and distance, and the views that flip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from driftlab import resource
from driftlab.analysis.forensics.breakage import Forensics, GroupFinding, View
from driftlab.atomic import whole_file

__all__ = ["draw_curves", "draw_gallery"]

PAPER, INK, FAINT, GRID = (255, 255, 255), (30, 30, 34), (110, 110, 118), (224, 224, 229)
#: Okabe & Ito's colors, which also the color-blind tell apart, then darker ones; "all" is in ink.
COLORS: Final = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    (120, 94, 20), (90, 60, 140), (20, 90, 60), (150, 150, 150), (170, 40, 60), (180, 170, 40),
)  # fmt: skip
MARGIN, LINE = 24, 20
#: A plot's size, and the room for the names beside it.
PLOT: Final = (470, 300)
NAMES: Final = 150
#: The longer side of a picture in the gallery.
SIDE: Final = 160
#: What the difference of two views is enlarged by, so that it shows.
ENLARGED: Final = 4

Place = Callable[[float], float]


def draw_curves(path: Path, found: Forensics) -> None:
    """Write a PNG: the metric against λ, and against the distance of the views, a line a group."""
    metric = "mean IoU" if found.model.task == "segmentation" else "accuracy"
    size = (2 * (PLOT[0] + 90) + NAMES, PLOT[1] + 150)
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, 14), f"{metric[:1].upper()}{metric[1:]} under the worst drift of each group", INK, _font(20))
    top, left = 84, MARGIN + 40
    colors = {each.name: color_of(found.groups, each) for each in found.groups}
    weights = [math.log10(weight) for weight in found.weights]
    low, high = min(weights), max(weights)
    if low == high:
        low, high = low - 0.5, high + 0.5

    def at_weight(weight: float) -> float:  # the strictest on the left, as drift grows to the right
        return left + (high - math.log10(weight)) / (high - low) * PLOT[0]

    _frame(draw, found, (left, top), "against λ, the weight of the distance")
    for power in range(math.ceil(low), math.floor(high) + 1):
        _tick(draw, at_weight(10.0**power), top, f"1e{power}")
    for number, group in enumerate(found.groups):
        points = [(at_weight(each.weight), _height(top, each.sight.metric)) for each in group.curve]
        _curve(draw, points, colors[group.name], number, heavy=group.name == "all")

    left2 = left + PLOT[0] + 90
    far = max((distance for group in found.groups for distance, _ in group.reached), default=0.0)
    shown = min(far, 4 * _typical(found)) or 1.0
    at_distance: Place = lambda distance: left2 + min(distance / shown, 1.0) * PLOT[0]  # noqa: E731
    unit = f", {found.distance.unit}" if found.distance.unit else ""
    _frame(draw, found, (left2, top), f"against the distance of the views ({found.distance.title}{unit})")
    step = _step(shown)
    for number in range(math.floor(shown / step + 1e-9) + 1):
        _tick(draw, at_distance(number * step), top, f"{number * step:g}")
    for number, group in enumerate(found.groups):
        stairs = list[tuple[float, float]]()
        for distance, value in group.reached:
            if distance > shown:
                break
            if stairs:
                stairs.append((at_distance(distance), stairs[-1][1]))
            stairs.append((at_distance(distance), _height(top, value)))
        stairs.append((at_distance(shown), stairs[-1][1]))
        _curve(draw, stairs, colors[group.name], number, heavy=group.name == "all", dots=False)

    x = left2 + PLOT[0] + 22
    for number, group in enumerate(found.groups):
        y = top + 8 + number * LINE
        draw.line((x, y, x + 18, y), colors[group.name], 4 if group.name == "all" else 2)
        draw.text((x + 26, y), group.name, INK, _font(13), anchor="lm")
    draw.text((MARGIN, size[1] - 26), _footer(found), FAINT, _font(13))
    _save(image, path)


def draw_gallery(path: Path, found: Forensics, names: Sequence[str]) -> None:
    """Write a PNG: a row a group, the nearest break first; of each view nominal, drifted and their difference."""
    order = [rank.name for rank in found.ranked]
    rows = [[view for view in found.gallery if view.group == name] for name in dict.fromkeys(order)]
    rows = [row for row in rows if row]
    sizes = [_scaled(view.nominal).size for view in found.gallery] or [(SIDE, SIDE)]
    cell = max(width for width, _ in sizes), max(height for _, height in sizes)
    block = 3 * (cell[0] + 6) + 30
    pitch = cell[1] + 112
    width = max(2 * MARGIN + max(map(len, rows), default=1) * block, 900)
    image = Image.new("RGB", (width, 84 + max(len(rows), 1) * pitch), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, 14), "Nearest views that break the model", INK, _font(20))
    about = f"Of each: nominal, drifted, and the difference × {ENLARGED} about gray. {_footer(found)}"
    draw.text((MARGIN, 44), about, FAINT, _font(13))
    if not rows:
        draw.text((MARGIN, 84), "No picture flipped within the searched ranges.", INK, _font(15))
    for number, row in enumerate(rows):
        y = 84 + number * pitch
        heading, settings = _heading(found, row[0])
        draw.line((MARGIN, y - 8, width - MARGIN, y - 8), GRID, 1)
        draw.text((MARGIN, y), heading, INK, _font(15, bold=True))
        draw.text((MARGIN, y + 21), _cut(draw, settings, width - 2 * MARGIN), FAINT, _font(13))
        for column, view in enumerate(row):
            _triple(image, draw, view, (MARGIN + column * block, y + 44), cell, _caption(found, view, names[view.case]))
    _save(image, path)


def _triple(
    image: Image.Image, draw: ImageDraw.ImageDraw, view: View, at: tuple[int, int], cell: tuple[int, int], text: str
) -> None:
    difference = 0.5 + ENLARGED * (view.drifted - view.nominal)
    for column, values in enumerate((view.nominal, view.drifted, difference)):
        drawn = _scaled(values)
        place = at[0] + column * (cell[0] + 6), at[1]
        image.paste(drawn, place)
        box = (place[0] - 1, place[1] - 1, place[0] + drawn.width, place[1] + drawn.height)
        draw.rectangle(box, outline=(200, 200, 205))
    draw.text((at[0], at[1] + cell[1] + 5), text, INK, _font(13))


def color_of(groups: Sequence[GroupFinding], group: GroupFinding) -> tuple[int, int, int]:
    """The color of a group's line."""
    if group.name == "all":
        return INK
    others = [each.name for each in groups if each.name != "all"]
    return COLORS[others.index(group.name) % len(COLORS)]


def _typical(found: Forensics) -> float:
    """The farthest of the distances at which groups break, or if none did, of all that were reached."""
    breaks = [group.breaks.distance for group in found.groups if group.breaks]
    return max(breaks) if breaks else max((group.worst.distance for group in found.groups), default=0.0) / 4


def _footer(found: Forensics) -> str:
    words = f"{len(found.cases)} pictures, {found.evaluations} trials, seed {found.seed}"
    return words + (", ended by the budget" if found.spent else "")


def _heading(found: Forensics, view: View) -> tuple[str, str]:
    """A group and how near it breaks the model; the settings that do."""
    sight, unit = view.sight, f" {found.distance.unit}" if found.distance.unit else ""
    metric = "IoU" if found.model.task == "segmentation" else "accuracy"
    heading = (
        f"{view.group}: {metric} {found.metric:.0%} → {sight.metric:.0%} at a distance of {sight.distance:.3g}{unit}"
    )
    moves = sorted((move for move in sight.moves if move.travel), key=lambda move: -abs(move.travel))
    words = [f"{m.key} {m.nominal:.3g} → {m.position:.4g}{' ' + m.unit if m.unit else ''}" for m in moves]
    return heading, ",  ".join(words)


def _caption(found: Forensics, view: View, name: str) -> str:
    flip = view.flip
    change = f"{flip.before} → {flip.after}" if flip.before else "IoU"
    return f"{name}\n{change}, {flip.margin_before:.2f} → {flip.margin:.2f}, distance {flip.distance:.3g}"


def _cut(draw: ImageDraw.ImageDraw, text: str, width: float) -> str:
    """The text, as much of it as the line holds."""
    if draw.textlength(text, _font(13)) <= width:
        return text
    while text and draw.textlength(f"{text} …", _font(13)) > width:
        text = text.rpartition(",  ")[0] or text[:-1]
    return f"{text} …"


def _frame(draw: ImageDraw.ImageDraw, found: Forensics, at: tuple[int, int], title: str) -> None:
    """Axes from 0 to 1, and the floor at which the model counts as broken."""
    (x, y), (width, height) = at, PLOT
    draw.text((x - 40, y - 18), title, INK, _font(14), anchor="ls")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = _height(y, share)
        draw.line((x, level, x + width, level), GRID, 1)
        draw.text((x - 8, level), f"{share:.0%}", FAINT, _font(12), anchor="rm")
    level = _height(y, found.floor)
    for start in range(0, width, 8):
        draw.line((x + start, level, x + start + 3, level), FAINT, 1)
    draw.text((x + width, level + 2), f"broken at {found.floor:.0%}", FAINT, _font(11), anchor="ra")
    draw.line((x, y + height, x + width, y + height), FAINT, 1)


def _tick(draw: ImageDraw.ImageDraw, x: float, top: int, text: str) -> None:
    draw.line((x, top + PLOT[1], x, top + PLOT[1] + 4), FAINT, 1)
    draw.text((x, top + PLOT[1] + 8), text, FAINT, _font(12), anchor="ma")


def _curve(
    draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], color: tuple[int, int, int], number: int, *,
    heavy: bool, dots: bool = True,
) -> None:  # fmt: skip
    # Lines that lie upon each other are set apart by a pixel or two.
    apart = [(x, y + (number % 5 - 2) * 1.5) for x, y in points]
    draw.line(apart, color, 4 if heavy else 2, "curve")
    for x, y in apart if dots else ():
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), color)


def _height(top: int, share: float) -> float:
    return top + PLOT[1] * (1 - share)


def _step(span: float) -> float:
    """A round distance of ticks, for four to ten of them."""
    base = 10.0 ** math.floor(math.log10(span / 4))
    return next(base * factor for factor in (5, 2, 1) if base * factor <= span / 4)


def _scaled(values: NDArray[Any]) -> Image.Image:
    """Display RGB `[3, H, W]` as a picture whose longer side is `SIDE`."""
    pixels = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    drawn = Image.fromarray(np.ascontiguousarray(pixels))
    longer = max(drawn.size)
    size = max(round(drawn.width * SIDE / longer), 1), max(round(drawn.height * SIDE / longer), 1)
    return drawn.resize(size, Image.Resampling.BOX if longer > SIDE else Image.Resampling.BICUBIC)


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """One that has arrows and Greek letters, unlike Pillow's own."""
    return ImageFont.truetype(resource(f"fonts/DejaVuSansCondensed{'-Bold' if bold else ''}.ttf"), size)


def _save(image: Image.Image, path: Path) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        image.save(file, "PNG")
