"""The `paper` pipeline against an oracle written with scipy and colour-demosaicing from the paper's formulas."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import scipy.ndimage
import torch
from numpy.typing import NDArray

from driftlab.isp.pipeline import PAPER, run
from driftlab.isp.presets import PRESETS
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Sensor
from driftlab.raw.frame import CFA, RawFrame
from tests.isp.frames import frame_of, recorded, scene

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports, which nothing here can mend
    import colour_demosaicing

DEMOSAIC = {
    "bilinear": colour_demosaicing.demosaicing_CFA_Bayer_bilinear,
    "malvar2004": colour_demosaicing.demosaicing_CFA_Bayer_Malvar2004,
    "menon2007": colour_demosaicing.demosaicing_CFA_Bayer_Menon2007,
}
YUV = np.array([[0.299, 0.587, 0.114], [-0.14714119, -0.28886916, 0.43601035], [0.61497538, -0.51496512, -0.10001026]])
VARIANTS = list(itertools.product(DEMOSAIC, ("filter", "unsharp"), ("median", "gaussian")))


def oracle(
    raw: NDArray[np.float64],
    pattern: str,
    black: NDArray[np.float64],
    gains: NDArray[np.float64],
    matrix: NDArray[np.float64],
    variant: tuple[str, str, str],
) -> NDArray[np.float64]:
    """Phi_stat: raw in 0–1 `[H, W]` -> `[H, W, 3]`; papers' section 1.2, step by step."""
    demosaic, sharpen, denoise = variant
    v = (
        raw
        - np.tile(black.reshape(2, 2), (raw.shape[0] // 2 + 1, raw.shape[1] // 2 + 1))[: raw.shape[0], : raw.shape[1]]
    )
    rgb = DEMOSAIC[demosaic](v, pattern=pattern)
    rgb = rgb * gains
    rgb = rgb @ matrix.T
    yuv = rgb @ YUV.T
    y = yuv[..., 0]
    if sharpen == "filter":
        y = scipy.ndimage.convolve(y, np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float), mode="constant")
    else:
        y = y + (y - scipy.ndimage.gaussian_filter(y, 1.0))
    y = scipy.ndimage.gaussian_filter(y, 0.5) if denoise == "gaussian" else scipy.ndimage.median_filter(y, 3)
    yuv[..., 0] = y
    rgb = yuv @ np.linalg.inv(YUV).T
    return np.clip(rgb, 0, 1) ** (1 / 2.2)


def frame_for(preset: str, pattern: str, height: int, width: int) -> RawFrame:
    """A 16-bit frame that this camera set develops to `scene`, a little of it beyond either end of the clip."""
    camera = PRESETS[preset]
    target = 0.5 + (scene(height, width, -0.2, 1.2) - 0.5) * np.array([1.0, 0.9, 0.8])[:, None, None]
    gray = target.mean(0, keepdims=True)
    sensor = np.linalg.solve(
        np.array(camera.matrix) * np.array(camera.gains), (0.5 * gray + 0.5 * target).reshape(3, -1)
    )
    light = sensor.reshape(target.shape) + np.array(camera.black)[[0, 1, 3], None, None]
    return recorded(frame_of(light, CFA.parse(pattern)), noise=150.0)


def by_site(values: dict[str, float], pattern: str) -> NDArray[np.float64]:
    """r, g1, g2, b at the four sites of a 2×2 tile; g1 shares its row with red."""
    green = {row: "g1" if "R" in pattern[2 * row : 2 * row + 2] else "g2" for row in (0, 1)}
    return np.array([values[{"R": "r", "G": green[k // 2], "B": "b"}[pattern[k]]] for k in range(4)])


@pytest.mark.parametrize("variant", VARIANTS, ids=",".join)
@pytest.mark.parametrize("preset", ["microscope", "drone"])
def test_all_twelve_variants_match_the_oracle(variant: tuple[str, str, str], preset: str) -> None:
    frame = frame_for(preset, "RGGB", 64, 70)
    settings = (
        PRESETS[preset]
        .applied(PAPER.settings(frame), frame)
        .changed({"demosaic.method": variant[0], "sharpen.method": variant[1], "denoise.method": variant[2]})
    )
    assert_matches_oracle(frame, settings, "RGGB", variant)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("method", DEMOSAIC)
def test_every_bayer_phase_and_odd_sizes(pattern: str, method: str) -> None:
    frame = frame_for("drone", pattern, 47, 53)
    settings = PRESETS["drone"].applied(PAPER.settings(frame), frame).changed({"demosaic.method": method})
    assert_matches_oracle(frame, settings, pattern, (method, "filter", "gaussian"))


def assert_matches_oracle(frame: RawFrame, settings: Settings, pattern: str, variant: tuple[str, str, str]) -> None:
    got = (
        run(torch.from_numpy(frame.mosaic.copy())[None], settings, Sensor.of(frame), PAPER)[0].permute(1, 2, 0).numpy()
    )
    want = oracle(
        frame.mosaic[0].astype(np.float64) / 65535,
        pattern,
        by_site({c: settings.number(f"black_level.{c}") / 65535 for c in ("r", "g1", "g2", "b")}, pattern),
        np.array([settings.number(f"white_balance.{c}") for c in "rgb"]),
        np.array([[settings.number(f"color_matrix.{o}{i}") for i in "rgb"] for o in "rgb"]),
        variant,
    )
    inner = np.s_[12:-12, 12:-12]
    assert 0 < (want == 0).mean() + (want == 1).mean() < 0.3, "the clip should be met, and not everywhere"
    assert want[inner].std() > 0.05, "the planted frame shows nothing"
    np.testing.assert_allclose(got[inner], want[inner], atol=1e-4)
