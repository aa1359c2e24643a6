"""Black and white levels of a camera file, from LibRaw or, exactly, from the tags of a DNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.frame import CFA
from driftlab.raw.tags import DNG_VERSION, Tags

__all__ = ["Black", "dng_black", "dng_white", "libraw_black", "likely_white"]

Black = tuple[float, float, float, float]

BLACK_SIZE, BLACK, BLACK_DELTAS, WHITE = 50713, 50714, (50715, 50716), 50717


def libraw_black(levels: Sequence[float], cfa: CFA, colors: NDArray[Any]) -> Black:
    """LibRaw's black levels, which count R, G, B, second G, in the order of CHANNELS.

    `colors` are LibRaw's color numbers for the tile of a Bayer `cfa`: its two greens are told apart by their rows.
    """
    if cfa.kind == "mono":
        return (float(levels[0]),) * 4
    if cfa.kind == "bayer":
        channels = cfa.channels()
        red, first, second, blue = (float(levels[int(colors[channels == channel][0])]) for channel in range(4))
        return red, first, second, blue
    red, green, blue = map(float, levels[:3])
    return red, green, green, blue


def dng_black(tags: Tags, cfa: CFA) -> Black | None:
    """The black levels in a DNG's tags, a mean for each channel; None where they are missing or make no sense."""
    size = tags.numbers(BLACK_SIZE)
    rows, columns = map(int, size if len(size) == 2 else (1, 1))
    levels = np.array(tags.numbers(BLACK))
    if DNG_VERSION not in tags.values or not levels.size:
        return None
    levels = levels + sum(float(np.mean(tags.numbers(code))) for code in BLACK_DELTAS if tags.numbers(code))
    if cfa.kind == "linear":
        planes = levels.reshape(-1, 3).mean(axis=0) if levels.size % 3 == 0 else np.repeat(levels.mean(), 3)
        return float(planes[0]), float(planes[1]), float(planes[1]), float(planes[2])
    if levels.size != rows * columns:
        return None
    channels = cfa.channels()
    height, width = np.lcm(channels.shape, (rows, columns))
    channels = np.tile(channels, (height // channels.shape[0], width // channels.shape[1]))
    levels = np.tile(levels.reshape(rows, columns), (height // rows, width // columns))
    means = [float(levels[channels == channel].mean()) if (channels == channel).any() else None for channel in range(4)]
    red, first, second, blue = (means[0] if mean is None else mean for mean in means)
    assert red is not None and first is not None and second is not None and blue is not None
    return red, first, second if cfa.kind in ("bayer", "quad", "mono") else first, blue


def dng_white(tags: Tags) -> float | None:
    """The lowest white level in a DNG's tags; None where they have none, and 1 for floats."""
    if DNG_VERSION not in tags.values:
        return None
    return min(tags.numbers(WHITE), default=1.0 if tags.is_float else None)


def likely_white(white: float, black: float, highest: float) -> float:
    """`white`, or the full range of bits around `highest` where samples leave it far below, or it is at `black`."""
    if black < white and highest <= 2 * white:
        return white
    return float(2 ** max(8, int(max(highest, black)).bit_length()) - 1)
