"""Every stage's shader against its torch forward: choices, ends of the parameters, color filter arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driftlab.gpu.device import Gpu
from driftlab.gpu.renderer import Renderer
from driftlab.isp.pipeline import STAGES
from driftlab.isp.stage import Domain, NoShader, Sensor, Stage, Values
from driftlab.isp.stages import demosaic, noise, optics, white_balance
from driftlab.raw.frame import CFA
from tests.isp import vibrance
from tests.isp.frames import frame_of, scene
from tests.isp.test_stages import EACH_VARIANT, image_for, values_for

BAYER = ("RGGB", "BGGR", "GRBG", "GBRG")
OTHERS = ("xtrans", "quad-RGGB", "quad-GBRG", "mono", "linear", "RGB/GBR/BRG")
LEVELS = {"black": (60.0, 62.0, 64.0, 66.0), "white": 1023.0}


def drawn(gpu: Gpu, stage: Stage, image: NDArray[np.float32], values: Mapping[str, Any], sensor: Sensor) -> Any:
    """The stage alone, on the GPU. Luma is handed over as it is: only the stage itself is compared."""
    if stage.reads == Domain.LUMA:
        stage = replace(stage, reads=Domain.CAMERA_RGB)
    renderer = Renderer(gpu, [stage])
    renderer.upload(image, sensor)
    renderer.render({f"{stage.name}.{name}": value for name, value in values.items()})
    return renderer.read()


def expected(stage: Stage, image: NDArray[np.float32], values: Mapping[str, Any], sensor: Sensor) -> Any:
    given = torch.from_numpy(image)[None]
    forward = stage.forward if values["on"] else stage.off
    assert forward is not None
    return (given if stage.is_neutral(values) else forward(given, Values(values, given), sensor))[0].numpy()


def assert_same(gpu: Gpu, stage: Stage, image: NDArray[np.float32], values: Mapping[str, Any], sensor: Sensor) -> None:
    ours, theirs = drawn(gpu, stage, image, values, sensor), expected(stage, image, values, sensor)
    assert ours.shape == theirs.shape
    span = max(1.0, float(np.abs(theirs).max()))
    if stage.name == "jpeg":  # rounded coefficients: where one flips, a block differs by a step
        assert (np.abs(ours - theirs) > 1e-5).mean() < 0.08
    else:
        assert np.abs(ours - theirs).max() <= 1e-5 * span


def ends(stage: Stage, choices: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The defaults, then each parameter at the ends of its slider."""
    values = {"on": True} | values_for(stage, choices)
    yield values
    for param in stage.params:
        if param.active(choices) and not param.advanced:
            yield values | {param.name: param.low}
            yield values | {param.name: param.high}


@pytest.mark.parametrize(
    ("stage", "choices"), EACH_VARIANT, ids=["-".join((s.name, *c.values())) for s, c in EACH_VARIANT]
)
def test_shader_equals_torch(gpu: Gpu, stage: Stage, choices: dict[str, str]) -> None:
    image, sensor = image_for(stage, size=(24, 38))
    if isinstance(stage.wgsl(choices, sensor), NoShader):
        return
    for values in ends(stage, choices):
        assert_same(gpu, stage, image[0].numpy(), values, sensor)


def test_a_new_stage_has_its_shader_by_its_declaration(gpu: Gpu) -> None:
    image, sensor = image_for(vibrance.STAGE, size=(24, 38))
    for values in ends(vibrance.STAGE, {}):
        assert_same(gpu, vibrance.STAGE, image[0].numpy(), values, sensor)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_choice_has_a_shader_or_a_reason(stage: Stage) -> None:
    sensor = image_for(stage)[1]
    for each, choices in EACH_VARIANT:
        if each is stage:
            written = stage.wgsl(choices, sensor)
            assert not isinstance(written, NoShader) or len(written.reason) > 20
    # What a stage does when it is off is a shader too, unless that is nothing.
    assert (stage.wgsl_off is None) == (stage.off is None or stage.off.__name__ == "_identity")


def test_only_the_global_transform_has_no_shader() -> None:
    without = [
        (stage.name, choices)
        for stage, choices in EACH_VARIANT
        if isinstance(stage.wgsl(choices, image_for(stage)[1]), NoShader)
    ]
    assert without == [("denoise", {"method": "fft"})]


def mosaic_of(name: str) -> tuple[NDArray[np.float32], Sensor]:
    frame = frame_of(scene(30, 42), CFA.parse(name), **LEVELS)
    drift = np.random.default_rng(1).normal(0, 20, frame.mosaic.shape)
    return (frame.mosaic + drift).astype(np.float32), Sensor.of(frame)


@pytest.mark.parametrize("name", BAYER + OTHERS)
def test_every_array_is_demosaiced_alike(gpu: Gpu, name: str) -> None:
    samples, sensor = mosaic_of(name)
    for method in demosaic.STAGE.choices[0].options:
        if method == "kernel" and sensor.cfa.kind not in ("bayer", "mono", "linear"):
            continue  # refused by both: there is no such kernel
        values = {"on": True} | values_for(demosaic.STAGE, {"method": method})
        assert_same(gpu, demosaic.STAGE, samples / 1023, values, sensor)


@pytest.mark.parametrize("name", BAYER + OTHERS)
def test_every_array_has_its_own_gains_blur_and_noise(gpu: Gpu, name: str) -> None:
    samples, sensor = mosaic_of(name)
    shifted = sensor.at(5, 3) if name in BAYER else sensor.at(12, 24)
    for stage, changed in (
        (white_balance.STAGE, {"highlights": "clip"}),
        (optics.STAGE, {"blur": 1.3, "vignetting": 1.0}),
        (noise.STAGE, {"intensity": 0.3, "read_noise": 4.0, "seed": 77.0}),
    ):
        values = {"on": True} | values_for(stage, {}) | changed
        assert_same(gpu, stage, samples, values, sensor)
        assert_same(gpu, stage, samples, values, shifted)


def test_the_deviates_are_those_of_torch(gpu: Gpu) -> None:
    frame = frame_of(np.full((3, 256, 256), 0.5), CFA.parse("RGGB"))
    sensor = Sensor.of(frame).at(1000, 2000)
    # Of an image of zeros in units of one electron, read noise of one electron is the deviates themselves.
    values = {"on": True, "intensity": 1.0, "read_noise": 1.0, "full_well": sensor.white, "seed": 123456.0}
    ours = drawn(gpu, noise.STAGE, np.zeros((1, 256, 256), np.float32), values, sensor)
    theirs = noise.deviates(torch.zeros(1, 1, 256, 256), torch.tensor(123456.0), sensor)[0].numpy()
    assert np.abs(ours - theirs).max() < 1e-5
    assert abs(ours.std() - 1) < 0.01


def test_blurs_and_medians_reach_beyond_a_tiny_image(gpu: Gpu) -> None:
    for stage, choices in EACH_VARIANT:
        if stage.name in ("optics", "denoise", "sharpen") and choices != {"method": "fft"}:
            image, sensor = image_for(stage, size=(6, 4))
            values = {"on": True} | values_for(stage, choices)
            values |= {name: 4.0 for name in ("blur", "sigma", "radius") if name in values}
            assert_same(gpu, stage, image[0].numpy(), values | ({"size": 9.0} if "size" in values else {}), sensor)
