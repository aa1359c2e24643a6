"""White balance by color temperature and tint: a second way to the gains.

The light is a point beside the locus of black bodies: its correlated color temperature in K, and its tint, the distance
from the locus in CIE 1960 uv times 3000, positive toward green (the scale of raw developers; D65 has 6504 K and about
+10). The locus is Krystek's rational function of the temperature (Color Research & Application 10(1), 1985).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftlab.isp.stage import IspError
from driftlab.raw.frame import RawFrame

__all__ = ["COOLEST", "WARMEST", "gains_at", "temperature_of"]

#: The range of the locus in K.
WARMEST: Final = 1500.0
COOLEST: Final = 25000.0
TINT_SCALE: Final = 3000.0

#: Linear sRGB -> CIE XYZ, D65 (IEC 61966-2-1).
SRGB_TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])

Vector = NDArray[np.float64]


def gains_at(kelvin: float, tint: float, frame: RawFrame) -> tuple[float, float, float]:
    """The gains (red, green 1, blue) that make a gray neutral under this light.

    They rest on the frame's color matrix and its daylight gains; where these are not known, the as-shot gains stand in,
    and temperatures are only as right as the picture was taken in daylight. Raises IspError for light that the camera
    can't balance.
    """
    if not WARMEST <= kelvin <= COOLEST:
        raise IspError(f"{kelvin:g} K is out of range: give a temperature from {WARMEST:g} to {COOLEST:g} K.")
    u, v = _locus(kelvin) + tint / TINT_SCALE * _across(kelvin)
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
    seen = np.linalg.solve(_camera_to_xyz(frame), np.array([x / y, 1.0, (1 - x - y) / y]))
    if seen.min() <= 0:
        raise IspError(
            f"This camera can't balance {kelvin:g} K with a tint of {tint:g}: move toward 5500 K and tint 0."
        )
    return float(seen[1] / seen[0]), 1.0, float(seen[1] / seen[2])


def temperature_of(gains: tuple[float, float, float], frame: RawFrame) -> tuple[float, float]:
    """Temperature in K and tint of the light that these gains make neutral; the inverse of `gains_at`.

    Light beyond either end of the locus is given the temperature of that end.
    """
    x, y, z = _camera_to_xyz(frame) @ (1 / np.array(gains))
    point = np.array([4 * x, 6 * y]) / (x + 15 * y + 3 * z)

    def along(mired: float) -> float:
        """How far along the locus the point lies beyond this place: the root is the foot of its perpendicular."""
        kelvin = 1e6 / mired
        across = _across(kelvin)
        return float((point - _locus(kelvin)) @ np.array([across[1], -across[0]]))

    low, high = 1e6 / COOLEST, 1e6 / WARMEST
    rising = along(low) < along(high)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (along(middle) < 0) == rising else (low, middle)
    kelvin = 1e6 / ((low + high) / 2)
    return kelvin, float((point - _locus(kelvin)) @ _across(kelvin)) * TINT_SCALE


def _camera_to_xyz(frame: RawFrame) -> Vector:
    """Camera RGB without gains -> XYZ, by the matrix and the gains of daylight."""
    balanced: Vector = np.array(frame.matrix.values) * np.array(frame.daylight_gains or frame.gains)
    return np.asarray(SRGB_TO_XYZ @ balanced)


def _locus(kelvin: float) -> Vector:
    """CIE 1960 uv of a black body."""
    t = kelvin
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t)
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t)
    return np.array([u, v])


def _across(kelvin: float) -> Vector:
    """The unit vector perpendicular to the locus, toward green."""
    step = kelvin * 1e-4
    along = _locus(kelvin + step) - _locus(kelvin - step)
    across = np.array([along[1], -along[0]]) / math.hypot(*along)
    return across if across[1] > 0 else -across
