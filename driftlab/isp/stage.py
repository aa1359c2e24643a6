"""What a stage of the camera data model is: parameters, choices and a differentiable forward, declared together.

A stage is a value. It knows no other stage, no file, no task model and no window; everything that is told of it (its
slider, its line in a settings file, its row in a report) is read off this declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Literal

import torch
from torch import Tensor

from driftlab.errors import DriftlabError
from driftlab.raw.frame import CFA, RawFrame

__all__ = [
    "ROW",
    "Choice",
    "Domain",
    "Gradient",
    "IspError",
    "Lit",
    "NoShader",
    "Param",
    "Pass",
    "Passes",
    "Point",
    "Sensor",
    "Shader",
    "Source",
    "Stage",
    "Stated",
    "Value",
    "Values",
    "per_site",
    "stacked",
]

Value = float | str | bool
Gradient = Literal["exact", "surrogate", "none"]

#: The reach of a stage that reads whole rows of its input.
ROW: Final = -1


class IspError(DriftlabError):
    """Settings, parameters or pipelines that do not fit; the message is one sentence that names the mend."""


class Domain(StrEnum):
    """What an image between two stages is. All are `[B, C, H, W]`."""

    SAMPLES = "mosaic in DN"
    """What the sensor recorded, in DN: one channel, or three for a linear frame."""
    MOSAIC = "mosaic"
    """The same sites with the black level taken off: 0 is black, 1 is white."""
    CAMERA_RGB = "camera RGB"
    LINEAR_RGB = "linear RGB"
    LUMA = "luma"
    """One channel: the luma of linear RGB. Chroma stays as it is; the luma's change is added to all three colors."""
    DISPLAY_RGB = "display RGB"


def _nothing(frame: RawFrame) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A camera file states the value, which `Param.as_shot` reads, unless `missing` says why a frame does not.

    `how` tells in which way, where it is not plainly. What is `of_sensor` is asked of a file whatever the settings are;
    of other parameters the settings' own value counts where it is not the one as shot.
    """

    missing: Callable[[RawFrame], str] = _nothing
    how: str = ""
    of_sensor: bool = False


@dataclass(frozen=True, slots=True)
class Lit:
    """The light in the pixels speaks of the value: `at(nominal, ev)` is it where there are so many EV more light."""

    at: Callable[[float, float], float]


#: Where the value of a parameter is to be looked for in a camera's files: in what they state, in the light of their
#: pixels, in no file but the camera's driver or a measurement, or nowhere, since the data model's own settings are it.
Source = Stated | Lit | Literal["driver", "settings"]


@dataclass(frozen=True, slots=True)
class Param:
    """One scalar control of a stage.

    `low` and `high` are the soft range of a slider, `hard` is what may be typed. `as_shot` finds the default in a
    frame; without a frame it is `default`. `when` names the choices under which the parameter has an effect.
    `advanced` ones are weights, shown as a grid. A parameter with `integer` takes whole numbers and has no gradient.
    `source` is where a real camera's value is found; None leaves that to the stage, see `Stage.source_of`.
    """

    name: str
    label: str
    default: float
    low: float
    high: float
    hard: tuple[float, float]
    help: str
    unit: str = ""
    as_shot: Callable[[RawFrame], float] | None = None
    log: bool = False
    integer: bool = False
    advanced: bool = False
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: Source | None = None

    def active(self, choices: Mapping[str, Any]) -> bool:
        """Whether the parameter has an effect under these choices of its stage."""
        return all(choices[name] in options for name, options in self.when.items())


@dataclass(frozen=True, slots=True)
class Choice:
    """A discrete alternative of a stage. It changes the code that runs and has no gradient."""

    name: str
    label: str
    default: str
    options: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Sensor:
    """The facts of the frame that a stage may use: what the camera is, not what is done with its samples.

    `black` in DN for (r, g1, g2, b) and `white` in DN are the sensor's own, whatever the settings subtract; `step` is
    the DN between two of its numbers, 0 where its samples are not whole. `size` is
    that of the whole frame in samples, `origin` the place in it of the image's first sample, so that a tile develops
    as it would within the whole.
    """

    cfa: CFA
    black: tuple[float, float, float, float]
    white: float
    size: tuple[int, int]
    origin: tuple[int, int] = (0, 0)
    step: float = 1.0

    @classmethod
    def of(cls, frame: RawFrame) -> Sensor:
        """The facts of a whole frame."""
        some = frame.mosaic[:, :: frame.size[0] // 64 | 1, :: frame.size[1] // 64 | 1]  # odd: of every color
        return cls(frame.cfa, frame.black, frame.white, frame.size, step=float((some == some.round()).all()))

    def at(self, top: int, left: int) -> Sensor:
        """The same sensor for an image that begins at this sample of the frame."""
        return replace(self, cfa=self.cfa.shifted(top, left), origin=(top, left))


def stacked(*parameters: Tensor) -> Tensor:
    """Parameters that are used together, side by side: `[1, n]`, or `[B, n]` where any of them is a batch."""
    return torch.stack(torch.broadcast_tensors(*(each.reshape(-1) for each in parameters)), -1)


def per_site(values: Tensor, cfa: CFA, size: tuple[int, int]) -> Tensor:
    """One value for each of (r, g1, g2, b), `[..., 4]`, spread over the sites of a mosaic: `[..., 1, H, W]`.

    A linear frame takes `[..., 3, 1, 1]` (r, g1, b), a monochrome one `[..., 1, 1, 1]` (g1).
    """
    if cfa.kind == "linear":
        return values[..., [0, 1, 3], None, None]
    if cfa.kind == "mono":
        return values[..., 1, None, None, None]
    height, width = size
    tile = torch.tensor(cfa.channels(), device=values.device)
    rows, columns = tile.shape
    row_tile = values[..., tile].repeat(*[1] * (values.ndim - 1), 1, -(-width // columns))[..., :width]
    return row_tile.repeat(*[1] * (values.ndim - 1), -(-height // rows), 1)[..., None, :height, :]


class Values:
    """What a stage is run with, as attributes: parameters as tensors (0-d or `[B, 1, 1, 1]`), choices as strings."""

    def __init__(self, values: Mapping[str, Any], like: Tensor) -> None:
        self._given = values
        self._like = like

    def __getattr__(self, name: str) -> Any:
        try:
            value = self._given[name]
        except KeyError:
            raise AttributeError(f"the stage has no parameter or choice '{name}'") from None
        if isinstance(value, Tensor):
            value = value.to(self._like)
            return value.reshape(-1, 1, 1, 1) if value.ndim else value
        return self._like.new_tensor(value) if isinstance(value, int | float) else value

    def fixed(self, name: str, number: float) -> bool:
        """Whether a parameter is this plain number, so that the arithmetic it makes needless may be left out."""
        value = self._given[name]
        return not isinstance(value, Tensor) and bool(value == number)


Forward = Callable[[Tensor, Values, Sensor], Tensor]


@dataclass(frozen=True, slots=True)
class Point:
    """The WGSL of a stage that looks at one pixel at a time; such stages run fused.

    `body` is that of a function of the pixel `x` (vec3f), its place `at` (vec2i) and the parameters `p`. With `each` it
    is asked once for every color of a pixel: `x` is then a number (f32), and `plane` (i32) says which. `also` are
    functions that the body calls, their names begun with the stage's.
    """

    body: str
    each: bool = False
    also: str = ""


@dataclass(frozen=True, slots=True)
class Pass:
    """One sweep over an image: the body of a function of `at` and `p` that reads around.

    It finds the stage's input by `load(at, plane)` or `load3(at)` and what the pass before it gave by
    `before(at, plane)`, and returns `gives` numbers. Its result has one pixel for each square of `shrink`, and each
    side is then rounded up to a multiple of `grid`.
    """

    body: str
    gives: int
    shrink: int = 1
    grid: int = 1


@dataclass(frozen=True, slots=True)
class Passes:
    """The WGSL of a stage that reads around a pixel: one sweep after the other."""

    passes: tuple[Pass, ...]
    also: str = ""


@dataclass(frozen=True, slots=True)
class NoShader:
    """Why a stage does not run on the GPU; what draws there takes its output from torch."""

    reason: str


#: What `driftlab.gpu` runs. Besides the parameters a body may use what `gpu/prelude.py` declares.
Shader = Point | Passes | NoShader
Wgsl = Callable[[Mapping[str, str], Sensor], Shader]


def _identity(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    return image


def _no_reach(p: Values, sensor: Sensor) -> int:
    return 0


def _keeps_size(p: Values, sensor: Sensor) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the camera data model.

    `forward(image, p, sensor)` maps `[B, C, H, W]` to an image of the domain it writes and leaves its input
    untouched; `p` holds the parameters as tensors, 0-d or `[B, 1, 1, 1]`, and the choices as strings. `neutral` are
    parameter values and choices under which it is exactly the identity. `reach` is how many samples beyond a pixel
    it reads (`ROW`: whole rows), `shrink` how many pixels along a side become one, `block` the size of the squares
    that it works on. `off` is what happens where it is switched off; None where it can't be. `gradient` is "exact"
    where derivatives are those of the forward almost everywhere, "surrogate" where a step has been given a useful
    one, always or under the choices of `surrogate_when`. `wgsl` is the same step as a shader for these choices of this
    sensor, `wgsl_off` that of `off` if it does anything. A stage that `rounds` what passes through
    it makes steps, which a finite difference must be wide enough to average over.
    """

    name: str
    title: str
    help: str
    reads: Domain
    writes: Domain
    forward: Forward
    wgsl: Wgsl
    params: tuple[Param, ...] = ()
    choices: tuple[Choice, ...] = ()
    gradient: Gradient = "exact"
    surrogate_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neutral: Mapping[str, Value] | None = None
    reach: Callable[[Values, Sensor], int] = _no_reach
    shrink: Callable[[Values, Sensor], int] = _keeps_size
    block: int = 1
    off: Forward | None = _identity
    wgsl_off: Wgsl | None = None
    rounds: bool = False

    @property
    def keys(self) -> Iterator[str]:
        """Every key of the stage: its switch, its choices, its parameters."""
        for name in ("on", *(c.name for c in self.choices), *(q.name for q in self.params)):
            yield f"{self.name}.{name}"

    def gradient_of(self, param: Param, choices: Mapping[str, Any]) -> Gradient:
        """The kind of derivative that this parameter has under these choices of the stage."""
        if param.integer:
            return "none"
        chosen = any(choices[name] in options for name, options in self.surrogate_when.items())
        return "surrogate" if chosen else self.gradient

    def source_of(self, param: Param) -> Source:
        """Where a real camera's value is found; what is not said follows from where the stage stands.

        What works on the sensor's samples in DN is the camera's own; what comes after is set by whoever runs the model.
        """
        if param.source is not None:
            return param.source
        return "driver" if self.reads == Domain.SAMPLES else "settings"

    def is_neutral(self, values: Mapping[str, Any]) -> bool:
        """Whether plain numbers and choices (no tensors) make this stage the identity."""
        return self.neutral is not None and all(
            not isinstance(values[name], Tensor) and values[name] == value for name, value in self.neutral.items()
        )
