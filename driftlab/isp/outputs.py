"""What a stage gives, made visible: each domain on one fixed scale, which can be told in words.

For the eye alone: a mosaic becomes gray, linear values are lifted by the curve of sRGB, and what lies beyond the scale
is cut.
"""

from __future__ import annotations

import torch
from torch import Tensor

from driftlab.isp.stage import Domain
from driftlab.raw.frame import RawFrame

__all__ = ["scale_of", "visible"]


def scale_of(domain: Domain, frame: RawFrame) -> str:
    """How `visible` shows images of this domain."""
    kind = "gray" if frame.mosaic.shape[0] == 1 else "the sensor's own colors"
    return {
        Domain.SAMPLES: f"mosaic in {kind}, {min(frame.black):g} to {frame.white:g} DN, with the curve of sRGB",
        Domain.MOSAIC: f"mosaic in {kind}, 0 to 1, with the curve of sRGB",
        Domain.CAMERA_RGB: "camera RGB, the sensor's own colors, 0 to 1, with the curve of sRGB",
        Domain.LINEAR_RGB: "linear RGB, 0 to 1, with the curve of sRGB",
        Domain.DISPLAY_RGB: "display RGB, 0 to 1, as it is",
    }[domain]


def visible(image: Tensor, domain: Domain, frame: RawFrame) -> Tensor:
    """`[C, H, W]` of a domain -> uint8 `[H, W, 3]`."""
    if domain == Domain.SAMPLES:
        black = min(frame.black)
        image = (image - black) / max(frame.white - black, 1.0)
    image = image.clamp(0, 1)
    if domain != Domain.DISPLAY_RGB:  # IEC 61966-2-1
        image = torch.where(image <= 0.0031308, 12.92 * image, 1.055 * image ** (1 / 2.4) - 0.055)
    pixels = (image * 255).round_().to(torch.uint8)
    return pixels.expand(3, -1, -1).permute(1, 2, 0)
