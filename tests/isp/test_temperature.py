"""Color temperature and tint to gains and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from driftlab.isp.stage import IspError
from driftlab.isp.temperature import gains_at, temperature_of
from driftlab.raw.frame import ColorMatrix
from driftlab.raw.load import load_raw
from tests.isp.frames import smooth_frame

CAMERA = replace(
    smooth_frame("rggb", 8, 8),
    daylight_gains=(2.1, 1.0, 1.5),
    matrix=ColorMatrix(((1.6, -0.4, -0.2), (-0.2, 1.5, -0.3), (0.0, -0.5, 1.5)), "planted"),
)


@pytest.mark.parametrize("kelvin", [1800, 2856, 4000, 5003, 6504, 9300, 20000])
@pytest.mark.parametrize("tint", [-30, 0, 25])
def test_there_and_back(kelvin: float, tint: float) -> None:
    got = temperature_of(gains_at(kelvin, tint, CAMERA), CAMERA)
    assert got == pytest.approx((kelvin, tint), rel=1e-3, abs=0.05)


def test_daylight_is_d65() -> None:
    """The gains of daylight are those of 6504 K, a little to the green of a black body (Duv 0.0032)."""
    kelvin, tint = temperature_of((2.1, 1.0, 1.5), CAMERA)
    assert kelvin == pytest.approx(6504, rel=0.01) and tint == pytest.approx(9.6, abs=1.5)


def test_warm_light_needs_more_blue_and_green_light_less_green() -> None:
    warm, cool = gains_at(3000, 0, CAMERA), gains_at(8000, 0, CAMERA)
    assert warm[2] > cool[2] and warm[0] < cool[0]
    green = gains_at(5000, 40, CAMERA)
    assert green[0] > gains_at(5000, 0, CAMERA)[0] and green[2] > gains_at(5000, 0, CAMERA)[2]


@pytest.mark.parametrize(("kelvin", "mend"), [(900.0, "1500 to 25000 K"), (30000.0, "1500 to 25000 K")])
def test_out_of_range(kelvin: float, mend: str) -> None:
    with pytest.raises(IspError, match=mend):
        gains_at(kelvin, 0, CAMERA)


def test_as_shot_gains_of_real_frames_are_plausible_light(data: Path) -> None:
    for path in sorted((data / "raw").glob("*.CRW")):
        frame = load_raw(path)
        assert frame.daylight_gains is not None
        kelvin, tint = temperature_of(frame.gains, frame)
        assert 2000 < kelvin < 9000 and abs(tint) < 60, (path.name, kelvin, tint)
        assert np.allclose(gains_at(kelvin, tint, frame), frame.gains, rtol=1e-3)
