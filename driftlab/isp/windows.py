"""How a frame is cut into windows: what samples a region of the picture is made of, and how regions share the work.

Every active stage tells how far it reads beyond a pixel, how many pixels become one and what squares it works on; from
that follows the border that makes a window develop to the very pixels of the whole. Nothing is computed here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from driftlab.isp.settings import Settings
from driftlab.isp.stage import ROW, IspError, Sensor, Values

__all__ = ["Cut", "Plan", "Region", "plan_of"]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a picture in pixels, from its left and top."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Region:
        """`"X,Y,W,H"` -> Region."""
        try:
            left, top, width, height = (int(part) for part in text.split(","))
        except ValueError:
            raise IspError(f"'{text}' is no region: give X,Y,W,H in pixels, for example 100,80,256,256.") from None
        return cls(left, top, width, height)

    def within(self, size: tuple[int, int]) -> Region:
        """Itself; raises IspError if it does not lie within a picture of this height and width."""
        height, width = size
        fits = 0 <= self.left < self.left + self.width <= width and 0 <= self.top < self.top + self.height <= height
        if not fits:
            raise IspError(
                f"The region {self.left},{self.top},{self.width},{self.height} does not lie in the picture of "
                f"{width} × {height} pixels: give X,Y,W,H within it."
            )
        return self


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a window lies: its rows and columns of samples, and which pixels of what they give are the region."""

    rows: slice
    columns: slice
    kept_rows: slice
    kept_columns: slice


@dataclass(frozen=True, slots=True)
class Plan:
    """How windows may be cut.

    The border they need, in samples; what their origins are multiples of; how many samples make a pixel along a side;
    whether they have to hold whole rows.
    """

    border: int
    grid: int
    side: int
    whole_rows: bool

    def picture(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the picture of a frame of so many samples."""
        return size[0] // self.side, size[1] // self.side

    def cut(self, region: Region, size: tuple[int, int]) -> Cut:
        """The window of a frame of this height and width for a region of its picture."""
        rows, kept_rows = self._span(region.top, region.height, size[0])
        columns, kept_columns = self._span(region.left, region.width, size[1])
        if self.whole_rows:
            columns, kept_columns = slice(0, size[1]), slice(region.left, region.left + region.width)
        return Cut(rows, columns, kept_rows, kept_columns)

    def _span(self, start: int, size: int, limit: int) -> tuple[slice, slice]:
        """First and last sample to run, and what of the result is the region."""
        border, grid = -(-self.border // self.grid) * self.grid, self.grid
        # Blocks first, then the border: a block is right only if all of its samples are.
        first = max(start * self.side // grid * grid - border, 0)
        last = min(-(-(start + size) * self.side // grid) * grid + border, limit)
        offset = start - first // self.side
        return slice(first, last), slice(offset, offset + size)

    def tiles(self, region: Region, width: int, samples: int) -> list[Region]:
        """`region` of a picture of this width in rows of tiles of about so many samples, without their borders."""
        rows, columns = self._tile_size(region, width, samples)
        bottom, right = region.top + region.height, region.left + region.width
        return [
            Region(left, top, min(columns, right - left), min(rows, bottom - top))
            for top in range(region.top, bottom, rows)
            for left in range(region.left, right, columns)
        ]

    def _tile_size(self, region: Region, width: int, samples: int) -> tuple[int, int]:
        """Rows and columns of a tile in pixels; no smaller than the border that each needs."""
        side = max(int(math.sqrt(samples)), self.border)
        # On the grid, as a window is widened to it.
        across = width if self.whole_rows else min(-(-side // self.grid) * self.grid // self.side, region.width)
        down = max(samples // max(across * self.side, 1), self.border, 1)
        return max(-(-down // self.grid) * self.grid // self.side, 1), max(across, 1)


def plan_of(settings: Settings, sensor: Sensor, until: str | None = None) -> Plan:
    """The plan for these settings, up to the stage named by `until`."""
    reach, side, block, whole_rows = 0, 1, 1, False
    pipeline, like = settings.pipeline, torch.zeros(())
    for stage in pipeline.stages:
        values = {name: settings[key] for name, key in pipeline.names[stage.name]}
        if values["on"] and not stage.is_neutral(values):
            p = Values(values, like)
            far = stage.reach(p, sensor)
            whole_rows |= far == ROW
            reach += 0 if far == ROW else far * side
            block = max(block, stage.block)
            side *= stage.shrink(p, sensor)
        if stage.name == until:
            break
    pattern = sensor.cfa.pattern
    return Plan(reach, math.lcm(len(pattern) or 1, len(pattern[0]) if pattern else 1, side * block), side, whole_rows)
