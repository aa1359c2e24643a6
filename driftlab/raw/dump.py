"""Headerless dumps: samples without a word about themselves, read as a Description says.

MIPI CSI-2 (v3.0, section 11.4) packs RAW10 as four high bytes and one byte of their low bits, RAW12 as two and one,
RAW14 as four and three; the first sample's low bits come first, from bit 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.color import IDENTITY
from driftlab.raw.decoded import Decoded
from driftlab.raw.description import Description
from driftlab.raw.frame import CFA, RawError
from driftlab.raw.limits import Limits, check_size

__all__ = ["decode_dump", "guess_dump", "likely_dump"]

#: Samples and bytes of one group of a packing.
GROUPS: Final = {"mipi10": (4, 5), "mipi12": (2, 3), "mipi14": (4, 7)}
NAMED_SIZE: Final = re.compile(r"(?<!\d)([1-9]\d{1,4})x([1-9]\d{1,4})(?!\d)", re.IGNORECASE)
NAMED_BITS: Final = re.compile(r"(?<!\d)(8|10|12|14|16)[ _-]?bits?(?![a-z])", re.IGNORECASE)
NAMED_CFA: Final = re.compile(r"(?<![a-z])(rggb|bggr|grbg|gbrg|mono)(?![a-z])", re.IGNORECASE)


def decode_dump(path: Path, description: Description, limits: Limits) -> Decoded:
    """The samples of a headerless dump; raises RawError when the file is not of the described size."""
    width, height = description.width or 0, description.height or 0
    bits, packing = description.bits or _packed_bits(description.packing), description.packing or "plain"
    header, size = description.header or 0, path.stat().st_size
    if packing in GROUPS and bits != _packed_bits(packing):
        raise RawError(f"{packing} holds {_packed_bits(packing)} bits a sample, not {bits}: mend --bits or --packing.")
    expected = header + height * _row_bytes(width, bits, packing)
    if size != expected:
        raise RawError(
            f"'{path.name}' has {size} bytes but the description ({width} × {height}, {bits} bits, {packing}, header "
            f"of {header} bytes) needs {expected}: {_would_fit(size, description)}."
        )
    check_size(width, height, 1, size, limits)
    content = np.fromfile(path, np.uint8, offset=header)
    samples = _unpacked(content.reshape(height, -1), width, bits, packing, description.endian or "little")
    remarks = []
    if description.cfa is None:
        remarks.append("the color filter array is assumed to be RGGB")
    highest = 2**bits - 1
    if int(samples.max()) > highest:
        raise RawError(f"'{path.name}' has a sample of {samples.max()}, above {bits} bits: mend --bits or --endian.")
    return Decoded(samples[None], plain_facts(CFA.parse(description.cfa or "RGGB"), bits)).remarked(*remarks)


def plain_facts(cfa: CFA, bits: int) -> dict[str, Any]:
    """The facts of a mosaic that says nothing about itself: full range, no color matrix, no gains."""
    return {
        "cfa": cfa,
        "black": (0.0,) * 4,
        "white": float(2**bits - 1),
        "bits": bits,
        "matrix": IDENTITY,
        "decoder": f"numpy {np.__version__}",
    }


def guess_dump(path: Path) -> Description | None:
    """What a dump may be by its name, size and largest sample, None without a good guess. To be confirmed, not used."""
    named = NAMED_SIZE.search(path.name)
    if named is None:
        return None
    bits, cfa = NAMED_BITS.search(path.name), NAMED_CFA.search(path.name)
    partial = Description(width=int(named[1]), height=int(named[2]), cfa=cfa[1].upper() if cfa else "RGGB")
    guess = next(_fitting(path.stat().st_size, partial, int(bits[1]) if bits else None), None)
    if guess is None or bits or guess.bits != 16:
        return guess
    highest = int(np.fromfile(path, "<u2").max())
    return replace(guess, bits=max(9, highest.bit_length()))


def likely_dump(path: Path) -> Description:
    """Something to begin with where a person is asked: the guess, else sides that fit the size of the file.

    Of all whole Bayer tiles that make up the file, of 16 bits a sample if they can be, those whose sides are nearest
    3:2.
    """
    guess = guess_dump(path)
    for bits in () if guess else (16, 8):
        samples, rest = divmod(path.stat().st_size, bits // 8)
        heights = [h for h in range(2, math.isqrt(samples) + 1, 2) if not rest and samples % (2 * h) == 0]
        height = min(heights, key=lambda h: abs(math.log(samples / h / h / 1.5)), default=0)
        if height and samples / height / height < 3:
            return Description(width=samples // height, height=height, bits=bits, packing="plain", cfa="RGGB")
    return guess or Description(width=1024, height=768, bits=16, packing="plain", cfa="RGGB")


def _fitting(size: int, description: Description, bits: int | None) -> Iterator[Description]:
    """Descriptions of `size` bytes with the described width and height."""
    width, height = description.width or 0, description.height or 0
    for packing in ("plain", *GROUPS):
        for depth in (bits,) if bits else (16, 8) if packing == "plain" else (_packed_bits(packing),):
            fits = packing == "plain" or depth == _packed_bits(packing)
            if fits and height * _row_bytes(width, depth, packing) == size:
                yield replace(description, bits=depth, packing=packing)


def _would_fit(size: int, description: Description) -> str:
    """The end of a sentence that says which description fits the file's size."""
    for fit in _fitting(size, replace(description, bits=None, packing=None), None):
        return f"--bits {fit.bits} --packing {fit.packing} would fit"
    packing = description.packing or "plain"
    row = _row_bytes(description.width or 0, description.bits or _packed_bits(packing), packing)
    needed = (description.height or 0) * row
    body = size - (description.header or 0)
    if body > 0 and body % row == 0:
        return f"--height {body // row} would fit"
    if size > needed:
        return f"--header {size - needed} would fit"
    return "give the right width, height, bits and packing"


def _packed_bits(packing: str | None) -> int:
    return int(packing[4:]) if packing in GROUPS else 16


def _row_bytes(width: int, bits: int, packing: str) -> int:
    if packing == "plain":
        return width * (1 if bits <= 8 else 2)
    samples, size = GROUPS[packing]
    return -(-width // samples) * size


def _unpacked(rows: NDArray[np.uint8], width: int, bits: int, packing: str, endian: str) -> NDArray[Any]:
    """`[H, W]` samples of rows of bytes `[H, B]`."""
    if packing == "plain":
        return rows if bits <= 8 else rows.view(">u2" if endian == "big" else "<u2").astype(np.uint16)
    samples, size = GROUPS[packing]
    groups = rows.reshape(len(rows), -1, size).astype(np.uint32)
    low_bits = bits - 8
    low = sum(groups[..., samples + byte] << (8 * byte) for byte in range(size - samples))
    shifts = low_bits * np.arange(samples, dtype=np.uint32)
    values = (groups[..., :samples] << low_bits) | ((np.asarray(low)[..., None] >> shifts) & ((1 << low_bits) - 1))
    return values.reshape(len(rows), -1)[:, :width].astype(np.uint16)
