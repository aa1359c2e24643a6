"""Develops whole frames of any size, tile by tile, to the very bits that one run over the whole would give.

A tile is cut with a border as wide as the active stages reach, run, and trimmed; its temporaries stay in the cache, so
that a large frame needs little more memory than its samples and its picture, and less time than in one piece.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftlab.isp.pipeline import run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import ROW, Sensor, Values
from driftlab.raw.frame import RawFrame

__all__ = ["Tile", "develop", "mosaic_of", "tiles"]

#: Samples of a tile: few enough for the cache, enough to hide the cost of the calls.
TILE: Final = 512 * 512


@dataclass(frozen=True, slots=True)
class Tile:
    """A developed piece of a picture: where it lies, its pixels `[C, h, w]`, and how much of the picture is done."""

    top: int
    left: int
    pixels: Tensor
    done: float


def mosaic_of(frame: RawFrame) -> Tensor:
    """The samples of a frame as a tensor `[1, C, H, W]` in DN, that shares the frame's memory: not to be written to."""
    samples = np.ascontiguousarray(frame.mosaic)
    # Through its address, for torch has no read-only tensors and would warn.
    memory = (ctypes.c_float * samples.size).from_address(samples.ctypes.data)
    memory.owner = samples  # type: ignore[attr-defined]  # lives as long as the tensor does
    return torch.frombuffer(memory, dtype=torch.float32).view(1, *samples.shape)


def develop(frame: RawFrame, settings: Settings, *, until: str | None = None) -> NDArray[np.float32]:
    """The whole picture, float32 `[C, H, W]`: display RGB, or the output of the stage named by `until`."""
    picture: NDArray[np.float32] | None = None
    for tile in tiles(frame, settings, until=until):
        if picture is None:
            picture = np.empty((tile.pixels.shape[0], *picture_size(frame, settings, until)), np.float32)
        height, width = tile.pixels.shape[1:]
        picture[:, tile.top : tile.top + height, tile.left : tile.left + width] = tile.pixels.numpy()
    assert picture is not None
    return picture


def picture_size(frame: RawFrame, settings: Settings, until: str | None = None) -> tuple[int, int]:
    """Height and width of what `develop` gives."""
    side = _plan(settings, Sensor.of(frame), until).side
    return frame.size[0] // side, frame.size[1] // side


def tiles(frame: RawFrame, settings: Settings, *, until: str | None = None) -> Iterator[Tile]:
    """The picture piece by piece, in rows from the top left."""
    sensor, whole = Sensor.of(frame), mosaic_of(frame)
    plan = _plan(settings, sensor, until)
    height, width = frame.size
    rows, columns = _tile_size(plan, height, width)
    steps = [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]
    for number, (top, left) in enumerate(steps):
        above, before = max(top - plan.border, 0), max(left - plan.border, 0)
        below, after = min(top + rows + plan.border, height), min(left + columns + plan.border, width)
        with torch.inference_mode():
            piece = run(
                whole[..., above:below, before:after],
                settings,
                sensor.at(above, before),
                settings.pipeline,
                until=until,
            )[0]
        y, x = (top - above) // plan.side, (left - before) // plan.side
        size = min(rows, height - top) // plan.side, min(columns, width - left) // plan.side
        if min(size):
            pixels = piece[:, y : y + size[0], x : x + size[1]]
            yield Tile(top // plan.side, left // plan.side, pixels, (number + 1) / len(steps))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How tiles may be cut.

    The border they need, in samples; what their origins are multiples of; how many samples make a pixel along a side.
    """

    border: int
    grid: int
    side: int
    whole_rows: bool


def _plan(settings: Settings, sensor: Sensor, until: str | None) -> _Plan:
    reach, side, whole_rows, block = 0, 1, False, 1
    like = torch.zeros(())
    pipeline = settings.pipeline
    for stage in pipeline.stages:
        values = {name: settings[key] for name, key in pipeline.names[stage.name]}
        if values["on"] and not stage.is_neutral(values):
            far = stage.reach(Values(values, like), sensor)
            whole_rows |= far == ROW
            reach += 0 if far == ROW else far * side
            block = max(block, stage.block)
            side *= stage.shrink(Values(values, like), sensor)
        if stage.name == until:
            break
    tile = sensor.cfa.pattern
    grid = math.lcm(len(tile) or 1, len(tile[0]) if tile else 1, side * block)
    return _Plan(-(-reach // grid) * grid, grid, side, whole_rows)


def _tile_size(plan: _Plan, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a tile, multiples of the plan's grid."""

    def on_grid(size: int, limit: int) -> int:
        return min(-(-max(size, plan.border) // plan.grid) * plan.grid, -(-limit // plan.grid) * plan.grid)

    columns = on_grid(width if plan.whole_rows else int(math.sqrt(TILE)), width)
    return on_grid(TILE // columns, height), columns
