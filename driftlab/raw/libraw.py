"""Camera files, by LibRaw: what to believe of what it says, and how its conventions become a RawFrame's.

LibRaw counts colors R, G, B, second G; its samples include masked borders, and its CFA is that of the visible area.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import rawpy
from numpy.typing import NDArray

from .color import IDENTITY, dng_matrix, gains_of, libraw_matrix
from .decoded import Decoded
from .frame import CFA, RawError
from .limits import Limits, check_size
from .tags import Tags

__all__ = ["DECODER", "decode_camera_file"]

DECODER: Final = f"LibRaw {'.'.join(map(str, rawpy.libraw_version))} (rawpy {rawpy.__version__})"
#: LibRaw's flips as EXIF orientations.
ORIENTATIONS: Final = {0: 1, 3: 3, 5: 8, 6: 6}
BITS_PER_SAMPLE, ORIENTATION, MAKE, MODEL, LENS, UNIQUE_MODEL = 258, 274, 271, 272, 42036, 50708
CFA_SIZE, CFA_PATTERN, AS_SHOT_NEUTRAL, OPCODES_2 = 33421, 33422, 50728, 51009
DNG_VERSION = 50706


def decode_camera_file(path: Path, tags: Tags, limits: Limits) -> Decoded:
    """The frame in a camera file; raises rawpy's LibRawError or RawError."""
    with rawpy.RawPy() as raw:
        _open(raw, path)
        sizes = raw.sizes
        check_size(sizes.raw_width, sizes.raw_height, 1, path.stat().st_size, limits)
        raw.unpack()
        if raw.raw_type == rawpy.RawType.Flat:
            cfa, colors = _filters(raw, tags)
            samples = raw.raw_image_visible[None].copy()
            remarks: list[str] = []
        else:
            cfa, colors = CFA.parse("linear"), np.array([[0, 1, 2, 1]])
            samples, remarks = _three_planes(raw.raw_image_visible)
        return _with_levels(raw, tags, Decoded(samples, _shot(raw, tags, cfa)).remarked(*remarks), colors)


def _open(raw: rawpy.RawPy, path: Path) -> None:
    try:
        name = os.fspath(path)
        name.encode()
    except UnicodeEncodeError:  # a file name that is no UTF-8, which rawpy cannot pass on
        with path.open("rb") as stream:
            raw.open_buffer(stream)
    else:
        raw.open_file(name)


def _filters(raw: rawpy.RawPy, tags: Tags) -> tuple[CFA, NDArray[Any]]:
    """The CFA of the visible area, and LibRaw's color number for every sample of its tile."""
    letters = raw.color_desc.decode("ascii", "replace")
    if raw.num_colors == 1:
        return CFA.parse("mono"), np.zeros((1, 1), int)
    pattern = raw.raw_pattern
    if pattern is None or not set(letters) <= set("RGB"):
        raise RawError(f"The sensor's filters are {letters}: only arrays of red, green and blue can be read.")
    from_tags = _dng_cfa(tags)
    if from_tags is not None and from_tags.kind in ("quad", "other"):  # LibRaw keeps 2 × 2, 2 × 8 and 6 × 6 tiles only
        return from_tags, from_tags.channels()
    rows, columns = pattern.shape
    colors = raw.raw_colors_visible[:rows, :columns]
    return CFA(tuple("".join(letters[color] for color in row) for row in colors)), colors


def _dng_cfa(tags: Tags) -> CFA | None:
    """The CFA that a DNG's own tags describe."""
    size, pattern = tags.numbers(CFA_SIZE), tags.numbers(CFA_PATTERN)
    if DNG_VERSION not in tags.values or len(size) != 2 or len(pattern) != size[0] * size[1] or max(pattern) > 2:
        return None
    columns, text = int(size[1]), "".join("RGB"[int(color)] for color in pattern)
    return CFA(tuple(text[start : start + columns] for start in range(0, len(text), columns)))


def _three_planes(image: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    """`[3, H, W]` of LibRaw's `[H, W, 3 or 4]`; a fourth plane is nothing, or a second green."""
    planes = np.moveaxis(image, 2, 0)
    if len(planes) == 3 or not planes[3].any():
        return planes[:3].copy(), []
    green = (planes[1].astype(np.float32) + planes[3]) / 2
    return np.stack([planes[0], green, planes[2]]), ["the second green plane is averaged with the first"]


def _shot(raw: rawpy.RawPy, tags: Tags, cfa: CFA) -> dict[str, Any]:
    """Camera, lens, exposure and geometry."""
    sizes, other, lens = raw.sizes, raw.other, raw.lens
    below = sizes.raw_height - sizes.height - sizes.top_margin
    beside = sizes.raw_width - sizes.width - sizes.left_margin
    orientation = (*tags.numbers(ORIENTATION), 0)[0]
    return {
        "cfa": cfa,
        "decoder": DECODER,
        "make": tags.text(MAKE),
        "model": tags.text(MODEL) or tags.text(UNIQUE_MODEL),
        "lens": lens.model.strip() or tags.text(LENS),
        "iso": _positive(other.iso_speed),
        "exposure_time": _positive(other.shutter_speed),
        "aperture": _positive(other.aperture),
        "orientation": int(orientation) if orientation in range(1, 9) else ORIENTATIONS.get(sizes.flip, 1),
        "pixel_aspect": float(sizes.pixel_aspect),
        "margins": (sizes.top_margin, sizes.left_margin, max(below, 0), max(beside, 0)),
    }


def _positive(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0 else None


def _with_levels(raw: rawpy.RawPy, tags: Tags, decoded: Decoded, colors: NDArray[Any]) -> Decoded:
    """Levels, gains and matrix added."""
    cfa = decoded.facts["cfa"]
    black = _black(raw.black_level_per_channel, cfa, colors)
    white, decoded = _white(raw, decoded, max(black))
    bits = int((*tags.numbers(BITS_PER_SAMPLE), 0)[0]) if tags.strips else 0
    decoded = decoded.with_facts(
        black=black, white=white, bits=bits if 1 <= bits <= 32 else int(white).bit_length(), matrix=IDENTITY
    )
    if cfa.kind == "mono":
        return decoded
    decoded = _gains(raw, tags, decoded)
    neutral = [1 / gain for gain in decoded.facts.get("gains", (1, 1, 1))]
    matrix = dng_matrix(tags, neutral) if DNG_VERSION in tags.values else None
    matrix = matrix or libraw_matrix(raw.rgb_xyz_matrix, raw.color_matrix)
    if matrix is None:
        return decoded.remarked("no color matrix is known for this camera: its RGB is taken for sRGB")
    return decoded.with_facts(matrix=matrix)


def _black(levels: Sequence[float], cfa: CFA, colors: NDArray[Any]) -> tuple[float, float, float, float]:
    """LibRaw's black levels in the order of CHANNELS: its two greens are told apart by their rows."""
    if cfa.kind == "mono":
        return (float(levels[0]),) * 4
    if cfa.kind not in ("bayer", "quad"):
        red, green, blue = map(float, levels[:3])
        return red, green, green, blue
    channels = cfa.channels()
    if colors is channels or colors.shape != channels.shape:
        colors = channels
    first = [float(levels[int(colors[channels == channel][0])]) for channel in range(4)]
    return first[0], first[1], first[2], first[3]


def _white(raw: rawpy.RawPy, decoded: Decoded, black: float) -> tuple[float, Decoded]:
    """The level of saturation; one that the samples leave far below them, or that lies at black, is not believed."""
    white, highest = float(raw.white_level), float(decoded.samples.max())
    measured = raw.camera_white_level_per_channel
    if measured and white / 2 < min(measured) <= white:
        white = float(min(measured))
    if black < white and highest <= 2 * white:
        return white, decoded
    likely = float(2 ** max(8, int(max(highest, black)).bit_length()) - 1)
    return likely, decoded.remarked(
        f"the white level in the file ({white:g} DN) cannot be, samples reach {highest:g} DN: {likely:g} DN is used"
    )


def _gains(raw: rawpy.RawPy, tags: Tags, decoded: Decoded) -> Decoded:
    """As-shot gains, else LibRaw's daylight gains with a remark, else none with a remark."""
    neutral = tags.numbers(AS_SHOT_NEUTRAL)
    shot = gains_of([1 / value if value else 0.0 for value in neutral]) if len(neutral) == 3 else None
    if shot:
        return decoded.with_facts(gains=shot, gains_source="as shot")
    unity = (1.0, 1.0, 1.0)
    shot, daylight = gains_of(raw.camera_whitebalance), gains_of(raw.daylight_whitebalance)
    if shot and (decoded.facts["cfa"].kind == "linear" or shot != unity):  # ones for a mosaic: nobody knows
        return decoded.with_facts(gains=shot, gains_source="as shot")
    odd = f"the as-shot white balance {[round(float(value), 3) for value in raw.camera_whitebalance]} cannot be used"
    if daylight and daylight != unity:
        decoded = decoded.with_facts(gains=daylight, gains_source="daylight")
        return decoded.remarked(f"{odd}: LibRaw's daylight gains stand in")
    return decoded.remarked(odd)
