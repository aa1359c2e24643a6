"""Frames and files made up for the tests of `raw`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driftlab.raw.frame import CFA, ColorMatrix, RawFrame

MATRIX = ((1.6, -0.4, -0.2), (-0.1, 1.3, -0.2), (0.05, -0.5, 1.45))


def frame_of(cfa: str = "RGGB", **fields: Any) -> RawFrame:
    """A frame of noise between black and white, with every fact set."""
    filters = CFA.parse(cfa)
    planes = 3 if filters.kind == "linear" else 1
    mosaic = np.random.default_rng(1).integers(400, 16384, (planes, 61, 83)).astype(np.float32)
    facts: dict[str, Any] = {
        "mosaic": mosaic,
        "cfa": filters,
        "black": (512.0,) * 4,
        "white": 16383.0,
        "bits": 14,
        "gains": (2.1234567, 1.0, 1.512345),
        "gains_source": "as shot",
        "matrix": ColorMatrix(MATRIX, "made up"),
        "name": "made up",
        "sha256": "",
        "decoder": "",
    }
    return RawFrame(**(facts | fields))


@pytest.fixture
def make_frame() -> Callable[..., RawFrame]:
    return frame_of
