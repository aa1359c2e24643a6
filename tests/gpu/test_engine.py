"""The engine: frames whole and in tiles, canvases, changing frames, and too little memory."""

from __future__ import annotations

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


@pytest.mark.parametrize("changes", [{}, BUSY, {"demosaic.method": "superpixel"}], ids=["plain", "busy", "small"])
def test_tiles_equal_the_whole(gpu: Gpu, changes: dict[str, Any]) -> None:
    frame = smooth_frame("GRBG", 300, 420, noise=60.0, black=(60.0, 60.0, 60.0, 60.0), white=4095.0)
    settings = CAMERA.settings(frame).changed(changes)
    whole, tiled = GpuEngine(gpu), GpuEngine(gpu, memory=4 << 20)
    pieces = list(tiled.tiles(frame, settings))
    assert len(pieces) > 3 and pieces[-1].done == 1.0
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
