"""The images that stages gave, in buffers of the GPU, and the passes that fill them.

An image knows what it was made from: the numbers of the images before it, and the values in force. Every new image has
a new number, so whatever depends on an older one is seen to be stale.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftlab.gpu import shader
from driftlab.gpu.device import Gpu, GpuError
from driftlab.gpu.prelude import FACTS
from driftlab.gpu.shader import Code, Source
from driftlab.isp.stage import Sensor

__all__ = ["Image", "Images", "State"]


@dataclass(frozen=True, slots=True)
class Image:
    """What a stage gave, or the mosaic: where it lies, and what it was made from."""

    buffer: Any
    planes: int
    height: int
    width: int
    number: int
    made_from: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """An image on its way through the stages; `luma` is that of its luma stages so far."""

    image: Image
    luma: Image | None = None

    @property
    def source(self) -> Source:
        """What the shader of a pass that reads it must know."""
        return Source(self.image.planes, self.luma is not None)

    @property
    def numbers(self) -> tuple[int, ...]:
        """What an image made from it was made from."""
        return (self.image.number, self.luma.number if self.luma else 0)

    @property
    def buffers(self) -> list[Any]:
        """What a pass that reads it is given."""
        return [self.image.buffer, self.luma.buffer] if self.luma else [self.image.buffer]


class Images:
    """All that a renderer has on one device, for one window of samples."""

    def __init__(self, gpu: Gpu, samples: NDArray[np.float32], sensor: Sensor) -> None:
        self.gpu = gpu
        self.serial = gpu.serial
        self.sensor = sensor
        self._kept: dict[str, Image] = {}
        self._numbers = itertools.count(1)
        self._buffers: dict[str, Any] = {}
        self._facts: dict[tuple[int, int], Any] = {}
        self.mosaic = self.take(samples, sensor)

    def take(self, samples: NDArray[np.float32], sensor: Sensor) -> Image:
        """Another window, in the same buffers where it fits."""
        self.sensor = sensor
        self._facts = {}
        planes, height, width = samples.shape
        self.mosaic = self.new("mosaic", planes, height, width)
        self.gpu.write(self.mosaic.buffer, samples)
        return self.mosaic

    def fresh(self, name: str, made_from: tuple[Any, ...]) -> Image | None:
        """The image of this name if it was made from just that."""
        image = self._kept.get(name)
        return image if image and image.made_from == made_from else None

    def new(self, name: str, planes: int, height: int, width: int, made_from: tuple[Any, ...] = ()) -> Image:
        """An image to be filled."""
        old = self._kept.get(name)
        buffer = self._fitting(old.buffer if old else None, 4 * planes * height * width)
        image = self._kept[name] = Image(buffer, planes, height, width, next(self._numbers), made_from)
        return image

    def shared(self, name: str, size: int) -> Any:
        """A buffer whose content lasts as long as one stage or one read."""
        self._buffers[name] = self._fitting(self._buffers.get(name), size)
        return self._buffers[name]

    def run(
        self,
        commands: Any,
        code: Code,
        state: State,
        name: str,
        numbers: Sequence[float],
        outs: Sequence[Any],
        size: tuple[int, int],
        given: Sequence[Any] = (),
    ) -> None:
        """One pass that reads `state` (and `given`) and writes `outs`, over `size` (height, width).

        Its parameters are in a buffer under its own name, for all passes' are written before the first one runs.
        """
        values = np.array(list(numbers) or [0.0], np.float32)
        buffer = self.shared(f"values of {name}", values.nbytes)
        self.gpu.write(buffer, values)
        facts = self._facts_for(state.image.height, state.image.width)
        self.gpu.dispatch(commands, code, [facts, buffer, *state.buffers, *given, *outs], size[1], size[0])

    def read(self, state: State, region: tuple[int, int, int, int] | None) -> NDArray[np.float32]:
        """An image, or a region (left, top, width, height) of it, `[C, H, W]`."""
        image = state.image
        left, top, width, height = region or (0, 0, image.width, image.height)
        shape = (image.planes, height, width)
        if not state.luma and (height, width) == (image.height, image.width):
            return self.gpu.read(image.buffer, np.float32, shape)
        out, commands = self.shared("cropped", 4 * image.planes * height * width), self.gpu.commands()
        code, numbers = shader.crop(state.source, self.sensor), (left, top, width, height, width, height)
        self.run(commands, code, state, "crop", numbers, [out], (height, width))
        self.gpu.submit(commands)
        return self.gpu.read(out, np.float32, shape)

    def display(
        self, state: State, region: tuple[float, float, float, float], size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """A region of an image on a canvas of this height and width, RGBA `[H, W, 4]`."""
        canvas, commands = self.shared("canvas", 4 * size[0] * size[1]), self.gpu.commands()
        code = shader.display(state.source, self.sensor)
        self.run(commands, code, state, "display", (*region, size[1], size[0]), [canvas], size)
        self.gpu.submit(commands)
        return self.gpu.read(canvas, np.uint8, (*size, 4))

    def _fitting(self, buffer: Any, size: int) -> Any:
        """`buffer`, or another where it is too small or a waste."""
        if size > self.gpu.largest:
            raise GpuError(f"An image of {size >> 20} MiB is more than a buffer of '{self.gpu.name}' holds: use tiles.")
        fits = buffer is not None and size <= buffer.size <= max(4 * size, 1 << 16)
        return buffer if fits else self.gpu.buffer(size)

    def _facts_for(self, height: int, width: int) -> Any:
        if (height, width) not in self._facts:
            facts = (*self.sensor.origin, *self.sensor.size, self.sensor.white, *self.sensor.black)
            packed = np.frombuffer(struct.pack(FACTS, width, height, *facts), np.uint8)
            self._facts[height, width] = self.gpu.buffer(packed.nbytes)
            self.gpu.write(self._facts[height, width], packed)
        return self._facts[height, width]
