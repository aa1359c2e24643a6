"""Distances: against scikit-image and published pairs, their signs, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.color
import skimage.metrics
import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.forensics.distance import DISTANCES, ciede2000_squared, distance_of, lab_of, ssim
from tests.isp.frames import scene

#: Of the 34 pairs of Sharma, Wu & Dalal (2005), table 1, those about gray, opposite hues, blue, and large steps.
PAIRS = (
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
)


def views(count: int = 3) -> tuple[Tensor, Tensor]:
    """Nominal views, and the same with noise."""
    nominal = torch.from_numpy(scene(24, 31)).expand(count, -1, -1, -1)
    noise = torch.randn(nominal.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return nominal, (nominal + noise * torch.tensor([0.01, 0.05, 0.2])[:count].view(-1, 1, 1, 1)).clamp(0, 1)


@pytest.mark.parametrize(("first", "second", "expected"), PAIRS)
def test_ciede2000_of_published_pairs(first: tuple[float, ...], second: tuple[float, ...], expected: float) -> None:
    a, b = (torch.tensor([each], dtype=torch.float64) for each in (first, second))
    assert float(ciede2000_squared(a, b)) ** 0.5 == pytest.approx(expected, abs=1e-4)
    assert float(ciede2000_squared(b, a)) ** 0.5 == pytest.approx(expected, abs=1e-4)


def test_colors_are_those_of_scikit_image() -> None:
    generator = torch.Generator().manual_seed(1)
    first, second = torch.rand(2, 1, 3, 40, 50, generator=generator, dtype=torch.float64)
    labs = [skimage.color.rgb2lab(each[0].permute(1, 2, 0).numpy()) for each in (first, second)]
    assert np.allclose(lab_of(first)[0].permute(1, 2, 0).numpy(), labs[0], atol=1e-3)
    expected = skimage.color.deltaE_ciede2000(*labs)
    assert np.allclose(ciede2000_squared(lab_of(first), lab_of(second))[0].sqrt().numpy(), expected, atol=2e-3)
    penalty = float(DISTANCES["de2000"].penalty(first, second))
    assert DISTANCES["de2000"].of(penalty) == pytest.approx(float((expected**2).mean() ** 0.5), rel=1e-4)


def test_ssim_is_that_of_scikit_image() -> None:
    for nominal, view in zip(*views(), strict=True):
        expected = skimage.metrics.structural_similarity(
            nominal.numpy(), view.numpy(), gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            data_range=1.0, channel_axis=0,
        )  # fmt: skip
        assert float(ssim(view[None], nominal[None])) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", DISTANCES)
def test_a_distance_is_zero_for_the_same_view_and_grows_with_noise(name: str) -> None:
    distance = distance_of(name)
    nominal, noisy = views()
    assert float(distance.penalty(nominal, nominal).abs().max()) < 1e-12
    penalties = distance.penalty(noisy, nominal).tolist()
    assert 0 < penalties[0] < penalties[1] < penalties[2]
    assert 0 < distance.of(penalties[0]) < distance.of(penalties[1])
    alone = [float(distance.penalty(noisy[k : k + 1], nominal[k : k + 1])) for k in range(3)]
    assert penalties == pytest.approx(alone, rel=1e-12)


def test_l2_of_a_step_is_the_step() -> None:
    nominal, _ = views(1)
    distance = distance_of("l2")
    assert distance.of(float(distance.penalty(nominal + 0.01, nominal))) == pytest.approx(0.01)


@pytest.mark.parametrize("name", DISTANCES)
def test_derivatives_are_exact(name: str) -> None:
    nominal, noisy = (each[1:2, :, :12, :12] for each in views(2))
    noisy = noisy.clamp(0.01, 0.99).clone().requires_grad_()
    penalty = distance_of(name).penalty
    assert torch.autograd.gradcheck(lambda view: penalty(view, nominal) * 100, noisy)


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("color", [0.0, 0.5, 1.0])
def test_the_derivative_at_the_nominal_view_is_flat_also_for_gray(name: str, color: float) -> None:
    nominal = torch.full((1, 3, 16, 16), color)
    view = nominal.clone().requires_grad_()
    (slope,) = torch.autograd.grad(distance_of(name).penalty(view, nominal).sum(), view)
    assert float(slope.abs().max()) < 1e-6
    beside = (nominal + 0.01).requires_grad_()
    (slope,) = torch.autograd.grad(distance_of(name).penalty(beside, nominal).sum(), beside)
    assert bool(slope.isfinite().all())


def test_what_can_not_be_measured_is_refused() -> None:
    with pytest.raises(AnalysisError, match="use l2 or ssim or de2000"):
        distance_of("l1")
    with pytest.raises(AnalysisError, match="too small for SSIM"):
        ssim(torch.zeros(1, 3, 8, 20), torch.zeros(1, 3, 8, 20))
