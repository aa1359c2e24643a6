"""One walk through a pipeline's stages: what is fresh is passed by, what is stale is computed.

Pointwise stages that follow each other run in one pass, which keeps what each of them gives. Luma stages work on the
luma, and its change is added to all three colors where the next stage reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftlab.gpu import shader
from driftlab.gpu.device import GpuError
from driftlab.gpu.images import Image, Images, State
from driftlab.isp.stage import Domain, NoShader, Pass, Passes, Point, Sensor, Shader, Stage

__all__ = ["Fallback", "Walk", "values_of", "written"]

#: What a stage gives for an image `[C, H, W]`, its values and the sensor, from elsewhere.
Fallback = Callable[[Stage, NDArray[np.float32], Mapping[str, Any], Sensor], NDArray[np.float32]]


def values_of(stage: Stage, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The stage's own values, by the names that they have in it."""
    return {key.partition(".")[2]: settings[key] for key in stage.keys}


def written(stage: Stage, values: Mapping[str, Any], sensor: Sensor) -> Shader | None:
    """The stage's shader for these values; None where it leaves the image as it is."""
    wgsl = stage.wgsl if values["on"] else stage.wgsl_off
    if wgsl is None or (values["on"] and stage.is_neutral(values)):
        return None
    return wgsl({c.name: values[c.name] for c in stage.choices}, sensor)


class Walk:
    """One walk of an image through the stages: gathers pointwise ones, runs what is stale, submits at the end.

    `ran` are the stages that were computed, `elsewhere` why some of them were not computed here.
    """

    def __init__(self, images: Images, fallback: Fallback | None) -> None:
        self.ran: list[str] = []
        self.elsewhere: dict[str, str] = {}
        self._images = images
        self._sensor = images.sensor
        self._fallback = fallback
        self._state = self._start = State(images.mosaic)  # now, and before the stages in `_run`
        self._run: list[tuple[Stage, Point, Sequence[float], Image]] = []
        self._commands: Any = None

    def take(self, stage: Stage, values: Mapping[str, Any]) -> None:
        """The next stage."""
        choices = {c.name: values[c.name] for c in stage.choices}
        way = written(stage, values, self._sensor)
        if way is None:
            return
        state = self._state
        if stage.reads == Domain.LUMA and state.luma is None:
            state = self._luma(state)
        if isinstance(way, NoShader):
            self.elsewhere[stage.name] = way.reason
        active = tuple(values[q.name] for q in stage.params if q.active(choices))
        made_from = (state.numbers, values["on"], tuple(choices.values()), active)
        image = self._images.fresh(stage.name, made_from)
        if image is None:
            image = self._compute(stage, way, values, state, made_from)
            self.ran.append(stage.name)
        self._state = State(state.image, image) if stage.reads == Domain.LUMA else State(image)
        if not self._run:
            self._start = self._state

    def done(self) -> State:
        """The end: all is submitted."""
        self._flush()
        self._submit()
        return self._state

    def _compute(
        self, stage: Stage, way: Point | Passes | NoShader, values: Mapping[str, Any], state: State, made_from: Any
    ) -> Image:
        """The stage's new image; a pointwise stage's is filled when the run that it ends is flushed."""
        numbers = [float(values[q.name]) for q in stage.params]
        image = state.luma if stage.reads == Domain.LUMA else state.image
        assert image is not None
        if isinstance(way, Point):
            new = self._images.new(stage.name, image.planes, image.height, image.width, made_from)
            self._run.append((stage, way, numbers, new))
            return new
        self._flush()
        if isinstance(way, NoShader):
            return self._elsewhere(stage, way, image, values, made_from)
        if stage.reads == Domain.LUMA:
            state = State(image)
        return self._sweeps(stage, way, numbers, state, made_from)

    def _sweeps(self, stage: Stage, way: Passes, numbers: Sequence[float], state: State, made_from: Any) -> Image:
        images, last = self._images, len(way.passes) - 1
        given: list[Any] = []
        for number, this in enumerate(way.passes):
            height, width = _extent(this, state.image)
            if number == last:
                new = images.new(stage.name, this.gives, height, width, made_from)
                out = new.buffer
            else:
                out = images.shared(f"given {number % 2}", 4 * this.gives * height * width)
            code = shader.sweep(state.source, stage, way, number, self._sensor)
            name = f"{stage.name} {number}"
            images.run(self._encoder(), code, state, name, numbers, [out], (height, width), given)
            given = [out]
        return new

    def _elsewhere(self, stage: Stage, way: NoShader, image: Image, values: Mapping[str, Any], made_from: Any) -> Image:
        images = self._images
        if self._fallback is None:
            raise GpuError(f"The stage {stage.name} does not run on the GPU with this choice: {way.reason}.")
        self._submit()
        given = images.read(State(image) if stage.reads == Domain.LUMA else self._state, None)
        result = np.ascontiguousarray(self._fallback(stage, given, values, self._sensor))
        planes, height, width = result.shape
        new = images.new(stage.name, planes, height, width, made_from)
        images.gpu.write(new.buffer, result)
        return new

    def _luma(self, state: State) -> State:
        """`state` with its luma, that the luma stages go on from."""
        self._flush()
        image, made_from = state.image, state.numbers
        luma = self._images.fresh("luma", made_from)
        if luma is None:
            luma = self._images.new("luma", 1, image.height, image.width, made_from)
            size = (image.height, image.width)
            code = shader.luma(state.source, self._sensor)
            self._images.run(self._encoder(), code, state, "luma", (), [luma.buffer], size)
        return State(image, luma)

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
        self._images.run(self._encoder(), code, start, name, numbers, outs, size)
        self._run, self._start = [], self._state

    def _encoder(self) -> Any:
        if self._commands is None:
            self._commands = self._images.gpu.commands()
        return self._commands

    def _submit(self) -> None:
        if self._commands is not None:
            self._images.gpu.submit(self._commands)
            self._commands = None


def _extent(this: Pass, image: Image) -> tuple[int, int]:
    """Height and width of what a pass gives."""
    height, width = (-(-(side // this.shrink) // this.grid) * this.grid for side in (image.height, image.width))
    return height, width
