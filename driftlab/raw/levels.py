"""Black and white levels of a camera file, from LibRaw or, exactly, from the tags of a DNG."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.frame import CFA
from driftlab.raw.tags import DNG_VERSION, Tags

__all__ = ["Black", "dng_black", "dng_white", "libraw_black", "likely_white"]

Black = tuple[float, float, float, float]

COMPRESSION, BLACK_SIZE, BLACK, BLACK_DELTAS, WHITE, OPCODES = 259, 50713, 50714, (50715, 50716), 50717, 51009
LOSSY_JPEG: Final = 34892
MAP_POLYNOMIAL: Final = 8


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
        planes = _as_libraw_maps(tags, planes)
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
    """The lowest white level in a DNG's tags; None where LibRaw maps the samples to 16 bits."""
    if DNG_VERSION not in tags.values or tags.numbers(COMPRESSION) == (LOSSY_JPEG,):
        return None
    return min(tags.numbers(WHITE), default=1.0 if tags.is_float else None)


def likely_white(white: float, black: float, highest: float) -> float:
    """`white`, or the full range of bits around `highest` where samples leave it far below, or it is at `black`."""
    if black < white and highest <= 2 * white:
        return white
    return float(2 ** max(8, int(max(highest, black)).bit_length()) - 1)


def _as_libraw_maps(tags: Tags, planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Black levels of a lossy DNG as LibRaw's samples have them.

    LibRaw sends the 8-bit samples of a lossy DNG through the file's polynomials (opcode list 2) to 16 bits, and not,
    as the DNG specification says, after black is subtracted; so black goes the same way.
    """
    opcodes = tags.values.get(OPCODES)
    if tags.numbers(COMPRESSION) != (LOSSY_JPEG,) or not isinstance(opcodes, bytes):
        return planes
    mapped, at = planes.copy(), 4
    for _ in range(struct.unpack_from(">I", opcodes)[0]):
        code, _, _, size = struct.unpack_from(">4I", opcodes, at)
        plane, degree = struct.unpack_from(">I", opcodes, at + 32)[0], struct.unpack_from(">I", opcodes, at + 48)[0]
        if code == MAP_POLYNOMIAL and plane < 3:
            factors = struct.unpack_from(f">{degree + 1}d", opcodes, at + 52)
            mapped[plane] = 65535 * np.polynomial.Polynomial(factors)(planes[plane] / 255)
        at += 16 + size
    return mapped
