"""Cases: the pictures that a search is made on, each with its nominal settings and what the model should say of it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from driftlab.data.errors import DataError
from driftlab.isp.develop import Region, picture_size
from driftlab.isp.settings import Settings
from driftlab.raw.frame import RawFrame

__all__ = ["Case"]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One picture: a frame, the nominal settings, and the part of the picture that the model is given (None: all).

    `label` is the true class of a classification; `mask` `[H, W]` holds the true class of every pixel of the region,
    other numbers where there is none. Without them the model's nominal answer takes their place (self-label).
    """

    frame: RawFrame
    settings: Settings
    region: Region | None = None
    label: str | None = None
    mask: Tensor | None = None

    @property
    def extent(self) -> Region:
        """What the model is given, in pixels of the picture. Raises IspError where it does not lie in the picture."""
        height, width = picture_size(self.frame, self.settings)
        if 0 in (height, width):
            raise DataError(f"'{self.frame.name}' is too small for a picture: choose another demosaic.method.")
        return self.region.within((height, width)) if self.region else Region(0, 0, width, height)
