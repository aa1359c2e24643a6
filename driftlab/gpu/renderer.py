"""Runs a pipeline's stages on the GPU: one window of samples, an image kept for every stage, only what is stale anew.

A stage's image knows what it was made from (the image before it, by number, and the values in force), so a changed
parameter costs its own stage and those after it. Pointwise stages that follow each other run in one pass. The renderer
knows no frame larger than one window and no particular stage; a stage without a shader is asked of `fallback`.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from driftlab.gpu import shader
from driftlab.gpu.device import Gpu, GpuError
from driftlab.gpu.prelude import FACTS
from driftlab.gpu.shader import Source
from driftlab.isp.stage import Domain, NoShader, Pass, Passes, Point, Sensor, Shader, Stage

__all__ = ["Fallback", "Renderer"]

R = TypeVar("R")
Array = NDArray[np.float32]

#: What a stage gives for an image `[C, H, W]`, its values and the sensor, from elsewhere.
Fallback = Callable[[Stage, Array, Mapping[str, Any], Sensor], Array]


@dataclass(frozen=True, slots=True)
class _Image:
    """What a stage gave, or the mosaic: where it lies, and what it was made from."""

    buffer: Any
    planes: int
    height: int
    width: int
    number: int
    made_from: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class _State:
    """An image on its way through the stages; `luma` is that of its luma stages so far."""

    image: _Image
    luma: _Image | None = None

    @property
    def source(self) -> Source:
        return Source(self.image.planes, self.luma is not None)

    @property
    def numbers(self) -> tuple[int, ...]:
        return (self.image.number, self.luma.number if self.luma else 0)

    @property
    def buffers(self) -> list[Any]:
        return [self.image.buffer, self.luma.buffer] if self.luma else [self.image.buffer]


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
        self._numbers = itertools.count(1)
        self._settings: Mapping[str, Any] = {}
        self._window: tuple[Array, Sensor] | None = None
        self._mosaic: _Image | None = None
        self._forget()

    def upload(self, samples: Array, sensor: Sensor) -> None:
        """Take a window of samples `[C, H, W]` in DN; `sensor` knows where in the frame it lies."""
        self._window = samples, sensor
        self._mosaic = None

    def render(self, settings: Mapping[str, Any], until: str | None = None) -> None:
        """Compute what these settings (a value for every key) have made stale, up to the stage named by `until`."""
        self._settings = settings
        self._safely(lambda: self._state(until))

    def read(self, until: str | None = None, region: tuple[int, int, int, int] | None = None) -> Array:
        """The picture or the output of a stage, or a region (left, top, width, height) of it, `[C, H, W]`."""
        return self._safely(lambda: self._read(self._state(until), region))

    def size(self, until: str | None = None) -> tuple[int, int]:
        """Height and width of the picture, or of the output of a stage."""
        image = self._safely(lambda: self._state(until)).image
        return image.height, image.width

    def display(
        self, region: tuple[float, float, float, float], size: tuple[int, int], until: str | None = None
    ) -> NDArray[np.uint8]:
        """A region (left, top, width, height) of the picture on a canvas of this height and width, RGBA `[H, W, 4]`.

        Only the canvas crosses the bus. A pixel of it is the mean of what it covers, enlarged, the nearest sample.
        """
        return self._safely(lambda: self._display(self._state(until), region, size))

    def planes(self, settings: Mapping[str, Any], sensor: Sensor) -> tuple[int, int]:
        """How many numbers a sample takes with these settings: in the largest image, and in all that are kept."""
        most = 1 if sensor.cfa.kind != "linear" else 3
        kept = now = most
        for stage in self._stages:
            values = {name: settings[f"{stage.name}.{name}"] for name in _names(stage)}
            written = _written(stage, values, sensor)
            if isinstance(written, Passes):
                gives = [this.gives for this in written.passes]
                most, kept, now = max(most, *gives), kept + sum(gives), max(now, gives[-1])
            elif written is not None:
                kept += now
        return most, kept

    def _safely(self, work: Callable[[], R]) -> R:
        """`work`, once again on a new device where the old one was lost."""
        if self._window is None:
            raise GpuError("There is no frame to render: upload one first.")
        if self._serial != self.gpu.serial:
            self._forget()
        try:
            return work()
        except self.gpu.failures:
            self.gpu.reopen()
            self._forget()
        except BaseException:
            self._forget()  # images may have been promised that were not made
            raise
        try:
            return work()
        except self.gpu.failures as error:
            self._forget()
            raise GpuError(f"The GPU '{self.gpu.name}' failed twice: {' '.join(str(error).split())}.") from error

    def _forget(self) -> None:
        """Every buffer: they were another device's."""
        self._serial = self.gpu.serial
        self._mosaic = None
        self._images: dict[str, _Image] = {}
        self._scratch: dict[str, Any] = {}
        self._facts: dict[bytes, Any] = {}
        self._values: dict[str, Any] = {}

    def _state(self, until: str | None) -> _State:
        """Walk through the stages; what is fresh costs nothing."""
        assert self._window is not None
        samples, sensor = self._window
        if self._mosaic is None:
            planes, height, width = samples.shape
            self._mosaic = self._new("mosaic", planes, height, width)
            self.gpu.write(self._mosaic.buffer, samples)
        work = _Work(self, sensor, _State(self._mosaic))
        self.fallbacks = {}
        for stage in self._stages:
            work.take(stage, {name: self._settings[f"{stage.name}.{name}"] for name in _names(stage)})
            if stage.name == until:
                break
        return work.done()

    def _new(self, name: str, planes: int, height: int, width: int, made_from: tuple[Any, ...] = ()) -> _Image:
        """An image for a stage's output, in the buffer of the old one where it fits."""
        old, size = self._images.get(name), 4 * planes * height * width
        if size > self.gpu.largest:
            raise GpuError(f"{height} × {width} pixels are more than one buffer of '{self.gpu.name}' holds: use tiles.")
        fits = old is not None and size <= old.buffer.size <= max(4 * size, 1 << 16)
        buffer = old.buffer if old and fits else self.gpu.buffer(size)
        image = self._images[name] = _Image(buffer, planes, height, width, next(self._numbers), made_from)
        return image

    def _shared(self, name: str, size: int) -> Any:
        """A buffer whose content lasts as long as one stage or one read."""
        if name not in self._scratch or self._scratch[name].size < size:
            self._scratch[name] = self.gpu.buffer(size)
        return self._scratch[name]

    def _facts_of(self, sensor: Sensor, height: int, width: int) -> Any:
        packed = struct.pack(FACTS, width, height, *sensor.origin, *sensor.size, sensor.white, *sensor.black)
        if packed not in self._facts:
            self._facts[packed] = self.gpu.buffer(len(packed))
            self.gpu.write(self._facts[packed], np.frombuffer(packed, np.uint8))
        return self._facts[packed]

    def _packed(self, name: str, numbers: Sequence[float]) -> Any:
        """A buffer of parameters; one for every pass, for all are written before the first runs."""
        values = np.array(numbers or [0.0], np.float32)
        if name not in self._values or self._values[name].size < values.nbytes:
            self._values[name] = self.gpu.buffer(values.nbytes)
        self.gpu.write(self._values[name], values)
        return self._values[name]

    def _pass(
        self, commands: Any, code: shader.Code, state: _State, name: str, numbers: Sequence[float],
        outs: Sequence[Any], size: tuple[int, int], sensor: Sensor, given: Sequence[Any] = (),
    ) -> None:  # fmt: skip
        """One pass that reads `state` (and `given`) and writes `outs`, over `size` (height, width)."""
        facts = self._facts_of(sensor, state.image.height, state.image.width)
        values = self._packed(name, numbers)
        self.gpu.dispatch(commands, code, [facts, values, *state.buffers, *given, *outs], size[1], size[0])

    def _read(self, state: _State, region: tuple[int, int, int, int] | None = None) -> Array:
        assert self._window is not None
        image, sensor = state.image, self._window[1]
        left, top, width, height = region or (0, 0, image.width, image.height)
        shape = (image.planes, height, width)
        if not state.luma and (height, width) == (image.height, image.width):
            return self.gpu.read(image.buffer, np.float32, shape)
        buffer = self._shared("cropped", 4 * image.planes * height * width)
        commands = self.gpu.commands()
        code, numbers = shader.crop(state.source, sensor), (left, top, width, height, width, height)
        self._pass(commands, code, state, "cropped", numbers, [buffer], (height, width), sensor)
        self.gpu.submit(commands)
        return self.gpu.read(buffer, np.float32, shape)

    def _display(
        self, state: _State, region: tuple[float, float, float, float], size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        assert self._window is not None
        sensor, canvas = self._window[1], self._shared("canvas", 4 * size[0] * size[1])
        commands = self.gpu.commands()
        code = shader.display(state.source, sensor)
        self._pass(commands, code, state, "canvas", (*region, size[1], size[0]), [canvas], size, sensor)
        self.gpu.submit(commands)
        return self.gpu.read(canvas, np.uint8, (*size, 4))


class _Work:
    """One walk of an image through the stages: gathers pointwise ones, runs what is stale, submits at the end."""

    def __init__(self, renderer: Renderer, sensor: Sensor, state: _State) -> None:
        self._renderer = renderer
        self._sensor = sensor
        self._state = self._start = state  # now, and before the stages in `_run`
        self._run: list[tuple[Stage, Point, Sequence[float], _Image]] = []
        self._commands: Any = None

    def take(self, stage: Stage, values: Mapping[str, Any]) -> None:
        """The next stage."""
        written = _written(stage, values, self._sensor)
        if written is None:
            return
        choices = {c.name: values[c.name] for c in stage.choices}
        state, renderer = self._state, self._renderer
        if stage.reads == Domain.LUMA and state.luma is None:
            state = self._luma(state)
        active = tuple(values[q.name] for q in stage.params if q.active(choices))
        made_from = (state.numbers, values["on"], tuple(choices.values()), active)
        image = renderer._images.get(stage.name)
        if isinstance(written, NoShader):
            renderer.fallbacks[stage.name] = written.reason
        if image is None or image.made_from != made_from:
            image = self._compute(stage, written, values, state, made_from)
            renderer.runs[stage.name] += 1
        self._state = _State(state.image, image) if stage.reads == Domain.LUMA else _State(image)
        if not self._run:
            self._start = self._state

    def done(self) -> _State:
        """The end: all is submitted."""
        self._flush()
        self._submit()
        return self._state

    def _compute(
        self, stage: Stage, written: Point | Passes | NoShader, values: Mapping[str, Any], state: _State, made_from: Any
    ) -> _Image:
        """The stage's new image; a pointwise stage's is filled when the run that it ends is flushed."""
        numbers = [float(values[q.name]) for q in stage.params]
        image = state.luma if stage.reads == Domain.LUMA else state.image
        assert image is not None
        if isinstance(written, Point):
            new = self._renderer._new(stage.name, image.planes, image.height, image.width, made_from)
            self._run.append((stage, written, numbers, new))
            return new
        self._flush()
        if isinstance(written, NoShader):
            return self._elsewhere(stage, written, image, values, made_from)
        if stage.reads == Domain.LUMA:
            state = _State(image)
        return self._sweeps(stage, written, numbers, state, made_from)

    def _sweeps(self, stage: Stage, written: Passes, numbers: Sequence[float], state: _State, made_from: Any) -> _Image:
        renderer, last = self._renderer, len(written.passes) - 1
        given: list[Any] = []
        for number, this in enumerate(written.passes):
            height, width = _extent(this, state.image)
            if number == last:
                new = renderer._new(stage.name, this.gives, height, width, made_from)
                out = new.buffer
            else:
                out = renderer._shared(f"given {number % 2}", 4 * this.gives * height * width)
            code = shader.sweep(state.source, stage, written, number, self._sensor)
            name = f"{stage.name} {number}"
            renderer._pass(self._encoder(), code, state, name, numbers, [out], (height, width), self._sensor, given)
            given = [out]
        return new

    def _elsewhere(
        self, stage: Stage, written: NoShader, image: _Image, values: Mapping[str, Any], made_from: Any
    ) -> _Image:
        renderer = self._renderer
        if renderer._fallback is None:
            raise GpuError(f"The stage {stage.name} does not run on the GPU with this choice: {written.reason}.")
        self._submit()
        given = renderer._read(_State(image) if stage.reads == Domain.LUMA else self._state)
        result = np.ascontiguousarray(renderer._fallback(stage, given, values, self._sensor))
        planes, height, width = result.shape
        new = renderer._new(stage.name, planes, height, width, made_from)
        renderer.gpu.write(new.buffer, result)
        return new

    def _luma(self, state: _State) -> _State:
        """`state` with its luma, that the luma stages go on from."""
        self._flush()
        image, made_from = state.image, state.numbers
        luma = self._renderer._images.get("luma")
        if luma is None or luma.made_from != made_from:
            luma = self._renderer._new("luma", 1, image.height, image.width, made_from)
            size = (image.height, image.width)
            code = shader.luma(state.source, self._sensor)
            self._renderer._pass(self._encoder(), code, state, "luma", (), [luma.buffer], size, self._sensor)
        return _State(image, luma)

    def _flush(self) -> None:
        """Run the pointwise stages gathered so far, in one pass."""
        if not self._run:
            return
        run, start = self._run, self._start
        code = shader.fused(start.source, [(stage, point) for stage, point, _, _ in run], self._sensor)
        numbers = [n for _, _, numbers, _ in run for n in numbers]
        outs = [image.buffer for *_, image in run]
        size = (start.image.height, start.image.width)
        name = f"run {run[0][0].name}"
        self._renderer._pass(self._encoder(), code, start, name, numbers, outs, size, self._sensor)
        self._run, self._start = [], self._state

    def _encoder(self) -> Any:
        if self._commands is None:
            self._commands = self._renderer.gpu.commands()
        return self._commands

    def _submit(self) -> None:
        if self._commands is not None:
            self._renderer.gpu.submit(self._commands)
            self._commands = None


def _names(stage: Stage) -> list[str]:
    return ["on", *(c.name for c in stage.choices), *(q.name for q in stage.params)]


def _written(stage: Stage, values: Mapping[str, Any], sensor: Sensor) -> Shader | None:
    """The stage's shader for these values; None where it leaves the image as it is."""
    wgsl = stage.wgsl if values["on"] else stage.wgsl_off
    if wgsl is None or (values["on"] and stage.is_neutral(values)):
        return None
    return wgsl({c.name: values[c.name] for c in stage.choices}, sensor)


def _extent(this: Pass, image: _Image) -> tuple[int, int]:
    """Height and width of what a pass gives."""
    height, width = (-(-(side // this.shrink) // this.grid) * this.grid for side in (image.height, image.width))
    return height, width
