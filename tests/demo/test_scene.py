"""The simulated smear and its camera: the same seed gives the same, and what was planted is there."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driftlab.demo import camera
from driftlab.demo.camera import BLACK, FULL_WELL, READ_NOISE, WHITE, expose, photograph, series
from driftlab.demo.scene import CLASSES, SIZE, leukocyte_region, smear
from driftlab.demo.stain import BANDS, DYES, LINEAR_SRGB, LUMA, concentrations, developed, matched, transmittance
from driftlab.isp.pipeline import CAMERA, run
from driftlab.isp.stage import Sensor
from driftlab.isp.stages.noise import full_well_of
from driftlab.raw.frame import Origin, RawFrame

REC_709 = np.array([0.2126, 0.7152, 0.0722])


def linear(frame: RawFrame, blur: float = 0.0) -> NDArray[np.float64]:
    """Linear sRGB of a frame as shot but for a blur, before the tone stage."""
    mosaic = torch.tensor(frame.mosaic)[None]
    settings = CAMERA.settings(frame).changed({"optics.blur": blur})
    image = run(mosaic, settings, Sensor.of(frame), CAMERA, until="sharpen")[0]
    return image.double().numpy()


def detail(frame: RawFrame, region: NDArray[np.bool_], blur: float) -> float:
    """How much green changes from one sample to the next within the leukocyte, edges left out by the median."""
    return float(np.median(np.abs(np.diff(linear(frame, blur)[1], axis=1)[region[:, 1:]])))


def means(label: str, index: int, twin: str) -> NDArray[np.float64]:
    """Mean linear sRGB over the leukocyte; `twin` is the class whose outline is used."""
    region = leukocyte_region(twin, np.random.default_rng((3, index, 0))) > 0.5
    mean: NDArray[np.float64] = linear(photograph(label, 3, index))[:, region].mean(1)
    return mean


def test_same_seed_same_frames_another_seed_others() -> None:
    first, again, other = ([(frame.sha256, label) for frame, label in series(10, seed)] for seed in (4, 4, 5))
    assert first == again
    assert not {sha for sha, _ in first} & {sha for sha, _ in other}
    assert len({sha for sha, _ in first}) == 10


def test_classes_take_turns() -> None:
    labels = [label for _, label in series(15, 0)]
    assert np.bincount(labels).tolist() == [3] * len(CLASSES)


def test_a_frame_says_what_it_is() -> None:
    frame = photograph("monocyte", 0)
    assert frame.origin is Origin.SIMULATED
    assert (frame.camera, frame.cfa.name, frame.bits, frame.size) == (
        "driftlab simulated microscope", "RGGB", 12, (SIZE, SIZE),
    )  # fmt: skip
    assert np.allclose(np.sum(frame.matrix.values, 1), 1, atol=1e-12)
    assert frame.mosaic.min() >= 0 and frame.mosaic.max() <= 4095
    assert np.array_equal(frame.mosaic, np.rint(frame.mosaic))
    assert full_well_of(frame) == FULL_WELL  # the noise stage guesses it right


def test_light_stays_between_none_and_a_little_more_than_the_lamp_gives() -> None:
    for label in CLASSES:
        light = smear(label, np.random.default_rng(8))
        assert light.dtype == np.float64 and light.shape == (len(BANDS), SIZE, SIZE)
        assert light.min() >= 0 and light.max() < 1.5


@pytest.mark.parametrize("level", [0.02, 0.2, 0.6, 1.0])
def test_photon_transfer(level: float) -> None:
    """In electrons, variance is mean + read noise squared + a twelfth of a squared step of the converter."""
    frame = expose(np.full((len(BANDS), 256, 256), level), np.random.default_rng(1))
    gain = FULL_WELL / (WHITE - BLACK)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        electrons = (frame.mosaic[0, down::2, right::2].astype(float) - BLACK) * gain
        expected = electrons.mean() + READ_NOISE**2 + gain**2 / 12
        assert electrons.var() == pytest.approx(expected, rel=0.05)  # five standard errors of 16384 samples


def test_clear_field_is_neutral_and_not_saturated() -> None:
    frame = expose(np.ones((len(BANDS), 64, 64)), np.random.default_rng(1))
    assert linear(frame).mean((1, 2)) == pytest.approx([camera.CLEAR_FIELD] * 3, rel=0.005)


def test_color_matrix_brings_stain_near_its_color() -> None:
    for name in DYES:
        dyes = concentrations({name: 0.4})[:, None, None]
        frame = expose(np.tile(transmittance(dyes), (1, 64, 64)), np.random.default_rng(1))
        assert linear(frame).mean((1, 2)) / camera.CLEAR_FIELD == pytest.approx(developed({name: 0.4}), abs=0.1)


def test_matched_mixtures_share_luma_and_blue() -> None:
    lilac = {"purple": 0.2, "azure": 0.2, "hemoglobin": 0.15}
    red = matched({"purple": 0.2, "eosin": 0.2}, lilac, ("purple", "eosin"))
    assert LINEAR_SRGB.sum(1) == pytest.approx(1) and LUMA.sum() == pytest.approx(1)
    assert REC_709 @ developed(red) == pytest.approx(REC_709 @ developed(lilac))
    assert developed(red)[2] == pytest.approx(developed(lilac)[2])
    assert developed(red)[0] > 1.5 * developed(lilac)[0]
    with pytest.raises(ValueError, match="no mixture of eosin and azure"):
        matched({}, {"hemoglobin": 1.0}, ("eosin", "azure"))


def test_eosinophil_differs_from_neutrophil_in_color_not_in_luma() -> None:
    ratios = np.array([means("eosinophil", i, "neutrophil") / means("neutrophil", i, "neutrophil") for i in range(12)])
    lumas = np.array([
        REC_709 @ means("eosinophil", i, "neutrophil") / (REC_709 @ means("neutrophil", i, "neutrophil"))
        for i in range(12)
    ])  # fmt: skip
    assert lumas.mean() == pytest.approx(1, abs=0.03)
    assert ratios.mean(0)[2] == pytest.approx(1, abs=0.03)
    assert ratios.mean(0)[0] > 1.2


def test_basophil_has_the_lymphocytes_mean_color_and_finer_stain() -> None:
    for index in range(6):
        assert means("basophil", index, "lymphocyte") == pytest.approx(
            means("lymphocyte", index, "lymphocyte"), rel=0.02
        )
        region = leukocyte_region("lymphocyte", np.random.default_rng((3, index, 0))) > 0.5
        basophil, lymphocyte = (photograph(label, 3, index) for label in ("basophil", "lymphocyte"))
        assert detail(basophil, region, 0.0) > 2 * detail(lymphocyte, region, 0.0)
        assert detail(basophil, region, 3.0) == pytest.approx(detail(lymphocyte, region, 3.0), rel=0.15)


def test_light_of_the_wrong_bands_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bands"):
        expose(np.ones((3, 8, 8)), np.random.default_rng(0))
