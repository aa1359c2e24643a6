"""What must hold of the data model whatever the picture: physics and symmetries, not golden numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA, PAPER, STAGES, Pipeline, run
from driftlab.isp.presets import PRESETS
from driftlab.isp.stage import Domain, IspError, Sensor, Values
from driftlab.isp.stages import noise
from driftlab.raw.frame import CFA, ColorMatrix, RawFrame
from tests.isp.frames import frame_of, recorded, scene, smooth_frame

LEVELS = {"black": (510.0, 512.0, 514.0, 516.0), "white": 16383.0}
BAYER = ("rggb", "bggr", "grbg", "gbrg")
METHODS = ("bilinear", "malvar2004", "menon2007", "kernel")
ROWS_SUM_TO_ONE = ColorMatrix(((1.6, -0.4, -0.2), (-0.2, 1.5, -0.3), (0.1, -0.6, 1.5)), "planted")


def tensor(frame: RawFrame) -> Tensor:
    return torch.from_numpy(frame.mosaic.copy())[None]


@pytest.mark.parametrize("pipeline", [CAMERA, PAPER], ids=lambda p: p.name)
@pytest.mark.parametrize("name", [*BAYER, "xtrans", "quad-rggb", "linear"])
def test_gray_stays_gray(pipeline: Pipeline, name: str) -> None:
    gains = np.array([2.0, 1.0, 1.6])
    gray = np.full((3, 36, 48), 0.3) / gains[:, None, None]
    frame = frame_of(gray, CFA.parse(name), gains=tuple(gains), matrix=ROWS_SUM_TO_ONE)
    settings = pipeline.settings(frame)
    for method in ("bilinear", "malvar2004", "menon2007", "superpixel"):
        picture = develop(frame, settings.changed({"demosaic.method": method, "quantization.on": False}))
        inner = picture[:, 3:-3, 3:-3]  # the paper's sharpening takes zeros from beyond the border
        assert np.ptp(inner) < 1e-5, method


@pytest.mark.parametrize("gains", [(2.2, 1.0, 1.7), (0.8, 1.0, 1.5)])
def test_white_stays_white(gains: tuple[float, float, float]) -> None:
    """A blown highlight is neutral in `camera`, whatever the gains; without the clip it has their color."""
    light = np.ones((3, 24, 24))
    frame = frame_of(light, CFA.parse("rggb"), gains=gains, matrix=ROWS_SUM_TO_ONE, **LEVELS)
    picture = develop(frame, CAMERA.settings(frame))
    assert np.ptp(picture, axis=0).max() < 1e-5
    tinted = develop(
        frame, CAMERA.settings(frame).changed({"white_balance.highlights": "keep", "tone.brightness": -2.0})
    )
    assert np.ptp(tinted, axis=0).max() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_all_bayer_phases_agree(method: str) -> None:
    """The same smooth scene through four phases gives the same picture, and a shifted mosaic a shifted picture."""
    rgb = scene(48, 52)
    pictures = [
        develop(frame_of(rgb, CFA.parse(name)), CAMERA.settings().changed({"demosaic.method": method}))
        for name in BAYER
    ]
    for one, other in itertools.combinations(pictures, 2):
        assert np.abs(one - other)[:, 8:-8, 8:-8].mean() < 0.02
    frame = recorded(frame_of(rgb, CFA.parse("rggb")), 300.0)
    moved = frame_of_samples(frame.mosaic[:, 1:, 1:], frame.cfa.shifted(1, 1))
    whole = run(tensor(frame), CAMERA.settings(frame).changed({"demosaic.method": method}), Sensor.of(frame), CAMERA)
    part = run(tensor(moved), CAMERA.settings(frame).changed({"demosaic.method": method}), Sensor.of(moved), CAMERA)
    torch.testing.assert_close(whole[..., 13:-12, 13:-12], part[..., 12:-12, 12:-12])


def frame_of_samples(mosaic: Any, cfa: CFA) -> RawFrame:
    from dataclasses import replace

    return replace(smooth_frame("rggb", 4, 4), mosaic=np.ascontiguousarray(mosaic), cfa=cfa)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *itertools.product([*BAYER, "xtrans", "quad-gbrg", "RGB/GBR/BRG"], ["bilinear", "malvar2004"]),
        *itertools.product(BAYER, ["kernel"]),  # which is for Bayer mosaics
    ],
)
def test_samples_survive_demosaic(name: str, method: str) -> None:
    """What was measured is kept; only what was not is made up."""
    frame = smooth_frame(name, 30, 42, noise=500.0)
    stage = CAMERA.stage("demosaic")
    values = {q.name: q.default for q in stage.params} | {"method": method}
    image = tensor(frame)
    rgb = stage.forward(image, Values(values, image), Sensor.of(frame))
    sites = np.tile(frame.cfa.colors(), (30, 42))[:30, :42]
    kept = torch.take_along_dim(rgb, torch.from_numpy(sites)[None, None], 1)
    torch.testing.assert_close(kept, image, rtol=0, atol=0)


@pytest.mark.parametrize("full_well", [2000.0, 20000.0])
@pytest.mark.parametrize("intensity", [0.05, 0.25, 0.75])
def test_thinned_frames_stay_on_the_photon_transfer_line(intensity: float, full_well: float) -> None:
    """Variance against mean of frames of Poisson light has the slope 1 / full well, in DN, at every intensity."""
    rng = np.random.default_rng(1)
    read_noise, span = 4.0, LEVELS["white"] - 512.0
    gain = span / full_well  # DN an electron
    means, variances = [], []
    for electrons in np.linspace(0.1, 0.9, 6) * full_well:
        light = rng.poisson(electrons, (1, 256, 256)) / full_well
        frame = frame_of(np.repeat(light, 3, 0), CFA.parse("mono"), black=(512.0,) * 4, white=LEVELS["white"])
        settings = CAMERA.settings(frame).changed(
            {
                "noise.intensity": intensity,
                "noise.read_noise": read_noise,
                "noise.full_well": full_well,
                "noise.seed": float(rng.integers(1 << 24)),
                "quantization.on": False,
            }
        )
        samples = develop(frame, settings, until="noise")[0].astype(np.float64) - 512.0
        assert samples.mean() == pytest.approx(intensity * electrons * gain, rel=0.02, abs=0.2)
        means.append(samples.mean())
        variances.append(samples.var())
    slope, offset = np.polyfit(means, variances, 1)
    assert slope == pytest.approx(gain, rel=0.05)
    assert offset == pytest.approx((read_noise * gain) ** 2, abs=0.06 * gain * max(means))


def test_deviates_are_normal_independent_and_seeded() -> None:
    image = torch.zeros(2, 1, 300, 400, dtype=torch.float64)
    sensor = Sensor(CFA.parse("rggb"), (0.0,) * 4, 1.0, (300, 400))
    seeds = torch.tensor([3.0, 4.0]).reshape(-1, 1, 1, 1)
    z = noise.deviates(image, seeds, sensor)
    assert torch.equal(z, noise.deviates(image, seeds, sensor))
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01 and abs((z**3).mean()) < 0.03
    assert (z**4).mean() == pytest.approx(3, abs=0.08)
    for other in (z.roll(1, -1), z.roll(1, -2), z.roll(1, 0)):
        assert abs((z * other).mean()) < 0.01
    crop = noise.deviates(image[..., :40, :50], seeds, sensor.at(100, 60))
    assert torch.equal(crop, z[..., 100:140, 60:110]), "noise must belong to the place in the frame"


def test_exposure_and_intensity_leave_the_black_level() -> None:
    frame = frame_of(np.zeros((3, 16, 16)), CFA.parse("gbrg"), **LEVELS)
    for key, value in (
        ("exposure.ev", 3.0),
        ("noise.intensity", 0.3),
        ("optics.vignetting", 2.0),
        ("optics.blur", 1.0),
    ):
        got = develop(frame, CAMERA.settings(frame).changed({key: value}), until="noise")
        np.testing.assert_allclose(got, frame.mosaic, atol=1e-3, err_msg=key)


def test_vignetting_is_in_ev_at_the_corner() -> None:
    frame = frame_of(np.full((3, 100, 150), 0.5), CFA.parse("mono"), white=1000.0)
    got = develop(frame, CAMERA.settings(frame).changed({"optics.vignetting": 2.0}), until="optics")[0]
    assert got[0, 0] / 500 == pytest.approx(0.25, rel=0.03) and got[50, 75] / 500 == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("bits", "steps"), [("14", 16384), ("12", 4096), ("10", 1024), ("8", 256)])
def test_quantization_has_that_many_steps(bits: str, steps: int) -> None:
    ramp = np.tile(np.linspace(0, 1, 40000), (3, 2, 1))
    frame = frame_of(ramp, CFA.parse("mono"), white=16383.0)
    got = develop(frame, CAMERA.settings(frame).changed({"quantization.bits": bits}), until="quantization")
    assert len(np.unique(got)) == steps


def test_the_straight_through_gradient_is_that_of_the_identity() -> None:
    image = torch.linspace(0, 16383, 64).reshape(1, 1, 8, 8).requires_grad_()
    stage = CAMERA.stage("quantization")
    stage.forward(
        image, Values({"bits": "8"}, image), Sensor(CFA.parse("mono"), (0.0,) * 4, 16383.0, (8, 8))
    ).sum().backward()
    assert torch.equal(image.grad, torch.ones_like(image))


@pytest.mark.parametrize("quality", [15, 30, 45, 75, 95])
@pytest.mark.parametrize("chroma", ["4:2:0", "4:4:4"])
def test_jpeg_is_that_of_libjpeg(quality: int, chroma: str) -> None:
    """Against a real encoder and decoder: no pixel off by more than what their own rounding explains."""
    import io

    from PIL import Image

    size = (64, 96)
    rgb = np.round(np.clip(scene(*size, 0.1, 0.9) + np.random.default_rng(0).normal(0, 0.02, (3, *size)), 0, 1) * 255)
    memory = io.BytesIO()
    Image.fromarray(rgb.astype(np.uint8).transpose(1, 2, 0)).save(
        memory, "JPEG", quality=quality, subsampling=0 if chroma == "4:4:4" else 2
    )
    want = np.asarray(Image.open(memory)).astype(float).transpose(2, 0, 1)
    image = torch.from_numpy(rgb / 255).float()[None]
    stage = CAMERA.stage("jpeg")
    values = Values({"mode": "on", "chroma": chroma, "quality": float(quality)}, image)
    got = stage.forward(image, values, Sensor(CFA.parse("rggb"), (0.0,) * 4, 1.0, size))[0].numpy() * 255
    apart = np.abs(got - want)
    assert apart.mean() < 1 and np.quantile(apart, 0.99) <= 8
    assert np.abs(rgb - want).mean() > 2 * apart.mean(), "the encoder changed nothing to compare with"


def test_jpeg_quality_has_a_gradient() -> None:
    frame = smooth_frame("rggb", 48, 48, noise=800.0, **LEVELS)
    quality = torch.tensor(60.0, requires_grad=True)
    settings = {**CAMERA.settings(frame), "jpeg.mode": "on", "jpeg.quality": quality}
    run(tensor(frame), settings, Sensor.of(frame), CAMERA).square().sum().backward()
    assert quality.grad is not None and quality.grad.isfinite() and quality.grad != 0


def test_the_brightness_found_in_a_frame_makes_its_highlights_white() -> None:
    for name in (*BAYER, "xtrans", "mono", "linear"):
        frame = frame_of(0.25 * scene(120, 160, 0.0, 1.0), CFA.parse(name), **LEVELS)
        linear = develop(frame, CAMERA.settings(frame), until="color_matrix")
        top = max(np.percentile(plane, 99) for plane in linear)
        assert CAMERA.settings(frame).number("tone.brightness") == pytest.approx(-np.log2(top), abs=0.15), name
    dark = frame_of(np.zeros((3, 24, 24)), CFA.parse("rggb"), **LEVELS)
    assert CAMERA.settings(dark).number("tone.brightness") == 8.0
    assert PAPER.settings(dark).number("tone.brightness") == 0.0


def test_stages_can_be_switched_off() -> None:
    frame = smooth_frame("rggb", 32, 32, **LEVELS)
    settings = CAMERA.settings(frame).changed({"exposure.ev": 2.0, "sharpen.method": "unsharp", "tone.contrast": 2.0})
    off = settings.changed({f"{stage.name}.on": False for stage in STAGES if stage.off is not None})
    linear = develop(frame, off)
    want = np.clip(develop(frame, CAMERA.settings(frame).changed({"white_balance.on": False}), until="demosaic"), 0, 1)
    np.testing.assert_allclose(linear, want, atol=1e-6)
    for name in ("black_level", "demosaic"):
        with pytest.raises(IspError, match="can't be switched off"):
            settings.changed({f"{name}.on": False})


def test_pipelines_that_do_not_fit_are_refused() -> None:
    with pytest.raises(IspError, match="demosaic reads mosaic, but what comes before it writes mosaic in DN"):
        Pipeline("wrong", "Skips the black level.", (CAMERA.stage("exposure"), CAMERA.stage("demosaic")))
    assert CAMERA.writes("sharpen") == Domain.LINEAR_RGB and CAMERA.writes() == Domain.DISPLAY_RGB


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_change_levels_gains_and_matrix_only(preset: str) -> None:
    frame = smooth_frame("rggb", 16, 16)
    before = PAPER.settings(frame)
    after = PRESETS[preset].applied(before, frame)
    assert {key.partition(".")[0] for key in before if before[key] != after[key]} == {
        "black_level",
        "white_balance",
        "color_matrix",
    }
    assert after.number("black_level.r") == pytest.approx(PRESETS[preset].black[0] * 65535)


def test_nothing_is_left_behind_in_torch() -> None:
    """No mode, no seed and no number of threads of the caller's is changed, and no input either."""
    frame = smooth_frame("rggb", 40, 40, **LEVELS)
    state, threads, image = torch.get_rng_state(), torch.get_num_threads(), tensor(frame)
    settings = CAMERA.settings(frame).changed({"noise.intensity": 0.5})
    before = image.clone()
    develop(frame, settings)
    run(image, settings, Sensor.of(frame), CAMERA)
    assert torch.equal(state, torch.get_rng_state()) and torch.get_num_threads() == threads
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled() and torch.equal(image, before)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (1, 9)])
@pytest.mark.parametrize("name", ["rggb", "xtrans", "mono", "linear"])
def test_tiny_frames_develop(size: tuple[int, int], name: str) -> None:
    frame = frame_of(scene(*size, 0.3, 0.6), CFA.parse(name), **LEVELS)
    busy = {"denoise.method": "gaussian", "denoise.sigma": 2.0, "sharpen.method": "unsharp", "optics.blur": 1.0}
    for changes in ({}, busy, {"demosaic.method": "menon2007"}, {"jpeg.mode": "on", "denoise.method": "median"}):
        picture = develop(frame, CAMERA.settings(frame).changed(changes))
        assert picture.shape == (3, *size) and np.isfinite(picture).all()


@pytest.mark.parametrize("pipeline", [CAMERA, PAPER], ids=lambda p: p.name)
@pytest.mark.parametrize("method", ["kernel", "gaussian"])
def test_any_parameter_may_be_a_batch_by_itself(pipeline: Pipeline, method: str) -> None:
    """One frame at three values of one parameter is three runs; for every parameter, with its gradient."""
    frame = smooth_frame("gbrg", 18, 22, noise=200.0, **LEVELS)
    kernels = {f"{stage}.method": "kernel" for stage in ("demosaic", "sharpen", "denoise")}
    smooth = {"denoise.method": "bilateral", "sharpen.method": "unsharp", "optics.blur": 0.5, "noise.intensity": 0.5}
    settings = pipeline.settings(frame).changed(kernels | {"noise.intensity": 0.5} if method == "kernel" else smooth)
    image, sensor, checked = tensor(frame), Sensor.of(frame), 0
    for key, stage, param in pipeline.parameters():
        choices = {c.name: settings[f"{stage.name}.{c.name}"] for c in stage.choices}
        if not param.active(choices):
            continue
        at = settings.number(key)
        numbers = [at, float(round(at + 1)) if param.integer else 0.5 * (at + param.high), at]
        values = torch.tensor(numbers, requires_grad=not param.integer)
        together = run(image, {**settings, key: values}, sensor, pipeline)
        alone = [run(image, {**settings, key: number}, sensor, pipeline) for number in numbers]
        torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5, msg=key)
        if not param.integer:
            together.sum().backward()
            assert values.grad is not None and values.grad.shape == (3,), key
        checked += 1
    assert checked >= (60 if method == "kernel" else 28)


def test_clipped_pixels_pull_at_parameters_when_asked_to() -> None:
    """Blown far beyond white: no true derivative, and with `through` that of the clip's end, toward less light."""
    frame = smooth_frame("rggb", 20, 20, **LEVELS)
    for curve, clip in itertools.product(("sRGB", "power"), ("exact", "through")):
        ev = torch.tensor(8.0, requires_grad=True)
        settings = CAMERA.settings(frame).changed({"tone.curve": curve, "tone.clip_gradient": clip})
        picture = run(tensor(frame), {**settings, "tone.brightness": ev}, Sensor.of(frame), CAMERA)
        assert picture.detach().min() > 0.9999
        picture.sum().backward()
        assert (ev.grad > 0) if clip == "through" else (ev.grad == 0)
    param = next(param for key, _, param in CAMERA.parameters() if key == "tone.brightness")
    stage = CAMERA.stage("tone")
    assert stage.gradient_of(param, {"clip_gradient": "through"}) == "surrogate"
    assert stage.gradient_of(param, {"clip_gradient": "exact"}) == "exact"


def test_second_derivatives_are_refused_not_wrong() -> None:
    frame = smooth_frame("rggb", 16, 16)
    gamma = torch.tensor(2.2, requires_grad=True)
    picture = run(tensor(frame), {**PAPER.settings(frame), "tone.gamma": gamma}, Sensor.of(frame), PAPER)
    with pytest.raises(IspError, match="leave out create_graph"):
        torch.autograd.grad(picture.sum(), gamma, create_graph=True)


def test_black_at_and_above_white_is_dark_or_bright_but_a_number() -> None:
    frame = smooth_frame("rggb", 16, 16, **LEVELS)
    for level in (16382.5, 16383.0, 65535.0):
        settings = CAMERA.settings(frame).changed({f"black_level.{c}": level for c in ("r", "g1", "g2", "b")})
        assert np.all(develop(frame, settings) == 0)


def test_the_microscope_preset_suits_its_own_tile_in_both_pipelines() -> None:
    """Its mean mosaic (.5663, .1401, .0731) is a bright field, and comes out as (.889, .725, .935) in linear light."""
    light = np.broadcast_to(np.array([0.5663, 0.1401, 0.0731])[:, None, None], (3, 32, 32))
    frame = recorded(frame_of(light, CFA.parse("rggb")))
    for pipeline in (CAMERA, PAPER):
        settings = PRESETS["microscope"].applied(pipeline.settings(frame), frame)
        linear = develop(frame, settings, until="color_matrix")[:, 8:-8, 8:-8].mean((1, 2))
        np.testing.assert_allclose(linear, [0.889, 0.725, 0.935], atol=2e-3, err_msg=pipeline.name)


def test_gains_at_and_below_zero_leave_the_other_colors() -> None:
    frame = smooth_frame("rggb", 24, 24)
    plain = develop(frame, CAMERA.settings(frame), until="demosaic")
    for gain in (0.0, -0.5):
        got = develop(frame, CAMERA.settings(frame).changed({"white_balance.r": gain}), until="white_balance")
        np.testing.assert_allclose(got[0, 1::2, 1::2], plain[2, 1::2, 1::2], atol=1e-6)
    mono = smooth_frame("mono", 24, 24)
    weak = develop(mono, CAMERA.settings(mono).changed({"white_balance.r": 0.3}))
    np.testing.assert_array_equal(weak, develop(mono, CAMERA.settings(mono)))


def test_samples_that_are_not_whole_are_not_rounded_as_shot() -> None:
    frame = frame_of_samples(np.linspace(0, 900, 24 * 24).reshape(1, 24, 24).astype(np.float32), CFA.parse("rggb"))
    np.testing.assert_array_equal(develop(frame, CAMERA.settings(frame), until="quantization"), frame.mosaic)
    for ev in (12.0, 16.0):
        blown = smooth_frame("rggb", 24, 24, **LEVELS)
        got = develop(blown, CAMERA.settings(blown).changed({"exposure.ev": ev}), until="quantization")
        assert got.max() == 16383


def test_no_two_rows_draw_the_same_deviates() -> None:
    sensor = Sensor(CFA.parse("rggb"), (0.0,) * 4, 1.0, (4000, 512))
    z = noise.deviates(torch.zeros(1, 1, 4000, 512), torch.zeros(()), sensor)[0, 0]
    ordered = z.sort(1).values
    order = ordered[:, 0].argsort()
    assert (ordered[order][1:] != ordered[order][:-1]).any(1).all()


def test_a_pseudo_raw_frame_keeps_its_pictures_brightness() -> None:
    from dataclasses import replace

    from driftlab.raw.frame import Origin

    frame = frame_of(0.25 * scene(40, 40), CFA.parse("rggb"))
    assert CAMERA.settings(frame).number("tone.brightness") > 1
    assert CAMERA.settings(replace(frame, origin=Origin.PSEUDO_RAW)).number("tone.brightness") == 0
