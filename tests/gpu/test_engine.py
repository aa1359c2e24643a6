"""The engine: frames whole and in tiles, canvases, changing frames, and too little memory."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from driftlab.engine import GpuEngine
from driftlab.gpu.device import Gpu, GpuMemoryError
from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA, PAPER
from driftlab.isp.windows import Region
from tests.gpu.test_renderer import BUSY, FRAME
from tests.isp.frames import smooth_frame


@pytest.mark.parametrize(
    "changes",
    [{}, BUSY, {"demosaic.method": "superpixel"}, {"denoise.method": "fft"}],
    ids=["plain", "busy", "small", "whole rows"],
)
def test_tiles_equal_the_whole(gpu: Gpu, changes: dict[str, Any]) -> None:
    frame = smooth_frame("GRBG", 300, 420, noise=60.0, black=(60.0, 60.0, 60.0, 60.0), white=4095.0)
    settings = CAMERA.settings(frame).changed(changes)
    whole, tiled = GpuEngine(gpu), GpuEngine(gpu, memory=4 << 20)
    pieces = list(tiled.tiles(frame, settings))
    assert len(pieces) > 2 and pieces[-1].done == 1.0
    np.testing.assert_array_equal(
        develop(frame, settings, drawn=tiled.tiles), develop(frame, settings, drawn=whole.tiles)
    )
    region = Region(31, 17, 90, 60)
    np.testing.assert_array_equal(
        develop(frame, settings, region=region, drawn=tiled.tiles),
        develop(frame, settings, region=region, drawn=whole.tiles),
    )


def test_a_canvas_of_tiles_equals_that_of_the_whole(gpu: Gpu) -> None:
    frame = smooth_frame("RGGB", 300, 420, noise=60.0, white=4095.0)
    settings = CAMERA.settings(frame)
    whole, tiled = GpuEngine(gpu), GpuEngine(gpu, memory=4 << 20)
    for region, size in ((Region(0, 0, 420, 300), (97, 133)), (Region(200, 111, 40, 30), (90, 120))):
        ours = tiled.canvas(frame, settings, region, size).astype(int)
        assert np.abs(ours - whole.canvas(frame, settings, region, size)).max() <= 1


def test_frames_and_pipelines_change(gpu: Gpu) -> None:
    engine = GpuEngine(gpu)
    other = smooth_frame("BGGR", 40, 50, noise=30.0, white=4095.0)
    for frame, pipeline in ((FRAME, CAMERA), (other, CAMERA), (other, PAPER), (FRAME, PAPER)):
        settings = pipeline.settings(frame)
        ours = develop(frame, settings, drawn=engine.tiles)
        np.testing.assert_allclose(ours, develop(frame, settings), atol=1e-4)


def test_memory_that_runs_out_makes_the_windows_smaller(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = smooth_frame("RGGB", 700, 900, noise=60.0, white=4095.0)
    settings, engine, real = CAMERA.settings(frame), GpuEngine(Gpu(), memory=1 << 28), Gpu.buffer

    def scarce(self: Gpu, size: int) -> Any:
        if size > 4 << 20:
            raise MemoryError("out of memory")
        return real(self, size)

    monkeypatch.setattr(Gpu, "buffer", scarce)
    np.testing.assert_allclose(develop(frame, settings, drawn=engine.tiles), develop(frame, settings), atol=1e-5)
    assert engine.memory < 1 << 28
    assert engine.canvas(frame, settings, Region(0, 0, 900, 700), (70, 90)).std() > 5
    monkeypatch.setattr(Gpu, "buffer", lambda self, size: scarce(self, 1 << 30))
    with pytest.raises(GpuMemoryError, match="out of memory"):
        GpuEngine(Gpu()).canvas(frame, settings, Region(0, 0, 900, 700), (70, 90))


def test_a_buffer_too_small_for_the_frame_makes_tiles(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = smooth_frame("RGGB", 300, 420, noise=60.0, white=4095.0)
    settings = CAMERA.settings(frame)
    monkeypatch.setattr(Gpu, "largest", 1 << 18)
    ours = GpuEngine(gpu)
    assert len(list(ours.tiles(frame, settings))) > 3
    np.testing.assert_allclose(develop(frame, settings, drawn=ours.tiles), develop(frame, settings), atol=1e-5)


def test_long_use_takes_no_more_buffers(gpu: Gpu) -> None:
    counts = pytest.importorskip("wgpu").diagnostics.object_counts
    own, rng = GpuEngine(gpu), np.random.default_rng(0)
    frames = [smooth_frame("RGGB", side, side + 8, noise=30.0, white=4095.0) for side in (40, 64)]
    busy = CAMERA.settings(frames[0]).changed(BUSY)

    def use(times: int) -> int:
        for number in range(times):
            frame = frames[number // 5 % 2]
            changes = {"white_balance.r": rng.uniform(0.5, 2), "tone.contrast": rng.uniform(0.5, 2)}
            settings = busy.changed({**changes, "denoise.on": bool(number % 3), "exposure.on": bool(number % 2)})
            own.canvas(frame, settings, Region(0, 0, 40, 40), (20, 20))
        gc.collect()
        return int(counts.get_dict()["Buffer"]["count"])

    after_some = use(20)
    assert use(60) <= after_some
