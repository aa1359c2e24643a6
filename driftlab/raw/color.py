"""As-shot gains and the color matrix of a camera file: which data are to be believed, and what stands in for them.

Every matrix here takes white-balanced camera RGB to linear sRGB (D65), with rows that sum to one. Two-illuminant DNG
data follow the DNG specification 1.7.1, chapter 6 ("Mapping Camera Color Space to CIE XYZ Space").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.frame import CFA, ColorMatrix
from driftlab.raw.tags import Tags

__all__ = ["IDENTITY", "XYZ_TO_SRGB", "dng_matrix", "gains_of", "gray_world", "libraw_matrix", "temperature"]

Array = NDArray[np.float64]

IDENTITY: Final = ColorMatrix(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), "none known: camera RGB as it is")

#: CIE XYZ (D65 white) <-> linear sRGB, IEC 61966-2-1.
SRGB_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
XYZ_TO_SRGB: Final = np.linalg.inv(SRGB_TO_XYZ)
D50: Final = (0.34567, 0.35850)
D65: Final = tuple(SRGB_TO_XYZ.sum(axis=1)[:2] / SRGB_TO_XYZ.sum())  # the white of these very matrices
#: Cone response of the Bradford chromatic adaptation (Lam 1985; ICC.1:2022, annex E).
BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

#: Color temperature in K of EXIF light sources, as DNG reads them; 0 (unknown) and 255 (other) have none.
ILLUMINANTS: Final = {
    1: 5500, 2: 4150, 3: 2850, 4: 5500, 9: 5500, 10: 6500, 11: 7500, 12: 6400, 13: 5050, 14: 4150, 15: 3525, 16: 2925,
    17: 2850, 18: 5500, 19: 6500, 20: 5500, 21: 6500, 22: 7500, 23: 5000, 24: 3200,
}  # fmt: skip
#: Tags of the three calibrations: illuminant, color matrix, camera calibration, forward matrix.
CALIBRATIONS: Final = ((50778, 50721, 50723, 50964), (50779, 50722, 50724, 50965), (52529, 52531, 52530, 52532))
ANALOG_BALANCE, CAMERA_SIGNATURE, PROFILE_SIGNATURE = 50727, 50931, 50932

#: Isotemperature lines: mired, u, v (CIE 1960), slope (Robertson 1968; Wyszecki & Stiles, table 1(3.11)).
LINES: Final = np.array([
    (0, 0.18006, 0.26352, -0.24341), (10, 0.18066, 0.26589, -0.25479), (20, 0.18133, 0.26846, -0.26876),
    (30, 0.18208, 0.27119, -0.28539), (40, 0.18293, 0.27407, -0.3047), (50, 0.18388, 0.27709, -0.32675),
    (60, 0.18494, 0.28021, -0.35156), (70, 0.18611, 0.28342, -0.37915), (80, 0.1874, 0.28668, -0.40955),
    (90, 0.1888, 0.28997, -0.44278), (100, 0.19032, 0.29326, -0.47888), (125, 0.19462, 0.30141, -0.58204),
    (150, 0.19962, 0.30921, -0.70471), (175, 0.20525, 0.31647, -0.84901), (200, 0.21142, 0.32312, -1.0182),
    (225, 0.21807, 0.32909, -1.2168), (250, 0.22511, 0.33439, -1.4512), (275, 0.23247, 0.33904, -1.7298),
    (300, 0.2401, 0.34308, -2.0637), (325, 0.24792, 0.34655, -2.4681), (350, 0.25591, 0.34951, -2.9641),
    (375, 0.264, 0.352, -3.5814), (400, 0.27218, 0.35407, -4.3633), (425, 0.28039, 0.35577, -5.3762),
    (450, 0.28863, 0.35714, -6.7262), (475, 0.29685, 0.35823, -8.5955), (500, 0.30505, 0.35907, -11.324),
    (525, 0.3132, 0.35968, -15.628), (550, 0.32129, 0.36011, -23.325), (575, 0.32931, 0.36038, -40.77),
    (600, 0.33724, 0.36051, -116.45),
])  # fmt: skip


def gains_of(multipliers: Sequence[float]) -> tuple[float, float, float] | None:
    """LibRaw's R, G, B, G2 multipliers with green 1, or None where they cannot be a white balance.

    They come as factors or as integers near 2000; a second green of 0 is the first one.
    """
    red, green, blue, second = (*multipliers, 0.0)[:4]
    green = (green + second) / 2 if second > 0 else green
    if not (np.isfinite([red, green, blue]).all() and min(red, green, blue) > 0):
        return None
    gains = red / green, 1.0, blue / green
    return gains if min(gains) > 1 / 32 and max(gains) < 32 else None


def gray_world(samples: NDArray[Any], cfa: CFA, black: Sequence[float], white: float) -> tuple[float, float, float]:
    """Gains that make the mean of unsaturated samples gray; 1 where a color has no light."""
    channels, colors = cfa.channels(), cfa.colors()
    sums, counts = np.zeros(3), np.zeros(3)
    for y, x in np.ndindex(channels.shape):
        plane = samples[0, y :: channels.shape[0], x :: channels.shape[1]]
        lit = plane[plane < 0.98 * white]
        sums[colors[y, x]] += lit.sum(dtype=np.float64) - black[int(channels[y, x])] * lit.size
        counts[colors[y, x]] += lit.size
    means = sums / counts.clip(1)
    return gains_of([1 / mean if mean > 0 else -1.0 for mean in means]) or (1.0, 1.0, 1.0)


def temperature(x: float, y: float) -> float:
    """Correlated color temperature in K of a CIE 1931 chromaticity (Robertson 1968), 1667 K to 100000 K."""
    u, v = 2 * x / (1.5 - x + 6 * y), 3 * y / (1.5 - x + 6 * y)
    mired, line_u, line_v, slope = LINES.T
    distance = ((v - line_v) - slope * (u - line_u)) / np.hypot(1, slope)
    below = int(np.argmax(distance < 0)) if (distance < 0).any() else len(LINES) - 1
    if below == 0:
        return 1e5
    share = distance[below - 1] / (distance[below - 1] - distance[below]) if distance[below] < 0 else 1.0
    return float(np.clip(1e6 / (mired[below - 1] + share * (mired[below] - mired[below - 1])), 1e6 / 600, 1e5))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a DNG measured under one illuminant of `kelvin`: XYZ to camera, this body's own factor, camera to D50."""

    kelvin: float
    color: Array
    camera: Array
    forward: Array | None


def dng_matrix(tags: Tags, neutral: Sequence[float]) -> ColorMatrix | None:
    """The matrix of a DNG for its as-shot neutral (camera RGB of gray); None without color matrices.

    Matrices are interpolated linearly in 1/CCT between the calibration illuminants and held outside them; the CCT
    is iterated from the neutral itself. Forward matrices are preferred where every illuminant has one.
    """
    calibrations = _calibrations(tags)
    if not calibrations:
        return None
    balance = np.diag(tags.numbers(ANALOG_BALANCE) if len(tags.numbers(ANALOG_BALANCE)) == 3 else np.ones(3))
    white, kelvin = _white(calibrations, balance, np.array(neutral, float))
    body = balance @ _between(kelvin, [(c.kelvin, c.camera) for c in calibrations])
    forwards = [(c.kelvin, c.forward) for c in calibrations if c.forward is not None]
    if len(forwards) == len(calibrations):
        reference = np.linalg.solve(body, np.diag(neutral))
        to_d50 = _between(kelvin, forwards) @ np.diag(1 / reference.sum(axis=1)) @ reference
        source, to_white, kind = D50, to_d50, "forward matrix"
    else:
        to_camera = body @ _between(kelvin, [(c.kelvin, c.color) for c in calibrations])
        source, to_white, kind = white, np.linalg.solve(to_camera, np.diag(neutral)), "color matrix"
    lights = " and ".join(f"{c.kelvin:.0f} K" for c in calibrations)
    to_srgb = XYZ_TO_SRGB @ _adaptation(source, D65) @ to_white
    return _color_matrix(to_srgb, f"DNG {kind} for {lights} at {kelvin:.0f} K")


def libraw_matrix(from_xyz: NDArray[Any], to_srgb: NDArray[Any]) -> ColorMatrix | None:
    """LibRaw's matrix: XYZ (D65) to camera `[4, 3]` from its table of cameras, else camera to sRGB `[3, 4]`."""
    if np.any(from_xyz[:3]):
        camera = np.asarray(from_xyz[:3], float) @ SRGB_TO_XYZ
        camera = camera / camera.sum(axis=1, keepdims=True)
        if np.isfinite(camera).all() and abs(np.linalg.det(camera)) > 1e-6:
            return _color_matrix(np.linalg.inv(camera), "LibRaw, from its table for this camera (daylight)")
    return _color_matrix(np.asarray(to_srgb, float)[:, :3], "LibRaw, from the file") if np.any(to_srgb) else None


def _calibrations(tags: Tags) -> list[Calibration]:
    """The usable calibrations, coldest light last; one of an unknown illuminant counts only where it is alone."""
    signed = tags.text(CAMERA_SIGNATURE) == tags.text(PROFILE_SIGNATURE)
    found = []
    for illuminant, color, camera, forward in CALIBRATIONS:
        matrix = _three_by_three(tags, color)
        if matrix is not None and abs(np.linalg.det(matrix)) > 1e-9:
            body = _three_by_three(tags, camera) if signed else None
            kelvin = ILLUMINANTS.get(int((*tags.numbers(illuminant), 0)[0]), 0)
            body = np.eye(3) if body is None else body
            found.append(Calibration(kelvin, matrix, body, _three_by_three(tags, forward)))
    known = sorted((c for c in found if c.kelvin), key=lambda c: c.kelvin)
    return known or found[:1]


def _three_by_three(tags: Tags, code: int) -> Array | None:
    values = np.array(tags.numbers(code))
    return values.reshape(3, 3) if values.size == 9 and np.isfinite(values).all() and values.any() else None


def _between(kelvin: float, matrices: Sequence[tuple[float, Array | None]]) -> Array:
    """The matrix at `kelvin`: linear in 1/CCT between neighbors, held outside."""
    if len(matrices) == 1:
        return np.asarray(matrices[0][1], float)
    mired = [1e6 / known for known, _ in reversed(matrices)]
    stack = np.array([matrix for _, matrix in reversed(matrices)], float).reshape(len(matrices), 9)
    return np.array([np.interp(1e6 / kelvin, mired, column) for column in stack.T]).reshape(3, 3)


def _white(calibrations: list[Calibration], balance: Array, neutral: Array) -> tuple[tuple[float, float], float]:
    """Chromaticity and color temperature of the light in which camera RGB `neutral` is gray, by fixed point."""
    x, y = D50
    for _ in range(30):
        kelvin = temperature(x, y)
        color = _between(kelvin, [(c.kelvin, c.color) for c in calibrations])
        camera = _between(kelvin, [(c.kelvin, c.camera) for c in calibrations])
        xyz = np.linalg.solve(balance @ camera @ color, neutral)
        new = (float(xyz[0] / xyz.sum()), float(xyz[1] / xyz.sum()))
        if abs(new[0] - x) + abs(new[1] - y) < 1e-9:
            break
        x, y = (new[0] + x) / 2, (new[1] + y) / 2  # half a step: a full one can swing between two lights for ever
    return (x, y), temperature(x, y)


def _adaptation(source: tuple[float, float], target: tuple[float, float]) -> Array:
    """XYZ under the white `source` -> XYZ under the white `target` (Bradford)."""
    cones = [BRADFORD @ np.array([x / y, 1, (1 - x - y) / y]) for x, y in (source, target)]
    adapted: Array = np.linalg.inv(BRADFORD) @ np.diag(cones[1] / cones[0]) @ BRADFORD
    return adapted


def _color_matrix(matrix: Array, source: str) -> ColorMatrix | None:
    """Rows brought to sum one; None for a matrix that no camera has."""
    sums = matrix.sum(axis=1, keepdims=True)
    if not np.isfinite(matrix).all() or np.abs(sums).min() < 1e-6:
        return None
    rows = matrix / sums
    if np.abs(rows).max() > 20 or abs(np.linalg.det(rows)) < 1e-6:
        return None
    return ColorMatrix(tuple(tuple(map(float, row)) for row in rows), source)  # type: ignore[arg-type]
