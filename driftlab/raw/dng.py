"""A frame becomes a DNG file (Adobe DNG 1.4) that this and other programs read back to the same samples."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from driftlab.atomic import whole_file
from driftlab.raw.color import XYZ_TO_SRGB
from driftlab.raw.frame import RawError, RawFrame
from driftlab.raw.tags import CFA_PHOTOMETRIC, LINEAR_RAW

__all__ = ["write_dng"]

BLACK_IS_ZERO: Final = 1
PHOTOMETRIC: Final = 262
D65_ILLUMINANT: Final = 21
LOSSLESS_JPEG: Final = 7
BYTE, ASCII, SHORT, LONG, RATIONAL, SIGNED_RATIONAL = 1, 2, 3, 4, 5, 10
SOFTWARE: Final = "driftlab"

Tag = tuple[int, int, int, Any, bool]


def write_dng(frame: RawFrame, path: str | os.PathLike[str], *, compress: bool = False) -> None:
    """Write `frame` as DNG: samples of 16 bits, levels, gains, color matrix, camera, exposure and orientation.

    Samples that are whole numbers are kept exactly, others are rounded to the nearest DN, as the white level is;
    black levels, gains and matrix are kept within 1e-6. The origin and the visible area are written; margins, remarks
    and `extra` are not. `compress` uses lossless JPEG, which LibRaw does not read of linear frames: these stay
    uncompressed. The file appears under its name when it is complete, never before.

    Raises RawError for samples outside 0-65535 DN, for filters that DNG readers do not know, and when the file cannot
    be written.
    """
    target = Path(path)
    low, high = float(frame.mosaic.min()), float(frame.mosaic.max())
    if not (low >= -0.5 and high < 65535.5):
        raise RawError(
            f"'{frame.name}' has samples from {low:g} to {high:g} DN, and DNG holds 0 to 65535: scale it first."
        )
    if frame.cfa.kind == "other":
        raise RawError(
            f"DNG readers know no filters {frame.cfa.name}: write Bayer, X-Trans, quad, mono or linear frames."
        )
    samples = np.rint(frame.mosaic).astype(np.uint16)
    image = np.ascontiguousarray(np.moveaxis(samples, 0, 2)) if len(samples) == 3 else samples[0]
    try:
        with whole_file(target) as temporary:
            _write_tiff(temporary, image, frame.cfa.kind, list(_tags(frame)), compress)
    except OSError as error:
        raise RawError(f"'{target}' cannot be written: {error.strerror or error}.") from None


def _write_tiff(path: Path, image: NDArray[np.uint16], kind: str, tags: list[Tag], compress: bool) -> None:
    photometric = {"mono": BLACK_IS_ZERO, "linear": LINEAR_RAW}.get(kind, CFA_PHOTOMETRIC)
    options: dict[str, Any] = {
        "photometric": photometric,
        "planarconfig": "contig" if kind == "linear" else None,
        "rowsperstrip": len(image),  # LibRaw reads lossless JPEG from one strip only
        "extratags": tags,
        "metadata": None,
        "software": SOFTWARE,
    }
    with tifffile.TiffWriter(path) as writer:
        if compress and kind != "linear":
            strip = bytes(imagecodecs.ljpeg_encode(image, bitspersample=16))
            options |= {"shape": image.shape, "dtype": image.dtype, "bitspersample": 16, "compression": LOSSLESS_JPEG}
            writer.write(iter([strip]), **options)
        else:
            writer.write(image, **options)
    if kind == "mono":  # DNG wants linear raw of one sample, which tifffile refuses to write
        with tifffile.TiffFile(path, mode="r+") as file:
            file.pages.first.tags[PHOTOMETRIC].overwrite(LINEAR_RAW)


def _tags(frame: RawFrame) -> Iterator[Tag]:
    """The DNG tags beyond those of any TIFF, as tifffile wants them: code, type, count, value, once."""
    kind, pattern = frame.cfa.kind, frame.cfa.pattern
    yield 274, SHORT, 1, frame.orientation, True
    yield 50706, BYTE, 4, b"\x01\x04\x00\x00", True
    yield 50707, BYTE, 4, b"\x01\x01\x00\x00" if kind in ("bayer", "mono", "linear") else b"\x01\x04\x00\x00", True
    yield from _texts({270: frame.origin, 271: frame.make, 272: frame.model, 42036: frame.lens})
    yield from _texts({50708: frame.camera or SOFTWARE})
    if kind not in ("mono", "linear"):
        colors = bytes("RGB".index(color) for row in pattern for color in row)
        yield 33421, SHORT, 2, (len(pattern), len(pattern[0])), True
        yield 33422, BYTE, len(colors), colors, True
        yield 50710, BYTE, 3, b"\0\1\2", True
        yield 50711, SHORT, 1, 1, True
    yield from _black(frame)
    yield 50717, LONG, len(frame.mosaic), (round(frame.white),) * len(frame.mosaic), True
    yield _rationals(50718, RATIONAL, (frame.pixel_aspect, 1.0))
    if kind != "mono":
        gains = np.diag(frame.gains)
        to_camera = np.linalg.inv(np.array(frame.matrix.values) @ gains) @ XYZ_TO_SRGB
        yield _rationals(50721, SIGNED_RATIONAL, to_camera.ravel())
        yield 50778, SHORT, 1, D65_ILLUMINANT, True
        yield _rationals(50728, RATIONAL, [1 / gain for gain in frame.gains])
    for code, value in ((33434, frame.exposure_time), (33437, frame.aperture)):
        if value:
            yield _rationals(code, RATIONAL, [value])
    if frame.iso:
        yield 34855, SHORT, 1, min(round(frame.iso), 65535), True


def _black(frame: RawFrame) -> Iterator[Tag]:
    """Black levels: one a plane, or one for each sample of the filters' tile."""
    red, green, _, blue = frame.black
    if frame.cfa.kind == "linear":
        tile, levels = (1, 1), [red, green, blue]
    elif len(set(frame.black)) == 1:
        tile, levels = (1, 1), [red]
    else:
        channels = frame.cfa.channels()
        tile, levels = channels.shape, [frame.black[int(channel)] for channel in channels.ravel()]
    yield 50713, SHORT, 2, tile, True
    yield _rationals(50714, RATIONAL, levels)


def _texts(texts: dict[int, str]) -> Iterator[Tag]:
    for code, text in texts.items():
        if text:
            ascii_text = text.encode("ascii", "replace").decode()
            yield code, ASCII, len(ascii_text) + 1, ascii_text, True


def _rationals(code: int, kind: int, values: Iterable[float]) -> Tag:
    """Numbers as 32-bit fractions."""
    fractions = [Fraction(float(value)).limit_denominator(_largest_denominator(value)) for value in values]
    return code, kind, len(fractions), tuple(part for f in fractions for part in (f.numerator, f.denominator)), True


def _largest_denominator(value: float) -> int:
    return int(min(10**8, (2**31 - 1) / max(abs(value), 1)))
