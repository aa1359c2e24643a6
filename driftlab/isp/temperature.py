"""White balance by color temperature and tint: a second way to the gains.

The light is a point beside the locus of black bodies: its correlated color temperature in K, and its tint, the distance
from the locus in CIE 1960 uv times 3000, positive toward green (the scale of raw developers; D65 has 6504 K and about
+10). The locus is Krystek's rational function of the temperature (Color Research & Application 10(1), 1985).
"""

from __future__ import annotations

import math
from functools import lru_cache
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
    u, v = (here + tint / TINT_SCALE * across for here, across in zip(_locus(kelvin), _across(kelvin), strict=True))
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
    x, y, z = (_camera_to_xyz(frame) @ (1 / np.array(gains))).tolist()
    return _light_at(4 * x / (x + 15 * y + 3 * z), 6 * y / (x + 15 * y + 3 * z))


@lru_cache(64)  # a slider asks again and again about the nominal light
def _light_at(u: float, v: float) -> tuple[float, float]:
    """Temperature and tint of a point of CIE 1960 uv."""

    def beyond(kelvin: float) -> tuple[float, float]:
        """How far the point lies beyond this place, along the locus (0 at the foot of its perpendicular) and across."""
        (here_u, here_v), (across_u, across_v) = _locus(kelvin), _across(kelvin)
        u_off, v_off = u - here_u, v - here_v
        return u_off * across_v - v_off * across_u, u_off * across_u + v_off * across_v

    low, high = 1e6 / COOLEST, 1e6 / WARMEST
    rising = beyond(COOLEST)[0] < beyond(WARMEST)[0]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (beyond(1e6 / middle)[0] < 0) == rising else (low, middle)
    kelvin = 1e6 / ((low + high) / 2)
    return kelvin, beyond(kelvin)[1] * TINT_SCALE


def _camera_to_xyz(frame: RawFrame) -> Vector:
    """Camera RGB without gains -> XYZ, by the matrix and the gains of daylight."""
    balanced: Vector = np.array(frame.matrix.values) * np.array(frame.daylight_gains or frame.gains)
    return np.asarray(SRGB_TO_XYZ @ balanced)


def _locus(kelvin: float) -> tuple[float, float]:
    """CIE 1960 uv of a black body."""
    t = kelvin
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t)
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t)
    return u, v


def _across(kelvin: float) -> tuple[float, float]:
    """The unit vector perpendicular to the locus, toward green."""
    step = kelvin * 1e-4
    (u_after, v_after), (u_before, v_before) = _locus(kelvin + step), _locus(kelvin - step)
    u, v = u_after - u_before, v_after - v_before
    length = math.copysign(math.hypot(u, v), -u)
    return v / length, -u / length
