"""A frame developed tile by tile is, to the bit, the frame developed in one piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from driftlab.isp import develop as module
from driftlab.isp.develop import Region, develop, mosaic_of, picture_size, tiles, window
from driftlab.isp.pipeline import CAMERA, PAPER, run
from driftlab.isp.stage import IspError, Sensor
from driftlab.raw.frame import CFA
from tests.isp.frames import smooth_frame

LEVELS = {"black": (510.0, 512.0, 514.0, 516.0), "white": 16383.0}
CASES = {
    "as shot": {},
    "everything": {
        "exposure.ev": 0.3,
        "optics.blur": 1.3,
        "optics.vignetting": 1.0,
        "noise.intensity": 0.3,
        "noise.read_noise": 4.0,
        "noise.seed": 7.0,
        "quantization.bits": "10",
        "denoise.method": "bilateral",
        "sharpen.method": "unsharp",
        "tone.contrast": 1.2,
        "tone.saturation": 0.8,
        "jpeg.mode": "on",
    },
    "superpixel and JPEG": {"demosaic.method": "superpixel", "jpeg.mode": "on", "denoise.method": "median"},
    "menon2007": {"demosaic.method": "menon2007"},
    "fft": {"denoise.method": "fft"},
    "4:4:4": {"jpeg.mode": "on", "jpeg.chroma": "4:4:4", "jpeg.quality": 40.0},
}


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TILE", 64 * 64)


@pytest.mark.parametrize("name", ["rggb", "gbrg", "xtrans", "quad-bggr", "mono", "linear"])
@pytest.mark.parametrize("case", CASES)
def test_tiles_equal_the_whole(name: str, case: str) -> None:
    frame = smooth_frame(name, 203, 219, noise=200.0, **LEVELS)
    settings = CAMERA.settings(frame).changed(CASES[case])
    with torch.inference_mode():
        whole = run(mosaic_of(frame), settings, Sensor.of(frame), CAMERA)[0].numpy()
    assert len(list(tiles(frame, settings))) > (1 if case != "fft" else 0)
    np.testing.assert_array_equal(develop(frame, settings), whole)


@pytest.mark.parametrize("name", ["grbg", "xtrans", "linear"])
@pytest.mark.parametrize("case", CASES)
def test_a_region_equals_that_part_of_the_whole(name: str, case: str) -> None:
    frame = smooth_frame(name, 203, 219, noise=200.0, **LEVELS)
    settings = CAMERA.settings(frame).changed(CASES[case])
    whole = develop(frame, settings)
    height, width = picture_size(frame, settings)
    for region in (
        Region(0, 0, 1, 1),
        Region(17, 9, 31, 40),
        Region(width - 5, height - 7, 5, 7),
        Region(0, 0, width, height),
    ):
        part = whole[:, region.top : region.top + region.height, region.left : region.left + region.width]
        np.testing.assert_array_equal(develop(frame, settings, region=region), part)
        cut = window(frame, settings, region)
        np.testing.assert_array_equal(cut.run(settings, settings)[0].numpy(), part)


@pytest.mark.parametrize(
    "region", [Region(-1, 0, 5, 5), Region(0, 0, 0, 5), Region(100, 0, 120, 5), Region(0, 203, 1, 1)]
)
def test_a_region_beyond_the_picture_is_refused(region: Region) -> None:
    frame = smooth_frame("rggb", 203, 219)
    with pytest.raises(IspError, match="219 × 203 pixels"):
        develop(frame, CAMERA.settings(frame), region=region)


def test_integers_are_the_nearest() -> None:
    frame = smooth_frame("rggb", 90, 70, **LEVELS)
    settings = CAMERA.settings(frame)
    exact = develop(frame, settings).astype(np.float64)
    for bits, dtype in ((8, np.uint8), (16, np.uint16)):
        got = develop(frame, settings, bits=bits)
        assert got.dtype == dtype
        assert np.abs(got - exact * (2**bits - 1)).max() <= 0.51


def test_until_and_progress() -> None:
    frame = smooth_frame("rggb", 150, 170, **LEVELS)
    settings = PAPER.settings(frame)
    done = [tile.done for tile in tiles(frame, settings)]
    assert done == sorted(done) and done[-1] == 1.0 and len(done) > 3
    assert develop(frame, settings, until="black_level").shape == (1, 150, 170)
    assert develop(frame, settings, until="color_matrix").shape == (3, 150, 170)


def test_the_mosaic_is_shared_and_outlives_the_frame() -> None:
    frame = smooth_frame("rggb", 20, 22)
    shared, copy = mosaic_of(frame), frame.mosaic.copy()
    assert shared.data_ptr() == frame.mosaic.ctypes.data
    del frame
    np.testing.assert_array_equal(shared[0].numpy(), copy)


def test_a_cached_mask_made_without_gradients_serves_one_with_them() -> None:
    frame = smooth_frame("rggb", 34, 38)
    develop(frame, CAMERA.settings(frame))
    image = mosaic_of(frame).clone().requires_grad_()
    run(image, CAMERA.settings(frame), Sensor.of(frame), CAMERA).sum().backward()
    assert image.grad is not None and CFA.parse("rggb").superpixel == 2
