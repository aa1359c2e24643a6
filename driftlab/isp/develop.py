"""Develops frames of any size, or a region of one, to the very bits that one run over the whole would give.

A window is cut from the mosaic with a border as wide as the active stages reach, run, and trimmed. A large frame is
developed in tiles, whose temporaries stay in the cache: that takes little more memory than the samples and the
picture, and less time than one piece.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftlab.isp.pipeline import run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Domain, IspError, Sensor
from driftlab.isp.windows import Plan, Region, plan_of
from driftlab.parallel import in_order, one_thread
from driftlab.raw.frame import RawFrame
from driftlab.steps import result_of

__all__ = ["Drawing", "Region", "Tile", "Window", "assemble", "develop", "mosaic_of", "picture_size", "tiles", "window"]

#: Samples of a tile: few enough for the cache, enough to hide the cost of the calls.
TILE: Final = 512 * 512
#: Samples of a window that are not worth a second thread.
SMALL: Final = 384 * 384


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


class Drawing(Protocol):
    """What `tiles` is, by whatever engine."""

    def __call__(
        self, frame: RawFrame, settings: Settings, *, region: Region | None = None, until: str | None = None
    ) -> Iterator[Tile]:
        """The picture, or a region of it, piece by piece."""


def mosaic_of(frame: RawFrame) -> Tensor:
    """The samples of a frame as a tensor `[1, C, H, W]` in DN, that shares the frame's memory: not to be written to."""
    samples = np.ascontiguousarray(frame.mosaic)
    # Through its address, for torch has no read-only tensors and would warn.
    memory = (ctypes.c_float * samples.size).from_address(samples.ctypes.data)
    memory.owner = samples  # type: ignore[attr-defined]  # lives as long as the tensor does
    return torch.frombuffer(memory, dtype=torch.float32).view(1, *samples.shape)


def picture_size(frame: RawFrame, settings: Settings, until: str | None = None) -> tuple[int, int]:
    """Height and width of the developed picture."""
    return plan_of(settings, Sensor.of(frame), until).picture(frame.size)


def window(frame: RawFrame, settings: Settings, region: Region, *, until: str | None = None) -> Window:
    """The samples that a region of the picture is made of, with what the active stages read around it."""
    sensor = Sensor.of(frame)
    plan = plan_of(settings, sensor, until)
    return _window(frame, sensor, plan, region.within(plan.picture(frame.size)))


def develop(
    frame: RawFrame,
    settings: Settings,
    *,
    region: Region | None = None,
    until: str | None = None,
    bits: int | None = None,
    watched: Callable[[Iterator[Tile]], Iterator[Tile]] = iter,
    drawn: Drawing | None = None,
) -> NDArray[Any]:
    """The picture or a region of it, `[C, H, W]`: display RGB, or the output of the stage named by `until`.

    float32, or with `bits` 8 or 16 the nearest unsigned integers of that depth, 0–1 spread over all of them. The tiles
    pass through `watched`, which may show how far they are; `drawn` is another engine's way to make them.
    """
    if bits and settings.pipeline.writes(until) == Domain.SAMPLES:
        raise IspError(f"The output of '{until}' is in DN, which no picture holds: write it as NPY.")
    size = picture_size(frame, settings, until)
    if 0 in size:
        raise IspError(
            f"'{frame.name}' is too small for a picture with these settings: choose another demosaic.method."
        )
    region = region.within(size) if region else Region(0, 0, size[1], size[0])
    parts = watched((drawn or tiles)(frame, settings, region=region, until=until))
    first = next(parts)
    dtype = {None: np.float32, 8: np.uint8, 16: np.uint16}[bits]
    picture = np.empty((first.pixels.shape[0], region.height, region.width), dtype)

    top = 2**bits - 1 if bits else 1

    def whole_numbers(pixels: Tensor) -> Tensor:
        return (pixels.clamp(0, 1) * top).round_().to(torch.int32)

    result_of(assemble(chain([first], parts), region, picture, whole_numbers if bits else None))
    return picture


def assemble(
    parts: Iterable[Tile], region: Region, picture: NDArray[Any], shown: Callable[[Tensor], Tensor] | None = None
) -> Generator[None, None, None]:
    """Lay the tiles of `region` into `picture`, `[C, H, W]` of any type; stops after each.

    `shown` makes of a tile's pixels, `[C, h, w]`, what is laid; without it they are laid as they are.
    """
    for tile in parts:
        top, left = tile.region.top - region.top, tile.region.left - region.left
        pixels = shown(tile.pixels) if shown else tile.pixels
        picture[:, top : top + tile.region.height, left : left + tile.region.width] = pixels.numpy()
        yield


def tiles(
    frame: RawFrame, settings: Settings, *, region: Region | None = None, until: str | None = None
) -> Iterator[Tile]:
    """The picture, or a region of it, piece by piece, in rows from the top left."""
    sensor = Sensor.of(frame)
    plan = plan_of(settings, sensor, until)
    height, width = plan.picture(frame.size)
    region = region.within((height, width)) if region else Region(0, 0, width, height)
    steps = plan.tiles(region, width, TILE)
    small = len(steps) == 1 and region.width * region.height * plan.side**2 <= SMALL

    def pixels(step: Region) -> Tensor:
        # A small window is done by one thread before others have been woken for it.
        with torch.inference_mode(), one_thread() if small else nullcontext():
            return _window(frame, sensor, plan, step).run(settings, settings, until=until)[0]

    done = in_order(pixels, steps, threads=1 if len(steps) == 1 else None)
    for number, (step, piece) in enumerate(zip(steps, done, strict=True), 1):
        yield Tile(step, piece, number / len(steps))


def _window(frame: RawFrame, sensor: Sensor, plan: Plan, region: Region) -> Window:
    cut = plan.cut(region, frame.size)
    image = mosaic_of(frame)[..., cut.rows, cut.columns]
    return Window(image, sensor.at(cut.rows.start, cut.columns.start), cut.kept_rows, cut.kept_columns)
