"""The draft of a frame: the same light on the same array, only smaller."""

from __future__ import annotations

import numpy as np
import pytest

from driftlab.isp.develop import develop
from driftlab.isp.draft import draft_frame, draft_settings, draft_side
from driftlab.isp.pipeline import CAMERA
from driftlab.raw.frame import NAMED, ColorMatrix, RawFrame


def frame_of(cfa: str, size: tuple[int, int] = (96, 132)) -> RawFrame:
    """A scene without detail: each color has a slope of its own."""
    array = NAMED[cfa]
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    planes = np.stack([800 + 4 * x, 1500 + 3 * y, 2500 - 4 * x])
    if array.kind == "linear":
        mosaic = planes
    else:
        tile = array.colors()
        sites = np.tile(tile, (size[0], size[1]))[: size[0], : size[1]]
        mosaic = np.take_along_axis(planes, sites[None], 0)
    eye = ColorMatrix(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), "test")
    mosaic = np.ascontiguousarray(mosaic, np.float32)
    return RawFrame(mosaic, array, (64.0,) * 4, 4095.0, 12, (1.0, 1.0, 1.0), "test", eye, "test", "", "test")


@pytest.mark.parametrize("cfa", ["rggb", "gbrg", "quad-bggr", "xtrans", "mono", "linear"])
def test_a_draft_looks_like_the_picture_scaled_down(cfa: str) -> None:
    frame = frame_of(cfa)
    side = draft_side(frame, frame.mosaic[0].size, frame.mosaic[0].size // 10)
    assert side > 1
    small = draft_frame(frame, side)
    assert small.size == (frame.size[0] // side, frame.size[1] // side)
    settings = CAMERA.settings(frame).changed({"white_balance.highlights": "keep"})
    whole = develop(frame, settings)
    rows, columns = small.size
    shrunk = whole[:, : rows * side, : columns * side].reshape(3, rows, side, columns, side).mean((2, 4))
    draft = develop(small, draft_settings(settings, side))
    inner = (slice(None), slice(2, -2), slice(2, -2))
    assert np.abs(draft[inner] - shrunk[inner]).mean() < 0.012


def test_a_frame_that_is_small_enough_is_its_own_draft() -> None:
    frame = frame_of("rggb")
    assert draft_side(frame, 100, 100) == 1
    assert draft_frame(frame, 1) is frame


def test_the_budget_is_kept() -> None:
    frame = frame_of("xtrans")
    for samples in (10_000, 50_000, 1_000_000):
        side = draft_side(frame, samples, 9000)
        assert side % frame.cfa.superpixel == 0
        assert samples / side**2 <= 9000


def test_lengths_in_pixels_shrink_and_nothing_else() -> None:
    settings = CAMERA.settings().changed({"optics.blur": 2.0, "exposure.ev": 1.0, "denoise.size": 3.0})
    draft = draft_settings(settings, 4)
    assert draft.number("optics.blur") == 0.5
    assert draft.number("denoise.size") == 1.0
    unit = {key for key, _, param in settings.pipeline.parameters() if param.unit == "px"}
    assert all(draft[key] == settings[key] for key in settings if key not in unit)
    assert draft_settings(settings, 1) is settings


@pytest.mark.parametrize(("cfa", "side"), [("grbg", 2), ("rggb", 6), ("xtrans", 3), ("xtrans", 6), ("quad-rggb", 4)])
def test_a_site_is_the_mean_of_its_color_over_its_square(cfa: str, side: int) -> None:
    frame = frame_of(cfa, (31, 45))  # a rest on both sides is left out
    colors, small = frame.cfa.colors(), draft_frame(frame, side)
    high, wide = colors.shape
    for row, column in np.ndindex(31 // side, 45 // side):
        inside = [
            float(frame.mosaic[0, y, x])
            for y in range(row * side, (row + 1) * side)
            for x in range(column * side, (column + 1) * side)
            if colors[y % high, x % wide] == colors[row % high, column % wide]
        ]
        assert small.mosaic[0, row, column] == pytest.approx(sum(inside) / len(inside), rel=1e-5)
