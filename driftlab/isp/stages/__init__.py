"""The stages of the camera data model, a file each, in the order in which light meets them."""

from __future__ import annotations

from typing import Final

from driftlab.isp.stage import Stage
from driftlab.isp.stages import (
    black_level,
    color_matrix,
    demosaic,
    denoise,
    exposure,
    jpeg,
    noise,
    optics,
    quantization,
    sharpen,
    tone,
    white_balance,
)

STAGES: Final[tuple[Stage, ...]] = (
    exposure.STAGE,
    optics.STAGE,
    noise.STAGE,
    quantization.STAGE,
    black_level.STAGE,
    white_balance.STAGE,
    demosaic.STAGE,
    color_matrix.STAGE,
    denoise.STAGE,
    sharpen.STAGE,
    tone.STAGE,
    jpeg.STAGE,
)
