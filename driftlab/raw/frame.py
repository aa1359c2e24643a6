"""The RAW frame: what a sensor recorded, and all that is known of how, as one frozen value.

Nothing here reads files and nothing here interprets pixels: `load` makes frames, `isp` develops them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.errors import DriftlabError

__all__ = ["CFA", "CHANNELS", "ColorMatrix", "Origin", "RawError", "RawFrame"]

#: The four channels of a mosaic, in the order of every per-channel tuple: `g1` shares rows with red, `g2` with blue.
CHANNELS: Final = ("r", "g1", "g2", "b")


class RawError(DriftlabError):
    """A file cannot be a RAW frame; the message is one sentence that names the mend."""


class Origin(StrEnum):
    """Where the samples come from. Only `SENSOR` may be called a measurement."""

    SENSOR = "sensor"
    PSEUDO_RAW = "pseudo-RAW from an RGB picture"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class CFA:
    """A color filter array: the repeating tile of filter colors, top left sample first.

    `pattern` has one string a row, of the letters R, G and B, or M for a monochrome sensor: `("RG", "GB")` is RGGB.
    It is empty for a linear frame, whose every pixel holds all three colors.
    """

    pattern: tuple[str, ...]

    def __post_init__(self) -> None:
        rows = self.pattern
        if len({len(row) for row in rows}) > 1 or not set("".join(rows)) <= set("RGBM"):
            raise RawError(f"{rows} is no color filter array: give rows of equal length, of the letters R, G, B or M.")
        letters = set("".join(rows))
        if rows and letters != {"M"} and letters != set("RGB"):
            raise RawError(f"{rows} is no color filter array: it needs R, G and B, or M alone.")

    @classmethod
    def parse(cls, text: str) -> CFA:
        """`"RGGB"`, `"xtrans"`, `"quad-RGGB"`, `"mono"`, `"linear"` or rows such as `"RGB/GBR/BRG"` -> CFA."""
        name = text.strip().lower()
        if name in NAMED:
            return NAMED[name]
        rows = tuple(text.strip().upper().split("/"))
        if len(rows) > 1:
            return cls(rows)
        raise RawError(f"'{text}' is no color filter array: use one of {', '.join(NAMED)} or rows such as RG/GB.")

    @property
    def kind(self) -> str:
        """`"bayer"`, `"xtrans"`, `"quad"`, `"mono"`, `"linear"`, or `"other"` for a tile without a demosaic rule."""
        return _kind(self.pattern)

    @property
    def name(self) -> str:
        """A short name to print: `"RGGB"`, `"quad RGGB"`, `"X-Trans"`, `"monochrome"`, `"linear"`."""
        kind = self.kind
        if kind == "bayer":
            return "".join(self.pattern)
        if kind == "quad":
            return f"quad {''.join(_halved(self.pattern) or ())}"
        return {"xtrans": "X-Trans", "mono": "monochrome"}.get(kind, "/".join(self.pattern) or kind)

    def shifted(self, down: int, right: int) -> CFA:
        """The array as seen from a sample `down` rows and `right` columns further on."""
        if not self.pattern:
            return self
        return _shifted(self, down % len(self.pattern), right % len(self.pattern[0]))

    def channels(self) -> NDArray[np.intp]:
        """Index into `CHANNELS` of every sample of the tile, `[rows, columns]`; monochrome and linear are all zeros."""
        return _channels(self)

    def colors(self) -> NDArray[np.intp]:
        """Index into red, green, blue of every sample of the tile, `[rows, columns]`; mono and linear are green."""
        if self.kind in ("mono", "linear"):
            return np.ones((1, 1), np.intp)
        return np.array([0, 1, 1, 2], np.intp)[self.channels()]

    @property
    def superpixel(self) -> int:
        """Side of the smallest squares that cover the mosaic and hold every color each: 2 for Bayer, 3 for X-Trans."""
        return _superpixel(self)


# What follows of a pattern is asked for with every tile of every frame, and worked out once.


@cache
def _kind(pattern: tuple[str, ...]) -> str:
    if not pattern:
        return "linear"
    if set("".join(pattern)) == {"M"}:
        return "mono"
    tile, height, width = "".join(pattern), len(pattern), len(pattern[0])
    if (height, width) == (2, 2) and "GG" in (tile[0] + tile[3], tile[1] + tile[2]):
        return "bayer"
    if (height, width) == (4, 4) and _halved(pattern) is not None:
        return "quad"
    return "xtrans" if (height, width) == (6, 6) and tile.count("G") == 20 else "other"


@cache
def _shifted(cfa: CFA, down: int, right: int) -> CFA:
    rows = cfa.pattern[down:] + cfa.pattern[:down]
    return CFA(tuple(row[right:] + row[:right] for row in rows))


@cache
def _channels(cfa: CFA) -> NDArray[np.intp]:
    if cfa.kind in ("mono", "linear"):
        channels = np.zeros((1, 1), np.intp)
    else:
        greens = [1 if "R" in row or "B" not in row else 2 for row in cfa.pattern]
        if cfa.kind not in ("bayer", "quad"):  # both colors share rows: one green
            greens = [1] * len(cfa.pattern)
        numbers = [
            [{"R": 0, "G": green, "B": 3}[color] for color in row]
            for row, green in zip(cfa.pattern, greens, strict=True)
        ]
        channels = np.array(numbers, np.intp)
    channels.flags.writeable = False
    return channels


@cache
def _superpixel(cfa: CFA) -> int:
    if cfa.kind in ("mono", "linear", "quad"):
        return len(cfa.pattern) or 1  # smaller squares of a quad array hold its colors in unequal shares
    colors = cfa.colors()
    rows, columns = map(int, colors.shape)
    for side in range(1, max(rows, columns) + 1):
        whole = np.tile(colors, (side, side))
        blocks = whole.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows * columns, -1)
        if all(len(set(block)) == 3 for block in blocks.tolist()):
            return side
    return max(rows, columns)


def _halved(pattern: tuple[str, ...]) -> tuple[str, ...] | None:
    """The Bayer tile whose every sample a quad tile repeats 2×2, or None."""
    small = tuple(row[::2] for row in pattern[::2])
    repeated = tuple("".join(color * 2 for color in row) for row in small for _ in range(2))
    return small if repeated == pattern and CFA(small).kind == "bayer" else None


def _quad(bayer: str) -> CFA:
    return CFA(tuple("".join(color * 2 for color in row) for row in (bayer[:2], bayer[2:]) for _ in range(2)))


NAMED: Final[dict[str, CFA]] = {
    **{name.lower(): CFA((name[:2], name[2:])) for name in ("RGGB", "BGGR", "GRBG", "GBRG")},
    **{f"quad-{name.lower()}": _quad(name) for name in ("RGGB", "BGGR", "GRBG", "GBRG")},
    "xtrans": CFA(("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")),
    "mono": CFA(("M",)),
    "linear": CFA(()),
}


@dataclass(frozen=True, slots=True)
class ColorMatrix:
    """White-balanced camera RGB -> linear sRGB (D65), row by row, and where it comes from.

    Rows sum to one, so that what the gains made neutral stays neutral.
    """

    values: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class RawFrame:
    """One exposure as the sensor recorded it, in the sensor's own frame: never rotated, never rescaled.

    `mosaic` is float32 in DN, taken over from whoever made it and read-only from then on, `[1, H, W]` for a mosaic
    or monochrome sensor and `[3, H, W]` for a linear frame. `black` is the level of no light in DN for each of
    `CHANNELS`; `white` the DN at which the sensor saturates; `bits` the depth the samples were stored with. `gains`
    are the as-shot factors of red, green and blue that make a neutral gray, green 1; `daylight_gains` those for
    light of D65, where they are known. `orientation` (EXIF 1–8) and `pixel_aspect` (width by height of one pixel)
    are facts on record, not applied. What the decoder had to guess or mend is a sentence each in `remarks`.
    """

    mosaic: NDArray[np.float32]
    cfa: CFA
    black: tuple[float, float, float, float]
    white: float
    bits: int
    gains: tuple[float, float, float]
    gains_source: str
    matrix: ColorMatrix
    name: str
    sha256: str
    decoder: str
    daylight_gains: tuple[float, float, float] | None = None
    origin: Origin = Origin.SENSOR
    make: str = ""
    model: str = ""
    lens: str = ""
    iso: float | None = None
    exposure_time: float | None = None
    aperture: float | None = None
    orientation: int = 1
    pixel_aspect: float = 1.0
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    remarks: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        channels = 3 if self.cfa.kind == "linear" else 1
        if self.mosaic.ndim != 3 or self.mosaic.shape[0] != channels or self.mosaic.dtype != np.float32:
            raise RawError(
                f"The samples of '{self.name}' are {self.mosaic.dtype} {self.mosaic.shape}: "
                f"a {self.cfa.name} frame takes float32 [{channels}, H, W]."
            )
        if not self.white > max(self.black):
            raise RawError(
                f"The white level of '{self.name}' ({self.white:g} DN) is not above its black level "
                f"({max(self.black):g} DN): give the right levels with --black and --white."
            )
        self.mosaic.flags.writeable = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in samples."""
        return int(self.mosaic.shape[1]), int(self.mosaic.shape[2])

    @property
    def camera(self) -> str:
        """Make and model, the make not said twice."""
        return self.model if self.model.startswith(self.make) else f"{self.make} {self.model}".strip()
