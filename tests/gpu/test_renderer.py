"""What is computed anew, what is kept, and what comes out: counters, luma, canvas, loss of the device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from driftlab.engine import GpuEngine
from driftlab.gpu.device import Gpu, GpuError
from driftlab.gpu.renderer import Renderer
from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA, PAPER, Pipeline
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Sensor
from tests.isp.frames import smooth_frame

FRAME = smooth_frame("RGGB", 64, 80, noise=60.0, black=(60.0, 60.0, 60.0, 60.0), white=4095.0)
# No stage is neutral.
BUSY = {
    "exposure.ev": 0.3,
    "optics.blur": 0.8,
    "noise.read_noise": 3.0,
    "demosaic.method": "menon2007",
    "denoise.method": "gaussian",
    "sharpen.method": "filter",
    "tone.contrast": 1.1,
    "jpeg.mode": "on",
    "white_balance.r": 1.7,
}


def busy(pipeline: Pipeline) -> Settings:
    return pipeline.settings(FRAME).changed(BUSY)


def started(gpu: Gpu, settings: Settings) -> Renderer:
    renderer = Renderer(gpu, settings.pipeline.stages)
    renderer.upload(FRAME.mosaic, Sensor.of(FRAME))
    renderer.render(settings)
    return renderer


def changed_value(settings: Settings, key: str) -> Any:
    param = settings.pipeline.keys[key]
    value = settings.number(key)
    return param.high if value != param.high else param.low


@pytest.mark.parametrize("pipeline", [CAMERA, PAPER], ids=lambda pipeline: pipeline.name)
def test_a_change_runs_its_own_stage_and_later_ones_only(gpu: Gpu, pipeline: Pipeline) -> None:
    settings = busy(pipeline)
    renderer = started(gpu, settings)
    names = [stage.name for stage in pipeline.stages]
    assert dict(renderer.runs) == dict.fromkeys(names, 1)
    for number, stage in enumerate(pipeline.stages):
        choices = {c.name: settings[f"{stage.name}.{c.name}"] for c in stage.choices}
        active = [q for q in stage.params if q.active(choices)]
        if not active:
            continue
        key = f"{stage.name}.{active[0].name}"
        settings = settings.changed({key: changed_value(settings, key)})
        before = dict(renderer.runs)
        renderer.render(settings)
        ran = [name for name in names if renderer.runs[name] != before[name]]
        assert ran == names[number:], key
    # And what came of resuming is what a run from the start gives.
    np.testing.assert_array_equal(renderer.read(), started(gpu, settings).read())


def test_nothing_new_runs_nothing(gpu: Gpu) -> None:
    settings = busy(CAMERA)
    renderer = started(gpu, settings)
    before = dict(renderer.runs)
    renderer.render(settings)
    renderer.read("demosaic")
    renderer.display((0, 0, 80, 64), (32, 40))
    renderer.display((10, 10, 20, 20), (100, 100))
    renderer.render(settings.changed({"denoise.fraction": 0.1}))  # of another method
    assert dict(renderer.runs) == before


def test_neutral_and_switched_off_stages_cost_nothing(gpu: Gpu) -> None:
    settings = CAMERA.settings(FRAME)
    renderer = started(gpu, settings)
    assert set(renderer.runs) == {
        "quantization", "black_level", "white_balance", "demosaic", "color_matrix", "tone"
    }  # fmt: skip
    settings = settings.changed({"quantization.on": False, "tone.on": False})
    renderer.render(settings)
    assert renderer.runs["quantization"] == 1
    np.testing.assert_allclose(renderer.read(), develop(FRAME, settings), atol=2e-6)


@pytest.mark.parametrize("until", [stage.name for stage in CAMERA.stages])
@pytest.mark.parametrize("pipeline", [CAMERA, PAPER], ids=lambda pipeline: pipeline.name)
def test_every_output_is_that_of_torch(gpu: Gpu, pipeline: Pipeline, until: str) -> None:
    settings = busy(pipeline).changed({"jpeg.mode": "off", "quantization.on": False, "noise.on": False})
    theirs = develop(FRAME, settings, until=until)
    ours = started(gpu, settings).read(until)
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1.0, float(np.abs(theirs).max())))


def test_what_has_no_shader_is_asked_of_the_fallback(gpu: Gpu) -> None:
    settings = busy(CAMERA).changed({"denoise.method": "fft", "jpeg.mode": "off", "quantization.on": False})
    with pytest.raises(GpuError, match="denoise does not run on the GPU with this choice"):
        started(gpu, settings)
    engine = GpuEngine(gpu)
    ours = develop(FRAME, settings, drawn=engine.tiles)
    assert engine.elsewhere.keys() == {"denoise"}
    np.testing.assert_allclose(ours, develop(FRAME, settings), atol=2e-5)
    later = dict(engine.runs)
    develop(FRAME, settings.changed({"tone.contrast": 1.3}), drawn=engine.tiles)
    assert {name for name in later if engine.runs[name] != later[name]} == {"tone"}
    # Then without it: no reason is left standing.
    develop(FRAME, settings.changed({"denoise.method": "median"}), drawn=engine.tiles)
    assert engine.elsewhere == {}


def test_canvas_is_the_picture_cropped_and_scaled(gpu: Gpu) -> None:
    settings = CAMERA.settings(FRAME)
    renderer = started(gpu, settings)
    picture = develop(FRAME, settings, bits=8).transpose(1, 2, 0).astype(int)
    whole = renderer.display((0, 0, 80, 64), (64, 80))
    assert whole.dtype == np.uint8 and whole.shape == (64, 80, 4)
    assert (whole[..., 3] == 255).all()
    assert np.abs(whole[..., :3] - picture).max() <= 1
    twice = renderer.display((8, 4, 20, 10), (20, 40))
    nearest = picture[4:14, 8:28].repeat(2, 0).repeat(2, 1)
    assert np.abs(twice[..., :3] - nearest).max() <= 1
    half = renderer.display((0, 0, 80, 64), (32, 40))
    mean = picture.reshape(32, 2, 40, 2, 3).mean((1, 3))
    assert np.abs(half[..., :3] - mean).max() <= 1


def test_a_mosaic_is_shown_gray(gpu: Gpu) -> None:
    shown = started(gpu, CAMERA.settings(FRAME)).display((0, 0, 80, 64), (64, 80), "white_balance")
    assert (shown[..., 0] == shown[..., 2]).all() and shown[..., 0].std() > 5


def test_a_lost_device_is_opened_anew(gpu: Gpu) -> None:
    own = Gpu()
    settings = busy(CAMERA)
    renderer = started(own, settings)
    picture = renderer.read()
    own.destroy()
    np.testing.assert_array_equal(renderer.read(), picture)
    assert own.serial == 2
    own.destroy()
    assert renderer.display((0, 0, 80, 64), (64, 80)).std() > 5
    own.destroy()
    renderer.render(settings.changed({"tone.contrast": 1.4}))
    assert np.isfinite(renderer.read()).all()


def test_a_second_failure_is_told(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = started(Gpu(), CAMERA.settings(FRAME))

    def lost(*_: object) -> None:
        raise RuntimeError("the device is lost")

    monkeypatch.setattr(renderer.gpu, "dispatch", lost)
    with pytest.raises(GpuError, match="failed twice: the device is lost"):
        renderer.render(CAMERA.settings(FRAME).changed({"tone.contrast": 1.5}))


def test_a_failed_fallback_leaves_nothing_half_made(gpu: Gpu) -> None:
    settings = busy(CAMERA).changed({"denoise.method": "fft", "sharpen.method": "none"})

    def fails(*_: object) -> Any:
        raise GpuError("not now")

    renderer = Renderer(gpu, CAMERA.stages, fails)
    renderer.upload(FRAME.mosaic, Sensor.of(FRAME))
    with pytest.raises(GpuError, match="not now"):
        renderer.render(settings)
    fine = settings.changed({"denoise.method": "none"})
    renderer.render(fine)
    np.testing.assert_array_equal(renderer.read(), started(gpu, fine).read())


def test_a_renderer_without_a_frame_says_so(gpu: Gpu) -> None:
    with pytest.raises(GpuError, match="upload one first"):
        Renderer(gpu, CAMERA.stages).render(CAMERA.settings(FRAME))
