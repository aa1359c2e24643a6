"""What a stage gives, made visible: the scale of each domain, against its formula written out."""

from __future__ import annotations

import pytest
import torch

from driftlab.isp.outputs import scale_of, visible
from driftlab.isp.stage import Domain
from tests.isp.frames import smooth_frame


def srgb(light: float) -> float:
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


@pytest.mark.parametrize(
    ("domain", "value", "shown"),
    [
        (Domain.SAMPLES, 100.0, 0.0),
        (Domain.SAMPLES, 50.0, 0.0),
        (Domain.SAMPLES, 325.0, srgb(0.25)),
        (Domain.SAMPLES, 2000.0, 1.0),
        (Domain.MOSAIC, 0.25, srgb(0.25)),
        (Domain.MOSAIC, 0.002, srgb(0.002)),
        (Domain.MOSAIC, -0.1, 0.0),
        (Domain.CAMERA_RGB, 0.5, srgb(0.5)),
        (Domain.LINEAR_RGB, 1.5, 1.0),
        (Domain.DISPLAY_RGB, 0.25, 0.25),
    ],
)
def test_each_domain_has_one_scale(domain: Domain, value: float, shown: float) -> None:
    frame = smooth_frame("RGGB", 8, 8, black=(100.0, 110.0, 110.0, 120.0), white=1000.0)
    channels = 1 if domain in (Domain.SAMPLES, Domain.MOSAIC) else 3
    pixels = visible(torch.full((channels, 2, 3), value), domain, frame)
    assert pixels.dtype == torch.uint8 and pixels.shape == (2, 3, 3)
    assert pixels.unique().tolist() == [round(255 * shown)]


def test_colors_keep_their_places() -> None:
    frame = smooth_frame("linear", 8, 8)
    image = torch.tensor([0.1, 0.5, 0.9])[:, None, None]
    assert visible(image, Domain.DISPLAY_RGB, frame).tolist() == [[[26, 128, 230]]]


def test_the_words_name_what_is_shown() -> None:
    frame = smooth_frame("RGGB", 8, 8, black=(100.0, 110.0, 110.0, 120.0), white=1000.0)
    assert scale_of(Domain.SAMPLES, frame) == "mosaic in gray, 100 to 1000 DN, with the curve of sRGB"
    assert scale_of(Domain.MOSAIC, smooth_frame("linear", 8, 8)).startswith("mosaic in the sensor's own colors")
    assert len({scale_of(domain, frame) for domain in Domain if domain != Domain.LUMA}) == 5
