"""What TIFF tags, EXIF and Canon's CIFF say about a camera file that LibRaw does not pass on: maker, model, colors,
the exact levels of a DNG, and where the samples lie. Best effort: tags that cannot be read are no tags.
"""

from __future__ import annotations

import io
import logging
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import tifffile
from numpy.typing import NDArray

__all__ = ["CFA_PHOTOMETRIC", "DNG_VERSION", "LINEAR_RAW", "Tags", "read_samples", "read_tags"]

DNG_VERSION: Final = 50706
CFA_PHOTOMETRIC: Final = 32803
LINEAR_RAW: Final = 34892
SAMPLE_FORMAT, FLOAT = 339, 3
RATIONAL, SIGNED_RATIONAL = 5, 10
#: Relatives of TIFF that differ in the fourth byte or two of the header only: Olympus, Panasonic.
RELATIVES: Final = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
#: What is of use in the EXIF block, which tifffile gives by name.
EXIF_NAMES: Final = {34855: "ISOSpeedRatings", 42036: "LensModel"}
HEAD: Final = 1 << 20  # the tags of TIFF's relatives, and of the boxes of a CR3, lie in the first megabyte

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # damaged tags are no news here


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags by number: those of the picture that holds the raw samples, then those of the file's first picture.

    `strips` are offset and length in bytes of every strip or tile of the raw samples. `camera_raw` says that the file
    declares itself a camera file (DNG version, CFA or linear raw samples, or previews with the picture in a sub-IFD).
    """

    values: dict[int, Any] = field(default_factory=dict)
    strips: tuple[tuple[int, int], ...] = ()
    camera_raw: bool = False

    @property
    def is_float(self) -> bool:
        """Whether the raw samples are floating-point numbers."""
        return self.numbers(SAMPLE_FORMAT)[:1] == (FLOAT,)

    def numbers(self, code: int) -> tuple[float, ...]:
        """The tag as numbers, () where it is missing or no numbers."""
        value = self.values.get(code, ())
        if isinstance(value, bytes):
            return tuple(map(float, value))
        try:
            return tuple(map(float, value)) if isinstance(value, list | tuple) else (float(value),)
        except (TypeError, ValueError):
            return ()

    def text(self, code: int) -> str:
        """The tag as text, "" where it is missing."""
        value = self.values.get(code, "")
        return value.strip("\0 ") if isinstance(value, str) else ""

    def missing(self, size: int) -> float:
        """Share of the samples' bytes that lie beyond the end of a file of `size` bytes."""
        declared = sum(count for _, count in self.strips)
        beyond = sum(min(count, max(0, offset + count - size)) for offset, count in self.strips)
        return beyond / declared if declared else 0.0


def read_tags(path: Path, head: bytes) -> Tags:
    """The tags of a file that begins with `head`; empty where it has none that can be read."""
    try:
        if head[6:14] == b"HEAPCCDR":
            return Tags(dict(zip((271, 272), _ciff_camera(path), strict=False)))
        if head.startswith(b"FUJIFILMCCD-RAW"):
            return Tags({271: "FUJIFILM", 272: head[28:60].split(b"\0")[0].decode("ascii", "replace")})
        with path.open("rb") as stream:
            if head[:4] in RELATIVES:
                return _tiff_tags(io.BytesIO(_as_tiff(stream.read(HEAD))))
            if head[4:8] == b"ftyp":
                boxes = stream.read(HEAD)
                start = boxes.find(b"CMT1")
                return _tiff_tags(io.BytesIO(boxes[start + 4 :])) if start > 0 else Tags()
            return _tiff_tags(stream) if head[:2] in (b"II", b"MM") else Tags()
    except Exception:  # tags of a damaged file fail in every imaginable way, and the file may yet decode
        return Tags()


def _as_tiff(data: bytes) -> bytes:
    order = "<" if data[:2] == b"II" else ">"
    return data[:2] + struct.pack(order + "H", 42) + data[4:]


def _tiff_tags(stream: Any) -> Tags:
    with tifffile.TiffFile(stream) as file:
        first, chosen = file.pages.first, _raw_page(file)
        values: dict[int, Any] = {}
        for page in (first, chosen):
            values |= {tag.code: _value(tag) for tag in page.tags}
        exif = values.get(34665)
        if isinstance(exif, dict):
            values |= {code: exif[name] for code, name in EXIF_NAMES.items() if name in exif}
        return Tags(
            values,
            tuple(zip(chosen.dataoffsets, chosen.databytecounts, strict=False)),
            _is_raw(chosen) or DNG_VERSION in values or first.is_reduced,
        )


def read_samples(path: Path) -> NDArray[Any]:
    """The raw samples of a TIFF as stored, `[H, W]` or `[H, W, C]`, masked borders included."""
    with tifffile.TiffFile(path) as file:
        return _raw_page(file).asarray()


def _raw_page(file: tifffile.TiffFile) -> tifffile.TiffPage:
    """The picture with the raw samples: the largest one of raw samples, else the largest, of the first and its own."""
    first = file.pages.first
    pages = [first, *(page for page in first.pages or () if isinstance(page, tifffile.TiffPage))]
    return max(pages, key=lambda page: (_is_raw(page), page.imagewidth * page.imagelength))


def _is_raw(page: tifffile.TiffPage) -> bool:
    return int(page.photometric) in (CFA_PHOTOMETRIC, LINEAR_RAW) and not page.is_reduced


def _value(tag: tifffile.TiffTag) -> Any:
    """The tag's value, rationals divided out."""
    value = tag.value
    if tag.dtype in (RATIONAL, SIGNED_RATIONAL) and isinstance(value, tuple):
        return tuple(top / bottom if bottom else 0.0 for top, bottom in zip(value[::2], value[1::2], strict=False))
    return value


def _ciff_camera(path: Path) -> tuple[str, ...]:
    """Maker and model of a Canon CIFF file (CRW): record 0x080A, in a directory below the root.

    A heap ends with the offset of its directory; a directory counts its entries of tag, size and offset.
    """
    data = path.read_bytes()
    heaps = [(struct.unpack_from("<I", data, 2)[0], len(data))]
    for start, end in heaps:  # grows while it is walked
        directory = start + struct.unpack_from("<I", data, end - 4)[0]
        for entry in range(struct.unpack_from("<H", data, directory)[0]):
            tag, size, offset = struct.unpack_from("<HII", data, directory + 2 + 10 * entry)
            if tag == 0x080A:
                text = data[start + offset : start + offset + size]
                return tuple(part.decode("ascii", "replace") for part in text.split(b"\0")[:2])
            if tag & 0x3800 in (0x2800, 0x3000) and len(heaps) < 64:
                heaps.append((start + offset, start + offset + size))
    return ()
