"""The contract of a stage, held against every stage, every choice and every parameter."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from driftlab.isp.pipeline import CAMERA, PAPER, STAGES, run
from driftlab.isp.stage import Domain, IspError, Sensor, Stage, Values
from driftlab.raw.frame import CFA
from tests.isp.frames import frame_of, recorded, scene, smooth_frame

LEVELS = {"black": (510.0, 512.0, 514.0, 516.0), "white": 16383.0}
each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


def variants(stage: Stage) -> Iterator[dict[str, str]]:
    """Every combination of a stage's choices."""
    for options in itertools.product(*(choice.options for choice in stage.choices)):
        yield dict(zip((choice.name for choice in stage.choices), options, strict=True))


EACH_VARIANT = [(stage, choices) for stage in STAGES for choices in variants(stage)]
each_variant = pytest.mark.parametrize(
    ("stage", "choices"), EACH_VARIANT, ids=["-".join((s.name, *c.values())) for s, c in EACH_VARIANT]
)
# A straight-through gradient is not the derivative of its rounding; it has a test of its own.
SMOOTH = [(s, c) for s, c in EACH_VARIANT if s.name != "quantization" and c.get("mode") != "on"]
each_smooth_variant = pytest.mark.parametrize(
    ("stage", "choices"), SMOOTH, ids=["-".join((s.name, *c.values())) for s, c in SMOOTH]
)
#: Away from the ends at which a parameter has no two-sided derivative.
INNER = {"noise.intensity": 0.5, "noise.read_noise": 3.0, "optics.blur": 0.7, "jpeg.quality": 80.0}


def image_for(
    stage: Stage, dtype: torch.dtype = torch.float32, size: tuple[int, int] = (24, 28)
) -> tuple[Tensor, Sensor]:
    """An image of the stage's domain, and its sensor."""
    frame = smooth_frame("RGGB", *size, noise=200.0, **LEVELS)
    rgb = torch.from_numpy(scene(*size, 0.05, 0.95)).to(dtype)[None]
    if stage.reads == Domain.LUMA:
        return rgb[:, :1] + 0.01 * torch.rand(
            1, 1, *size, dtype=dtype, generator=torch.Generator().manual_seed(0)
        ), Sensor.of(frame)
    if stage.reads in (Domain.SAMPLES, Domain.MOSAIC):
        mosaic = torch.from_numpy(frame.mosaic.copy()).to(dtype)[None]
        if stage.reads == Domain.MOSAIC:
            mosaic = (mosaic - 512) / (16383 - 512)
        return mosaic, Sensor.of(frame)
    return rgb, Sensor.of(frame)


def values_for(stage: Stage, choices: Mapping[str, str], inner: bool = False) -> dict[str, Any]:
    numbers = {q.name: INNER.get(f"{stage.name}.{q.name}", q.default) if inner else q.default for q in stage.params}
    if stage.name == "black_level":
        numbers = {"r": 510.0, "g1": 512.0, "g2": 514.0, "b": 516.0}
    if stage.name == "white_balance":
        numbers = {"r": 1.9, "g": 1.05, "b": 1.4}
    if stage.name == "color_matrix":
        numbers = {q.name: q.default + 0.1 * k for k, q in enumerate(stage.params)}
    return numbers | dict(choices)


def corners(stage: Stage, choices: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Default, and every parameter at both ends of its slider and of its hard range."""
    values = values_for(stage, choices)
    yield values
    for param in stage.params:
        if param.active(choices) and not param.advanced:
            for value in (param.low, param.high, *param.hard):
                yield values | {param.name: value}


def forward(stage: Stage, image: Tensor, values: Mapping[str, Any], sensor: Sensor) -> Tensor:
    return stage.forward(image, Values(values, image), sensor)


@each_variant
def test_finite_and_input_untouched_at_every_corner(stage: Stage, choices: dict[str, str]) -> None:
    image, sensor = image_for(stage)
    before = image.clone()
    for values in corners(stage, choices):
        out = forward(stage, image, values, sensor)
        assert out.isfinite().all(), values
        assert out.dtype == image.dtype and out.device == image.device
        assert torch.equal(image, before), "the stage changed its input"


@each_variant
def test_gradients_are_finite_at_every_corner(stage: Stage, choices: dict[str, str]) -> None:
    image, sensor = image_for(stage)
    # Black, white and beyond: where clips, powers and roots are steepest.
    extreme = image.clone()
    span = 16383.0 if stage.reads == Domain.SAMPLES else 1.0
    extreme[..., :8, :8], extreme[..., 8:16, :8], extreme[..., 16:, :8] = 0.0, span, -0.1 * span
    for values in corners(stage, choices):
        leaves = {
            q.name: torch.tensor(values[q.name], requires_grad=True)
            for q in stage.params
            if q.active(choices) and stage.gradient_of(q, choices) != "none"
        }
        x = extreme.clone().requires_grad_()
        forward(stage, x, values | leaves, sensor).sum().backward()
        for name, leaf in (*leaves.items(), ("image", x)):
            assert leaf.grad is None or leaf.grad.isfinite().all(), (name, values)


@each_smooth_variant
def test_gradcheck(stage: Stage, choices: dict[str, str]) -> None:
    """Forward and reverse mode against finite differences in float64, in the image and every parameter."""
    image, sensor = image_for(stage, torch.float64, (13, 14))
    values = values_for(stage, choices, inner=True)
    names = [q.name for q in stage.params if q.active(choices) and stage.gradient_of(q, choices) != "none"]
    leaves = [torch.tensor(values[name], dtype=torch.float64, requires_grad=True) for name in names]
    # Saturation and clips have a step; stay below it.
    x = (image * (0.4 if stage.name in ("white_balance", "tone") else 1.0)).requires_grad_()
    scale = image.detach().abs().max()  # finite differences step alike in DN and in 0–1

    def scaled(x: Tensor, *numbers: Tensor) -> Tensor:
        return forward(stage, x * scale, values | dict(zip(names, numbers, strict=True)), sensor) / scale

    assert torch.autograd.gradcheck(
        scaled, ((x / scale).detach().requires_grad_(), *leaves), check_forward_ad=True, fast_mode=True, atol=1e-6
    )


@each_variant
def test_a_batch_equals_a_loop(stage: Stage, choices: dict[str, str]) -> None:
    """One frame at a batch of settings, and a batch of frames at a setting each."""
    image, sensor = image_for(stage)
    free = [q for q in stage.params if q.active(choices)]
    base = values_for(stage, choices)
    numbers = {q.name: torch.tensor([base[q.name], 0.5 * (base[q.name] + q.high)]).float() for q in free}
    for q in free:
        if q.integer:
            numbers[q.name] = torch.tensor([base[q.name], q.high])
    frames = torch.cat([image, image.flip(-1)])
    for given in (image, frames):
        together = forward(stage, given, base | numbers, sensor)
        for k in range(2 if free else len(given)):
            alone = base | {name: float(value[k]) for name, value in numbers.items()}
            one = forward(stage, given[min(k, len(given) - 1)][None], alone, sensor)
            torch.testing.assert_close(together[k][None], one, rtol=2e-5, atol=2e-6 * float(image.abs().max()))


@pytest.mark.parametrize("stage", [s for s in STAGES if s.neutral is not None], ids=lambda stage: stage.name)
def test_identity_where_declared_neutral(stage: Stage) -> None:
    assert stage.neutral is not None
    image, sensor = image_for(stage)
    for choices in variants(stage):
        if all(choices.get(name, value) == value for name, value in stage.neutral.items()):
            values = values_for(stage, choices) | dict(stage.neutral)
            torch.testing.assert_close(forward(stage, image, values, sensor), image, rtol=1e-6, atol=2e-3)


@each_stage
def test_declaration_is_complete(stage: Stage) -> None:
    assert stage.help.endswith(".") and stage.title and stage.forward.__module__.endswith(stage.name)
    for param in stage.params:
        assert param.hard[0] <= param.low < param.high <= param.hard[1], param
        assert param.hard[0] <= param.default <= param.hard[1], param
        assert param.help.endswith(".") and param.label, param
        assert not param.log or param.hard[0] > 0, f"{param.name} can't be logarithmic down to {param.hard[0]}"
        assert param.when.keys() <= {choice.name for choice in stage.choices}
    for choice in stage.choices:
        assert choice.default in choice.options and choice.help.endswith(".")


@pytest.mark.parametrize("pipeline", [CAMERA, PAPER], ids=lambda p: p.name)
@pytest.mark.parametrize("demosaic", ["bilinear", "malvar2004", "menon2007", "kernel"])
def test_every_parameter_against_finite_differences(pipeline: Any, demosaic: str) -> None:
    """The derivative of one number of the picture by every active parameter of a whole pipeline, in float64."""
    frame = recorded(frame_of(scene(20, 22, 0.1, 0.35), CFA.parse("GRBG"), **LEVELS), 30.0)
    image, sensor = torch.from_numpy(frame.mosaic.copy()).double()[None], Sensor.of(frame)
    settings = pipeline.settings(frame).changed(
        {
            "demosaic.method": demosaic,
            "denoise.method": "kernel" if demosaic == "kernel" else "gaussian",
            "sharpen.method": "kernel" if demosaic == "kernel" else "unsharp",
            "quantization.on": False,
            "noise.intensity": 0.6,
            "noise.read_noise": 5.0,
            "optics.blur": 0.6,
            "optics.vignetting": 0.5,
            "tone.contrast": 1.2,
            "tone.saturation": 1.1,
        }
    )
    weights = torch.linspace(0.5, 1.5, 3 * 20 * 22, dtype=torch.float64).reshape(1, 3, 20, 22)

    def number(**changes: Any) -> Tensor:
        return (run(image, {**settings, **changes}, sensor, pipeline) * weights).mean()

    checked = 0
    for key, stage, param in pipeline.parameters():
        choices = {c.name: settings[f"{stage.name}.{c.name}"] for c in stage.choices}
        if not param.active(choices) or stage.gradient_of(param, choices) == "none":
            continue
        at = settings.number(key)
        leaf = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(number(**{key: leaf}), leaf, allow_unused=True)
        step = 1e-5 * max(abs(at), 1.0)
        difference = (number(**{key: at + step}) - number(**{key: at - step})) / (2 * step)
        scale = abs(float(difference)) + 1e-6
        assert gradient is not None and abs(float(gradient - difference)) <= 2e-3 * scale, (key, gradient, difference)
        checked += 1
    assert checked >= (60 if demosaic == "kernel" else 25)


@pytest.mark.parametrize("name", ["xtrans", "quad-gbrg", "mono", "linear", "bggr", "RGB/GBR/BRG"])
def test_every_array_develops_in_both_pipelines(name: str) -> None:
    frame = recorded(frame_of(scene(31, 37, 0.2, 0.6), CFA.parse(name), **LEVELS))
    image = torch.from_numpy(frame.mosaic.copy())[None]
    for pipeline in (CAMERA, PAPER):
        for method in ("bilinear", "malvar2004", "menon2007", "superpixel"):
            out = run(image, pipeline.settings(frame).changed({"demosaic.method": method}), Sensor.of(frame), pipeline)
            assert out.isfinite().all() and out.min() >= 0 and out.max() <= 1
            side = frame.cfa.superpixel if method == "superpixel" else 1
            assert out.shape == (1, 3, 31 // side, 37 // side)


def test_kernel_demosaic_refuses_other_arrays() -> None:
    frame = smooth_frame("xtrans", 24, 24, **LEVELS)
    settings = CAMERA.settings(frame).changed({"demosaic.method": "kernel"})
    with pytest.raises(IspError, match="bilinear"):
        run(torch.from_numpy(frame.mosaic.copy())[None], settings, Sensor.of(frame), CAMERA)
