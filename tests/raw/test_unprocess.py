from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from driftlab.raw.frame import Origin, RawError
from driftlab.raw.load import load_raw
from driftlab.raw.unprocess import Unprocess


def smooth_picture():
    """A picture without detail finer than the filters, and without saturated colors."""
    y, x = np.mgrid[0:48, 0:64] / 64.0
    picture = np.dstack([0.35 + 0.2 * x, 0.5 - 0.2 * y, 0.4 + 0.15 * np.sin(3 * (x + y))])
    return np.rint(picture * 255).astype(np.uint8)


def developed(frame, gamma):
    """The plainest developer: levels, gains, bilinear demosaic, matrix, tone curve."""
    light = (frame.mosaic[0] - frame.black[0]) / (frame.white - frame.black[0])
    colors = frame.cfa.colors()
    tile = np.tile(colors, [-(-n // m) for n, m in zip(light.shape, colors.shape, strict=True)])
    tile = tile[: light.shape[0], : light.shape[1]]
    ramp = np.array([1, 2, 1] if colors.shape == (2, 2) else [1, 2, 3, 2, 1])
    kernel, reach = np.outer(ramp, ramp), len(ramp) // 2
    planes = []
    for color in range(3):
        mask = (tile == color).astype(float)
        padded, weights = np.pad(light * mask, reach), np.pad(mask, reach)
        height, width = light.shape
        sums = [
            sum(k * a[dy : dy + height, dx : dx + width] for (dy, dx), k in np.ndenumerate(kernel))
            for a in (padded, weights)
        ]
        planes.append(sums[0] / sums[1] * frame.gains[color])
    linear = np.clip(np.dstack(planes) @ np.array(frame.matrix.values).T, 0, 1)
    if gamma is not None:
        return linear ** (1 / gamma)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("gamma", [None, 2.2])
@pytest.mark.parametrize("cfa", ["RGGB", "GBRG", "quad-RGGB", "xtrans"])
def test_developing_gives_the_picture_back(tmp_path, gamma, cfa):
    path, picture = tmp_path / "a.png", smooth_picture()
    Image.fromarray(picture).save(path)
    frame = load_raw(path, unprocess=Unprocess(gamma=gamma, cfa=cfa))
    error = np.abs(developed(frame, gamma) - picture / 255)[6:-6, 6:-6]
    assert frame.origin is Origin.PSEUDO_RAW
    assert error.max() < 0.025
    if cfa in ("RGGB", "GBRG"):
        assert error.mean() < 0.003


def test_everything_made_up_is_on_record(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(smooth_picture()).save(path)
    frame = load_raw(path, unprocess=Unprocess(gains=(1.8, 1.0, 1.4), bits=12, black=64.0))
    assert (frame.gains, frame.white, frame.black, frame.bits) == ((1.8, 1.0, 1.4), 4095.0, (64.0,) * 4, 12)
    assert frame.extra["unprocess"]["gains"] == [1.8, 1.0, 1.4]
    assert any("not a measurement" in remark for remark in frame.remarks)
    assert np.array_equal(frame.mosaic, np.rint(frame.mosaic))


def test_noise_follows_the_photon_transfer_line(tmp_path):
    path = tmp_path / "a.png"
    flat = np.full((128, 128, 3), 160, np.uint8)
    flat[0, 0] = 0, 255, 0
    Image.fromarray(flat).save(path)
    well, read = 5000.0, 4.0
    clean = load_raw(path).mosaic[0, 2::2, 2::2]
    noisy = load_raw(path, unprocess=Unprocess(full_well=well, read_noise=read, seed=7)).mosaic[0, 2::2, 2::2]
    again = load_raw(path, unprocess=Unprocess(full_well=well, read_noise=read, seed=7)).mosaic[0, 2::2, 2::2]
    per_electron = (16383 - 512) / well
    electrons = (clean.mean() - 512) / per_electron
    assert np.array_equal(noisy, again)
    assert noisy.mean() == pytest.approx(clean.mean(), rel=0.005)
    assert noisy.var() == pytest.approx(per_electron**2 * (electrons + read**2), rel=0.1)


def test_clipped_samples_are_told(tmp_path):
    path = tmp_path / "a.png"
    picture = smooth_picture()
    picture[:8] = 255, 0, 0
    Image.fromarray(picture).save(path)
    muddy = ((0.5, 0.3, 0.2), (0.2, 0.6, 0.2), (0.2, 0.3, 0.5))
    assert any("clipped" in remark for remark in load_raw(path, unprocess=Unprocess(matrix=muddy)).remarks)
    assert not any("clipped" in remark for remark in load_raw(path).remarks)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bits": 17},
        {"black": 20000.0},
        {"gains": (0.0, 1.0, 1.0)},
        {"gamma": -1.0},
        {"read_noise": 1.0},
        {"cfa": "mono"},
    ],
)
def test_a_camera_that_cannot_be_is_refused(wrong):
    with pytest.raises(RawError):
        Unprocess(**wrong)
