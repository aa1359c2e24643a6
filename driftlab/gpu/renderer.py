"""Runs a pipeline's stages on the GPU for one window of samples, headless; numpy in and out.

What every stage gave is kept, so a changed parameter costs its own stage and those after it. The renderer knows no
frame larger than one window and no particular stage; a stage without a shader is asked of `fallback`. A lost device is
opened anew, and what it held is made again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from driftlab.gpu.device import Gpu, GpuError, GpuMemoryError
from driftlab.gpu.images import Images, State
from driftlab.gpu.walk import Fallback, Walk, values_of, written
from driftlab.isp.stage import Passes, Sensor, Stage

__all__ = ["Fallback", "Renderer"]

R = TypeVar("R")
Array = NDArray[np.float32]


class Renderer:
    """The stages of a pipeline on one window of samples.

    `runs` counts how often each stage was computed; `fallbacks` says why stages of the last rendering were not
    computed on the GPU.
    """

    def __init__(self, gpu: Gpu, stages: Sequence[Stage], fallback: Fallback | None = None) -> None:
        self.gpu = gpu
        self.runs: Counter[str] = Counter()
        self.fallbacks: dict[str, str] = {}
        self._stages = tuple(stages)
        self._fallback = fallback
        self._settings: Mapping[str, Any] = {}
        self._window: tuple[Array, Sensor] | None = None
        self._taken = False
        self._images: Images | None = None

    def upload(self, samples: Array, sensor: Sensor) -> None:
        """Take a window of samples `[C, H, W]` in DN; `sensor` knows where in the frame it lies."""
        self._window = samples, sensor
        self._taken = False

    def render(self, settings: Mapping[str, Any], until: str | None = None) -> None:
        """Compute what these settings (a value for every key) have made stale, up to the stage named by `until`."""
        self._settings = settings
        self._safely(lambda images: self._walked(images, until))

    def read(self, until: str | None = None, region: tuple[int, int, int, int] | None = None) -> Array:
        """The picture or the output of a stage, or a region (left, top, width, height) of it, `[C, H, W]`."""
        return self._safely(lambda images: images.read(self._walked(images, until), region))

    def display(
        self, region: tuple[float, float, float, float], size: tuple[int, int], until: str | None = None
    ) -> NDArray[np.uint8]:
        """A region (left, top, width, height) of the picture on a canvas of this height and width, RGBA `[H, W, 4]`.

        Only the canvas crosses the bus. A pixel of it is the mean of what it covers, enlarged, the nearest sample.
        """
        return self._safely(lambda images: images.display(self._walked(images, until), region, size))

    def planes(self, settings: Mapping[str, Any], sensor: Sensor) -> tuple[int, int]:
        """How many numbers a sample takes with these settings: in the largest image, and in all that are kept."""
        most = 1 if sensor.cfa.kind != "linear" else 3
        kept = now = most
        for stage in self._stages:
            way = written(stage, values_of(stage, settings), sensor)
            if isinstance(way, Passes):
                gives = [this.gives for this in way.passes]
                most, kept, now = max(most, *gives), kept + sum(gives), max(now, gives[-1])
            elif way is not None:
                kept += now
        return most, kept

    def _safely(self, work: Callable[[Images], R]) -> R:
        """`work`, once again on a new device where the old one was lost."""
        try:
            try:
                return work(self._current())
            except self.gpu.failures:
                self.gpu.reopen()
                return work(self._current())
        except self.gpu.failures as error:
            self._images = None
            kind = GpuMemoryError if isinstance(error, MemoryError) else GpuError
            raise kind(f"The GPU '{self.gpu.name}' failed twice: {' '.join(str(error).split())}.") from error
        except BaseException:
            self._images = None  # some may have been promised that were not made
            raise

    def _current(self) -> Images:
        """The images of the window at hand, on the device at hand."""
        if self._window is None:
            raise GpuError("There is no frame to render: upload one first.")
        if self._images is None or self._images.serial != self.gpu.serial:
            self._images = Images(self.gpu, *self._window)
        elif not self._taken:
            self._images.take(*self._window)
        self._taken = True
        return self._images

    def _walked(self, images: Images, until: str | None) -> State:
        """What the stages give; what is fresh costs nothing."""
        walk = Walk(images, self._fallback)
        for stage in self._stages:
            walk.take(stage, values_of(stage, self._settings))
            if stage.name == until:
                break
        state = walk.done()
        self.runs.update(walk.ran)
        self.fallbacks = walk.elsewhere
        return state
