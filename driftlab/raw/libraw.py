"""Camera files, by LibRaw: what to believe of what it says, and how its conventions become a RawFrame's.

LibRaw counts colors R, G, B, second G; its samples include masked borders, and its CFA is that of the visible area.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import rawpy
import tifffile
from numpy.typing import NDArray

from driftlab.raw.color import IDENTITY, dng_matrix, gains_of, libraw_matrix
from driftlab.raw.decoded import Decoded
from driftlab.raw.frame import CFA, Origin, RawError
from driftlab.raw.levels import dng_black, dng_white, libraw_black, likely_white
from driftlab.raw.limits import Limits, check_size
from driftlab.raw.lossy import WHITE_LEVEL, is_lossy, linear_samples
from driftlab.raw.tags import DNG_VERSION, Tags, read_samples

__all__ = ["DECODER", "decode_camera_file"]

DECODER: Final = f"LibRaw {'.'.join(map(str, rawpy.libraw_version))} (rawpy {rawpy.__version__})"  # type: ignore[attr-defined]
#: LibRaw's flips as EXIF orientations.
ORIENTATIONS: Final = {0: 1, 3: 3, 5: 8, 6: 6}
BITS_PER_SAMPLE, DESCRIPTION, MAKE, MODEL, ORIENTATION = 258, 270, 271, 272, 274
ISO, LENS, UNIQUE_MODEL = 34855, 42036, 50708
CFA_SIZE, CFA_PATTERN, AS_SHOT_NEUTRAL, ACTIVE_AREA = 33421, 33422, 50728, 50829


def decode_camera_file(path: Path, tags: Tags, limits: Limits) -> Decoded:
    """The frame in a camera file; raises rawpy's LibRawError or RawError."""
    with rawpy.RawPy() as raw:
        _open(raw, path)
        sizes = raw.sizes
        check_size(sizes.raw_width, sizes.raw_height, 1, path.stat().st_size, limits)
        raw.unpack()
        visible, remarks = _visible(raw, path, tags), list[str]()
        if raw.raw_type == rawpy.RawType.Flat:
            cfa, colors = _filters(raw, tags)
            samples = visible[None].copy()
        else:
            cfa, colors = CFA.parse("linear"), np.array([[0, 1, 2, 1]])
            samples, remarks = _three_planes(visible)
        decoded = _with_levels(raw, tags, Decoded(samples, _shot(raw, tags, cfa)).remarked(*remarks), colors)
    if tags.is_float or is_lossy(tags):
        decoded = decoded.with_facts(decoder=f"{DECODER}, samples by tifffile {tifffile.__version__}")
    return _in_dn(decoded) if tags.is_float else decoded


def _visible(raw: rawpy.RawPy, path: Path, tags: Tags) -> NDArray[Any]:
    """The samples inside the masked borders, `[H, W]` or `[H, W, C]`."""
    if not (tags.is_float or is_lossy(tags)):
        return raw.raw_image_visible
    # LibRaw would round floats to 14 bits, and bend the tones of lossy files
    whole = linear_samples(path, tags) if is_lossy(tags) else read_samples(path).astype(np.float32)
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    return whole[top : top + raw.sizes.height, left : left + raw.sizes.width]


def _in_dn(decoded: Decoded) -> Decoded:
    """Float samples brought to 16 bits where their white level is a small number, as 1 is."""
    white = decoded.facts["white"]
    if white > 255:
        return decoded
    factor = 65535 / white
    black = tuple(level * factor for level in decoded.facts["black"])
    scaled = Decoded(decoded.samples * np.float32(factor), decoded.facts).with_facts(black=black, white=65535.0)
    return scaled.remarked(f"float samples: their white level of {white:g} is taken as 65535 DN")


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
        return from_tags.shifted(*_within_active_area(raw, tags)), np.zeros((1, 1), int)
    rows, columns = pattern.shape
    colors = raw.raw_colors_visible[:rows, :columns]
    return CFA(tuple("".join(letters[color] for color in row) for row in colors)), colors


def _within_active_area(raw: rawpy.RawPy, tags: Tags) -> tuple[int, int]:
    """Where LibRaw's visible area begins within the active area, to which a DNG's tiles refer: it may crop more."""
    top, left = map(int, (*tags.numbers(ACTIVE_AREA), 0, 0)[:2])
    return raw.sizes.top_margin - top, raw.sizes.left_margin - left


def _dng_cfa(tags: Tags) -> CFA | None:
    """The CFA that a DNG's own tags describe."""
    size, pattern = tags.numbers(CFA_SIZE), tags.numbers(CFA_PATTERN)
    if DNG_VERSION not in tags.values or len(size) != 2 or len(pattern) != size[0] * size[1]:
        return None
    if not pattern or max(pattern) > 2:
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
        "origin": next((origin for origin in Origin if origin == tags.text(DESCRIPTION)), Origin.SENSOR),
        "make": tags.text(MAKE),
        "model": tags.text(MODEL) or tags.text(UNIQUE_MODEL),
        "lens": lens.model.strip() or tags.text(LENS),
        "iso": _positive(other.iso_speed, *tags.numbers(ISO)),
        "exposure_time": _positive(other.shutter_speed),
        "aperture": _positive(other.aperture),
        "orientation": int(orientation) if orientation in range(1, 9) else ORIENTATIONS.get(sizes.flip, 1),
        "pixel_aspect": _positive(sizes.pixel_aspect) or 1.0,
        "margins": (sizes.top_margin, sizes.left_margin, max(below, 0), max(beside, 0)),
    }


def _positive(*values: float) -> float | None:
    """The first that is a number above zero, freed of the noise of LibRaw's single precision."""
    return next((float(f"{value:.6g}") for value in values if np.isfinite(value) and value > 0), None)


def _with_levels(raw: rawpy.RawPy, tags: Tags, decoded: Decoded, colors: NDArray[Any]) -> Decoded:
    """Levels, gains and matrix added."""
    cfa = decoded.facts["cfa"]
    down, right = _within_active_area(raw, tags)
    black = dng_black(tags, cfa.shifted(-down, -right)) or libraw_black(raw.black_level_per_channel, cfa, colors)
    stated, highest = dng_white(tags) or _white(raw), float(decoded.samples.max())
    if is_lossy(tags):
        black, stated = (0.0,) * 4, WHITE_LEVEL
    white = stated if tags.is_float else likely_white(stated, max(black), highest)
    if white != stated:
        decoded = decoded.remarked(
            f"the white level in the file ({stated:g} DN) cannot be, samples reach {highest:g} DN: {white:g} is used"
        )
    bits = int((*tags.numbers(BITS_PER_SAMPLE), 0)[0]) if tags.camera_raw else 0
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


def _white(raw: rawpy.RawPy) -> float:
    """LibRaw's level of saturation: what the camera measured, if it may be, else what the format holds."""
    measured, white = raw.camera_white_level_per_channel, float(raw.white_level)
    return float(min(measured)) if measured and white / 2 < min(measured) <= white else white


def _gains(raw: rawpy.RawPy, tags: Tags, decoded: Decoded) -> Decoded:
    """As-shot gains, else LibRaw's daylight gains with a remark, else none with a remark."""
    daylight = gains_of(raw.daylight_whitebalance)
    if daylight == (1.0, 1.0, 1.0):  # LibRaw's word for not knowing
        daylight = None
    decoded = decoded.with_facts(daylight_gains=daylight)
    neutral = tags.numbers(AS_SHOT_NEUTRAL)
    shot = gains_of([1 / value if value else 0.0 for value in neutral]) if len(neutral) == 3 else None
    if shot:
        return decoded.with_facts(gains=shot, gains_source="as shot")
    shot = gains_of(raw.camera_whitebalance)
    if shot and (decoded.facts["cfa"].kind == "linear" or shot != (1.0, 1.0, 1.0)):  # ones for a mosaic: nobody knows
        return decoded.with_facts(gains=shot, gains_source="as shot")
    odd = f"the as-shot white balance {[round(float(value), 3) for value in raw.camera_whitebalance]} cannot be used"
    if daylight:
        decoded = decoded.with_facts(gains=daylight, gains_source="daylight")
        return decoded.remarked(f"{odd}: LibRaw's daylight gains stand in")
    return decoded.remarked(odd)
