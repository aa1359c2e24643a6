"""Develops frames on the GPU: the renderer, handed windows that the data model has planned, and torch where it asks.

A frame that fits is uploaded once, and what its stages gave is kept between settings. A larger one goes through in
tiles, each with the border that the active stages read, and comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from driftlab.gpu.device import Gpu, GpuMemoryError
from driftlab.gpu.renderer import Renderer
from driftlab.isp.develop import Tile
from driftlab.isp.pipeline import Pipeline
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Sensor, Stage, Values
from driftlab.isp.windows import Plan, Region, plan_of
from driftlab.raw.frame import RawFrame

__all__ = ["GpuEngine"]

#: Bytes that the images of all stages may take together.
MEMORY: Final = 2 << 30
#: With less than that there is no use in trying smaller windows.
LEAST: Final = 64 << 20


class GpuEngine:
    """A GPU and the frame that it holds. For one thread; raises GpuError where there is no adapter."""

    def __init__(self, gpu: Gpu | None = None, *, memory: int = MEMORY) -> None:
        self.gpu = gpu or Gpu()
        self.memory = memory
        self._held: tuple[RawFrame | None, Pipeline, Renderer] | None = None

    @property
    def name(self) -> str:
        """The adapter that draws."""
        return self.gpu.name

    @property
    def runs(self) -> Mapping[str, int]:
        """How often each stage has been computed for the pipeline in use."""
        return self._held[2].runs if self._held else {}

    @property
    def elsewhere(self) -> Mapping[str, str]:
        """The stages that torch computed in the last picture, and why."""
        return self._held[2].fallbacks if self._held else {}

    def tiles(
        self, frame: RawFrame, settings: Settings, *, region: Region | None = None, until: str | None = None
    ) -> Iterator[Tile]:
        """As `isp.develop.tiles`: the picture, or a region of it, piece by piece; begun again if memory runs out."""
        try:
            yield from self._tiles(frame, settings, region, until)
        except GpuMemoryError as error:
            self._use_less(error)
            yield from self.tiles(frame, settings, region=region, until=until)

    def canvas(
        self, frame: RawFrame, settings: Settings, region: Region, size: tuple[int, int], *, until: str | None = None
    ) -> NDArray[np.uint8]:
        """A region of the picture on a canvas of this height and width, RGBA `[H, W, 4]`; only it crosses the bus."""
        try:
            return self._canvas(frame, settings, region, size, until)
        except GpuMemoryError as error:
            self._use_less(error)
            return self.canvas(frame, settings, region, size, until=until)

    def _tiles(self, frame: RawFrame, settings: Settings, region: Region | None, until: str | None) -> Iterator[Tile]:
        plan, renderer = plan_of(settings, Sensor.of(frame), until), self._renderer(settings.pipeline)
        height, width = plan.picture(frame.size)
        region = region.within((height, width)) if region else Region(0, 0, width, height)
        samples = self._samples(frame, settings)
        if frame.mosaic[0].size <= samples:
            self._hold(frame)
            renderer.render(settings, until)
            pixels = renderer.read(until, (region.left, region.top, region.width, region.height))
            yield Tile(region, torch.from_numpy(pixels.copy()), 1.0)
            return
        steps = plan.tiles(region, width, _within(plan, samples, width))
        for number, step in enumerate(steps, 1):
            left, top = self._window(frame, plan, step)
            renderer.render(settings, until)
            pixels = renderer.read(until, (left, top, step.width, step.height))
            yield Tile(step, torch.from_numpy(pixels.copy()), number / len(steps))

    def _canvas(
        self, frame: RawFrame, settings: Settings, region: Region, size: tuple[int, int], until: str | None
    ) -> NDArray[np.uint8]:
        plan, renderer = plan_of(settings, Sensor.of(frame), until), self._renderer(settings.pipeline)
        region = region.within(plan.picture(frame.size))
        samples = self._samples(frame, settings)
        if frame.mosaic[0].size <= samples:
            self._hold(frame)
            renderer.render(settings, until)
            return renderer.display((region.left, region.top, region.width, region.height), size, until)
        canvas = np.empty((*size, 4), np.uint8)
        # The canvas in rectangles, each of which a window of the frame is enough for.
        across, down = region.width / size[1], region.height / size[0]
        side = max(int((_within(plan, samples, 0) ** 0.5) / plan.side / max(across, down)) - 2, 1)
        for row in range(0, size[0], side):
            for column in range(0, size[1], side):
                part = canvas[row : row + side, column : column + side]
                place = (region.left + column * across, region.top + row * down)
                extent = (part.shape[1] * across, part.shape[0] * down)
                cover = _cover(place, extent, region)
                left, top = self._window(frame, plan, cover)
                renderer.render(settings, until)
                shown = (place[0] - cover.left + left, place[1] - cover.top + top, *extent)
                part[:] = renderer.display(shown, (part.shape[0], part.shape[1]), until)
        return canvas

    def _use_less(self, error: GpuMemoryError) -> None:
        """Smaller windows from now on; the error where they are small already."""
        if self.memory < LEAST:
            raise error
        self.memory //= 4
        self._held = None

    def _renderer(self, pipeline: Pipeline) -> Renderer:
        if self._held is None or self._held[1] is not pipeline:
            self._held = None, pipeline, Renderer(self.gpu, pipeline.stages, _by_torch)
        return self._held[2]

    def _hold(self, frame: RawFrame) -> None:
        """Have the whole frame on the GPU."""
        assert self._held is not None
        held, pipeline, renderer = self._held
        if held is not frame:
            renderer.upload(frame.mosaic, Sensor.of(frame))
            self._held = frame, pipeline, renderer

    def _window(self, frame: RawFrame, plan: Plan, region: Region) -> tuple[int, int]:
        """Have the window for a region on the GPU; where in what it gives the region begins (left, top)."""
        assert self._held is not None
        cut = plan.cut(region, frame.size)
        samples = np.ascontiguousarray(frame.mosaic[:, cut.rows, cut.columns])
        self._held[2].upload(samples, Sensor.of(frame).at(cut.rows.start, cut.columns.start))
        self._held = None, *self._held[1:]
        return cut.kept_columns.start, cut.kept_rows.start

    def _samples(self, frame: RawFrame, settings: Settings) -> int:
        """How many samples may be on the GPU at once."""
        most, kept = self._renderer(settings.pipeline).planes(settings, Sensor.of(frame))
        return min(self.gpu.largest // most, self.memory // kept) // 4


def _within(plan: Plan, samples: int, width: int) -> int:
    """Samples of a tile whose window has at most so many, with its border and all sides widened to the grid."""
    around = 2 * plan.border + 4 * plan.grid
    if plan.whole_rows:
        return max(samples - around * width * plan.side, 1)
    return max(int(samples**0.5) - around, 64) ** 2


def _cover(place: tuple[float, float], extent: tuple[float, float], within: Region) -> Region:
    """The whole pixels that a rectangle touches."""
    left = min(int(place[0]), within.left + within.width - 1)
    top = min(int(place[1]), within.top + within.height - 1)
    right = min(int(np.ceil(place[0] + extent[0])), within.left + within.width)
    bottom = min(int(np.ceil(place[1] + extent[1])), within.top + within.height)
    return Region(left, top, max(right - left, 1), max(bottom - top, 1))


def _by_torch(
    stage: Stage, image: NDArray[np.float32], values: Mapping[str, Any], sensor: Sensor
) -> NDArray[np.float32]:
    """What a stage gives for an image `[C, H, W]`."""
    with torch.inference_mode():
        given = torch.from_numpy(image.copy())[None]
        forward = stage.forward if values["on"] else stage.off
        assert forward is not None
        out: NDArray[np.float32] = forward(given, Values(values, given), sensor)[0].numpy()
    return out
