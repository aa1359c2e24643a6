"""Masks as pictures: a color for every class that the color-blind can tell apart, and stripes where it has changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

__all__ = ["class_color", "colored_mask", "is_ground"]

#: Okabe and Ito's colors without the grays, far ones first; then the same darker, then lighter.
COLORS: Final = (
    (230, 159, 0), (86, 180, 233), (204, 121, 167), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
)  # fmt: skip
#: Labels of what is no thing: the picture shows through.
GROUND: Final = frozenset({"background", "unlabeled", "void", "none", "nothing", "other"})
#: Pixels of an overlay at the most; of a larger mask every second or third is shown.
MOST: Final = 1_000_000
SHOWN: Final = 110
CHANGED: Final = 235
UNSEEN: Final = (40, 40, 40)
STRIPE: Final = (255, 255, 255)


def is_ground(label: str) -> bool:
    """Whether a class of this name is what lies behind the things."""
    return label.strip().lower() in GROUND


def class_color(index: int) -> QColor:
    """The color of a class."""
    return QColor(*_color(index))


def _color(index: int) -> tuple[int, int, int]:
    turn, at = divmod(index, len(COLORS))
    red, green, blue = (
        round(value * 0.6) if turn % 3 == 1 else round(value + (255 - value) * 0.5) if turn % 3 == 2 else value
        for value in COLORS[at]
    )
    return red, green, blue


def colored_mask(mask: NDArray[np.int64], reference: NDArray[np.int64] | None, labels: Sequence[str]) -> QImage:
    """Class indices `[H, W]` to lay over a picture; striped where those of `reference`, of the same size, differ.

    What is below 0 has been seen by nobody and is dark; pixels without a class in the reference have not changed.
    """
    step = max(math.ceil(math.sqrt(mask.size / MOST)), 1)
    mask = mask[::step, ::step]
    table = np.array([*((*_color(index), SHOWN) for index in range(len(labels))), (*UNSEEN, SHOWN)], np.uint8)
    for index, label in enumerate(labels):
        if is_ground(label):
            table[index, 3] = 0
    pixels = table[np.where((mask >= 0) & (mask < len(labels)), mask, len(labels))]
    if reference is not None:
        other = reference[::step, ::step]
        changed = (mask != other) & (other >= 0) & (other < len(labels)) & (mask >= 0)
        height, width = mask.shape
        wide = max(round(max(height, width) / 170), 1)
        rows, columns = np.ogrid[:height, :width]
        stripe = (rows + columns) // wide % 2 == 0
        pixels[changed, 3] = CHANGED
        pixels[changed & stripe] = (*STRIPE, CHANGED)
        to_ground = changed & ~stripe & (table[np.clip(mask, 0, len(labels)), 3] == 0)
        pixels[to_ground] = (*UNSEEN, CHANGED)
    pixels = np.ascontiguousarray(pixels)
    height, width = mask.shape
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGBA8888).copy()
