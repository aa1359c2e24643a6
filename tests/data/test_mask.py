"""A mask is brought to the pixels that a model is given, or refused with the sizes that would fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from driftlab.data.errors import DataError
from driftlab.data.mask import mask_on
from driftlab.isp.develop import Region
from driftlab.isp.pipeline import CAMERA
from tests.isp.frames import smooth_frame

FRAME = smooth_frame("RGGB", 12, 16)
SETTINGS = CAMERA.settings(FRAME)
MASK = torch.arange(12 * 16).reshape(12, 16)


def test_a_mask_of_the_picture_is_cut_to_the_region() -> None:
    assert torch.equal(mask_on(MASK, FRAME, SETTINGS), MASK)
    assert torch.equal(mask_on(MASK, FRAME, SETTINGS, Region(3, 2, 5, 4)), MASK[2:6, 3:8])


def test_a_mask_of_the_region_is_taken_as_it_is() -> None:
    part = MASK[:4, :5]
    assert torch.equal(mask_on(part, FRAME, SETTINGS, Region(3, 2, 5, 4)), part)


def test_a_mask_of_the_frame_serves_a_smaller_picture() -> None:
    small = SETTINGS.changed({"demosaic.method": "superpixel"})
    expected = MASK.numpy()[1::2, 1::2]
    assert np.array_equal(mask_on(MASK, FRAME, small), expected)
    assert np.array_equal(mask_on(MASK, FRAME, small, Region(1, 1, 3, 2)), expected[1:3, 1:4])


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match="7 × 5 pixels, but the picture 16 × 12: give"):
        mask_on(MASK[:5, :7], FRAME, SETTINGS)
    with pytest.raises(DataError, match="and the region 5 × 4"):
        mask_on(MASK[:5, :7], FRAME, SETTINGS, Region(3, 2, 5, 4))
