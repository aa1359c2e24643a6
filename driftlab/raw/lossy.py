"""Lossy DNG: 8-bit JPEG samples become linear light as the DNG specification says.

The specification (1.7.1, chapters 2 and 7) maps samples through the linearization table, subtracts black and divides
by white, and only then applies the polynomials of opcode list 2. LibRaw applies these to the samples as they are,
and leaves black where it was: such a file's tones would be wrong wherever its black level is not zero.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from driftlab.raw.tags import Tags, read_samples

__all__ = ["WHITE_LEVEL", "is_lossy", "linear_samples"]

LOSSY_JPEG: Final = 34892
COMPRESSION, TABLE, BLACK, WHITE, OPCODES = 259, 50712, 50714, 50717, 51009
MAP_POLYNOMIAL: Final = 8
#: The white level of the samples made here; their black level is 0.
WHITE_LEVEL: Final = 65535.0


def is_lossy(tags: Tags) -> bool:
    """Whether the raw samples are lossy JPEG."""
    return tags.numbers(COMPRESSION) == (LOSSY_JPEG,)


def linear_samples(path: Path, tags: Tags) -> NDArray[np.float32]:
    """`[H, W]` or `[H, W, C]` linear light, masked borders included, from 0 to `WHITE_LEVEL`."""
    stored = read_samples(path)
    table = np.array(tags.numbers(TABLE) or range(256), np.float32)
    levels = table[np.arange(256).clip(max=len(table) - 1)]  # beyond its end a table goes on as it ends
    planes = 1 if stored.ndim == 2 else stored.shape[2]
    black = np.resize(tags.numbers(BLACK) or (0.0,), planes)
    white = np.resize(tags.numbers(WHITE) or (255.0,), planes)
    curves = (levels[:, None] - black) / (white - black)
    for plane, polynomial in _polynomials(tags):
        if plane < planes:
            curves[:, plane] = polynomial(curves[:, plane].clip(0, 1))
    curves = (WHITE_LEVEL * curves.clip(0, 1)).astype(np.float32)
    light: NDArray[np.float32] = curves[stored, np.arange(planes) if stored.ndim == 3 else 0]
    return light


def _polynomials(tags: Tags) -> Iterator[tuple[int, Polynomial]]:
    """Plane and polynomial of every MapPolynomial opcode; big-endian, whatever the file is."""
    opcodes = tags.values.get(OPCODES)
    if not isinstance(opcodes, bytes):
        return
    at = 4
    for _ in range(struct.unpack_from(">I", opcodes)[0]):
        code, _version, _flags, size = struct.unpack_from(">4I", opcodes, at)
        if code == MAP_POLYNOMIAL:
            plane, planes, _row_pitch, _column_pitch, degree = struct.unpack_from(">5I", opcodes, at + 32)
            factors = struct.unpack_from(f">{degree + 1}d", opcodes, at + 52)
            yield from ((each, Polynomial(factors)) for each in range(plane, plane + min(planes, 4)))
        at += 16 + size
