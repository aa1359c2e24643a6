"""Develops frames of any size, or a region of one, to the very bits that one run over the whole would give.

A window is cut from the mosaic with a border as wide as the active stages reach, run, and trimmed. A large frame is
developed in tiles, whose temporaries stay in the cache: that takes little more memory than the samples and the
picture, and less time than one piece.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftlab.isp.pipeline import run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import ROW, Domain, IspError, Sensor, Values
from driftlab.parallel import in_order
from driftlab.raw.frame import RawFrame

__all__ = ["Region", "Tile", "Window", "develop", "mosaic_of", "picture_size", "tiles", "window"]

#: Samples of a tile: few enough for the cache, enough to hide the cost of the calls.
TILE: Final = 512 * 512


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
class Window:
    """A region of a frame, ready to run: samples with their border `[1, C, h, w]` in DN, and what to trim after."""

    image: Tensor
    sensor: Sensor
    rows: slice
    columns: slice

    def run(self, settings: Mapping[str, Any], like: Settings, *, until: str | None = None) -> Tensor:
        """The region developed, `[B, C, height, width]`, differentiable in the parameters.

        `settings` may hold tensors, as in `pipeline.run`; they differ from `like`, that the window was cut for, in
        nothing that makes a stage reach further.
        """
        picture = run(self.image, settings, self.sensor, like.pipeline, until=until)
        return picture[..., self.rows, self.columns]


@dataclass(frozen=True, slots=True)
class Tile:
    """A developed piece of a picture: where it lies, its pixels `[C, h, w]`, and how much of the picture is done."""

    region: Region
    pixels: Tensor
    done: float


def mosaic_of(frame: RawFrame) -> Tensor:
    """The samples of a frame as a tensor `[1, C, H, W]` in DN, that shares the frame's memory: not to be written to."""
    samples = np.ascontiguousarray(frame.mosaic)
    # Through its address, for torch has no read-only tensors and would warn.
    memory = (ctypes.c_float * samples.size).from_address(samples.ctypes.data)
    memory.owner = samples  # type: ignore[attr-defined]  # lives as long as the tensor does
    return torch.frombuffer(memory, dtype=torch.float32).view(1, *samples.shape)


def picture_size(frame: RawFrame, settings: Settings, until: str | None = None) -> tuple[int, int]:
    """Height and width of the developed picture."""
    side = _plan(settings, Sensor.of(frame), until).side
    return frame.size[0] // side, frame.size[1] // side


def window(frame: RawFrame, settings: Settings, region: Region, *, until: str | None = None) -> Window:
    """The samples that a region of the picture is made of, with what the active stages read around it."""
    plan = _plan(settings, Sensor.of(frame), until)
    region.within(picture_size(frame, settings, until))
    return _window(frame, plan, region)


def develop(
    frame: RawFrame,
    settings: Settings,
    *,
    region: Region | None = None,
    until: str | None = None,
    bits: int | None = None,
    watched: Callable[[Iterator[Tile]], Iterator[Tile]] = iter,
) -> NDArray[Any]:
    """The picture or a region of it, `[C, H, W]`: display RGB, or the output of the stage named by `until`.

    float32, or with `bits` 8 or 16 the nearest unsigned integers of that depth, 0–1 spread over all of them. The tiles
    pass through `watched`, which may show how far they are.
    """
    if bits and settings.pipeline.writes(until) == Domain.SAMPLES:
        raise IspError(f"The output of '{until}' is in DN, which no picture holds: write it as NPY.")
    size = picture_size(frame, settings, until)
    if 0 in size:
        raise IspError(
            f"'{frame.name}' is too small for a picture with these settings: choose another demosaic.method."
        )
    region = region.within(size) if region else Region(0, 0, size[1], size[0])
    picture: NDArray[Any] | None = None
    for tile in watched(tiles(frame, settings, region=region, until=until)):
        if picture is None:
            dtype = {None: np.float32, 8: np.uint8, 16: np.uint16}[bits]
            picture = np.empty((tile.pixels.shape[0], region.height, region.width), dtype)
        top, left = tile.region.top - region.top, tile.region.left - region.left
        pixels = tile.pixels if bits is None else (tile.pixels.clamp(0, 1) * (2**bits - 1)).round_().to(torch.int32)
        picture[:, top : top + tile.region.height, left : left + tile.region.width] = pixels.numpy()
    assert picture is not None
    return picture


def tiles(
    frame: RawFrame, settings: Settings, *, region: Region | None = None, until: str | None = None
) -> Iterator[Tile]:
    """The picture, or a region of it, piece by piece, in rows from the top left."""
    plan = _plan(settings, Sensor.of(frame), until)
    height, width = frame.size[0] // plan.side, frame.size[1] // plan.side
    region = region.within((height, width)) if region else Region(0, 0, width, height)
    rows, columns = _tile_size(plan, region, width)
    steps = [
        Region(left, top, min(columns, region.left + region.width - left), min(rows, region.top + region.height - top))
        for top in range(region.top, region.top + region.height, rows)
        for left in range(region.left, region.left + region.width, columns)
    ]

    def pixels(step: Region) -> Tensor:
        with torch.inference_mode():
            return _window(frame, plan, step).run(settings, settings, until=until)[0]

    done = in_order(pixels, steps, threads=1 if len(steps) == 1 else None)
    for number, (step, piece) in enumerate(zip(steps, done, strict=True), 1):
        yield Tile(step, piece, number / len(steps))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How windows may be cut.

    The border they need, in samples; what their origins are multiples of; how many samples make a pixel along a side;
    whether they have to hold whole rows.
    """

    border: int
    grid: int
    side: int
    whole_rows: bool


def _plan(settings: Settings, sensor: Sensor, until: str | None) -> _Plan:
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
    return _Plan(reach, math.lcm(len(pattern) or 1, len(pattern[0]) if pattern else 1, side * block), side, whole_rows)


def _window(frame: RawFrame, plan: _Plan, region: Region) -> Window:
    def span(start: int, size: int, limit: int, whole: bool) -> tuple[int, int, slice]:
        """First and last sample to run, and what of the result is the region."""
        border, grid = -(-plan.border // plan.grid) * plan.grid, plan.grid
        # Blocks first, then the border: a block is right only if all of its samples are.
        first = max(start * plan.side // grid * grid - border, 0)
        last = min(-(-(start + size) * plan.side // grid) * grid + border, limit)
        if whole:
            first, last = 0, limit
        offset = start - first // plan.side
        return first, last, slice(offset, offset + size)

    above, below, rows = span(region.top, region.height, frame.size[0], False)
    before, after, columns = span(region.left, region.width, frame.size[1], plan.whole_rows)
    image = mosaic_of(frame)[..., above:below, before:after]
    return Window(image, Sensor.of(frame).at(above, before), rows, columns)


def _tile_size(plan: _Plan, region: Region, width: int) -> tuple[int, int]:
    """Rows and columns of a tile in pixels: about `TILE` samples, and no smaller than the border that each needs."""
    side = max(int(math.sqrt(TILE)), plan.border)
    # On the grid, as a window is widened to it.
    across = width if plan.whole_rows else min(-(-side // plan.grid) * plan.grid // plan.side, region.width)
    down = max(TILE // max(across * plan.side, 1), plan.border, 1)
    return max(-(-down // plan.grid) * plan.grid // plan.side, 1), max(across, 1)
