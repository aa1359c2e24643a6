"""The data model around its nominal settings: what goes into every stage, and how the target hangs on what comes out.

Derivatives go backward stage by stage (one pass for all parameters) and forward from the stage of a parameter, whose
tangents run as one batch. They end where pixels are last mixed: what follows treats every pixel by itself, so that the
backward pass already holds its share, pixel by pixel.

Torch's forward mode has one level for the whole process: only one thread may be here at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd import forward_ad

from driftlab.isp.develop import Region, Window, window
from driftlab.isp.pipeline import Pipeline, run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Gradient, Param, Sensor, Stage, Values
from driftlab.raw.frame import RawFrame

__all__ = ["Active", "Chain", "Linearized", "Piece", "actives", "chain_of", "linearized", "pieces", "pixel_maps"]

#: The side of a piece in pixels: a batch of its tangents stays in some tens of megabytes.
SIDE: Final = 512


@dataclass(frozen=True, slots=True)
class Active:
    """A parameter that has an effect under the settings: its stage is on and its choices are made."""

    key: str
    stage: Stage
    param: Param
    value: float

    @property
    def kind(self) -> Gradient:
        """The kind of derivative that its stage gives."""
        return self.stage.gradient_of(self.param)


def actives(settings: Settings) -> Iterator[Active]:
    """The active parameters, in the order of the pipeline."""
    for key, stage, param in settings.pipeline.parameters():
        choices = {choice.name: settings[f"{stage.name}.{choice.name}"] for choice in stage.choices}
        if settings[f"{stage.name}.on"] and param.active(choices):
            yield Active(key, stage, param, settings.number(key))


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Settings, every stage of their pipeline as a pipeline of its own, and the last stage that mixes pixels (or −1).

    `neutral` says of each stage whether it is the identity.
    """

    settings: Settings
    steps: tuple[Pipeline, ...]
    neutral: tuple[bool, ...]
    last_mixing: int

    def meeting(self, number: int) -> int:
        """The stage at whose output the tangents of stage `number` meet what comes back from the target."""
        return max(number, self.last_mixing)


def chain_of(settings: Settings, sensor: Sensor) -> Chain:
    """The chain of a frame's settings."""
    pipeline, like = settings.pipeline, torch.zeros(())
    neutral, last = [], -1
    for number, stage in enumerate(pipeline.stages):
        values = {name: settings[key] for name, key in pipeline.names[stage.name]}
        neutral.append(bool(values["on"] and stage.is_neutral(values)))
        if values["on"] and not neutral[-1]:
            p = Values(values, like)
            if stage.reach(p, sensor) or stage.shrink(p, sensor) > 1 or stage.block > 1:
                last = number
    steps = tuple(Pipeline(stage.name, stage.help, (stage,)) for stage in pipeline.stages)
    return Chain(settings, steps, tuple(neutral), last)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a region, ready to run; `rows` and `columns` are its place in the region."""

    window: Window
    rows: slice
    columns: slice

    def picture(self, settings: Settings) -> Tensor:
        """Display RGB `[1, 3, h, w]` of the piece, as `develop` makes it."""
        with torch.no_grad():
            return self.window.run(settings, settings)


def pieces(frame: RawFrame, settings: Settings, region: Region, dtype: torch.dtype) -> list[Piece]:
    """The region in pieces of at most `SIDE` × `SIDE` pixels, whose samples are of this dtype."""
    found = []
    for top in range(0, region.height, SIDE):
        for left in range(0, region.width, SIDE):
            height, width = min(SIDE, region.height - top), min(SIDE, region.width - left)
            cut = window(frame, settings, Region(region.left + left, region.top + top, width, height))
            cut = replace(cut, image=cut.image.to(dtype))
            found.append(Piece(cut, slice(top, top + height), slice(left, left + width)))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Linearized:
    """A piece at its nominal settings.

    `inputs` are what goes into every stage, `pulls` the target's derivative by what comes out of it, both
    `[1, C, h, w]` over the whole window; `gradients` the piece's share of dz/dt of every parameter by its key.
    """

    inputs: tuple[Tensor, ...]
    pulls: tuple[Tensor, ...]
    gradients: Mapping[str, float]


def linearized(chain: Chain, piece: Piece, by_picture: Tensor, keys: Sequence[str]) -> Linearized:
    """One pass forward and one backward; `by_picture` is dz/dI of the region, `[1, 3, H, W]`."""
    cut, settings = piece.window, chain.settings
    inputs = [cut.image]
    with torch.no_grad():
        for step in chain.steps:
            inputs.append(run(inputs[-1], settings, cut.sensor, step))
        pull = torch.zeros_like(inputs[-1])
        pull[..., cut.rows, cut.columns] = by_picture[..., piece.rows, piece.columns]
    pulls, gradients = [pull], dict[str, float]()
    for number in reversed(range(len(chain.steps))):
        own = [key for key in keys if key in chain.steps[number].keys]
        leaves = {key: inputs[0].new_tensor(settings.number(key), requires_grad=True) for key in own}
        found = _pulled(chain, number, inputs[number], leaves, list(leaves.values()), pull, cut.sensor)
        gradients |= {key: float(grad) for key, grad in zip(own, found, strict=True)}
        # By itself, with plain numbers: arithmetic that they make needless would move what lies on the edge of a clip.
        if number > 0 and not chain.neutral[number]:
            image = inputs[number].detach().requires_grad_()
            (pull,) = _pulled(chain, number, image, {}, [image], pull, cut.sensor)
        pulls.append(pull)
    return Linearized(tuple(inputs[:-1]), tuple(reversed(pulls[:-1])), gradients)


def _pulled(
    chain: Chain,
    number: int,
    image: Tensor,
    leaves: Mapping[str, Tensor],
    wanted: Sequence[Tensor],
    pull: Tensor,
    sensor: Sensor,
) -> Sequence[Tensor]:
    """`pull`, dz/d(output of a stage), -> dz/d(what is wanted): its input `image`, or parameters in `leaves`."""
    if not wanted:
        return ()
    with torch.enable_grad():
        out = run(image, {**chain.settings, **leaves}, sensor, chain.steps[number])
        if not out.requires_grad:  # it does not hang on any of them, such as on the kernel of a monochrome demosaic
            return [torch.zeros_like(each) for each in wanted]
        return torch.autograd.grad(out, wanted, pull, allow_unused=True, materialize_grads=True)


def pixel_maps(chain: Chain, piece: Piece, at: Linearized, number: int, keys: Sequence[str]) -> Tensor:
    """Σ over colors of dz/dI · dI/dt for parameters of stage `number`, `[len(keys), h, w]` on the piece's pixels."""
    cut, meeting = piece.window, chain.meeting(number)
    image, count = at.inputs[number], len(keys)
    with torch.no_grad(), forward_ad.dual_level():
        values: dict[str, Any] = dict(chain.settings)
        for key, tangent in zip(keys, torch.eye(count, dtype=image.dtype, device=image.device), strict=True):
            values[key] = forward_ad.make_dual(image.new_full((count,), chain.settings.number(key)), tangent)
        moved = _tangent(run(image, values, cut.sensor, chain.steps[number]), count)
        for later in range(number + 1, meeting + 1):
            if not chain.neutral[later]:
                # Blocks are rounded, often from the middle between two steps: they must come out as they did nominally,
                # to the last bit, and a batch adds up in another order.
                together = 1 if chain.steps[later].stages[0].block > 1 else count
                parts = moved.split(together)
                moved = torch.cat([_pushed(chain, later, at.inputs[later], part, cut.sensor) for part in parts])
    return (moved * at.pulls[meeting]).sum(1)[:, cut.rows, cut.columns]


def _pushed(chain: Chain, number: int, image: Tensor, tangents: Tensor, sensor: Sensor) -> Tensor:
    """Tangents `[N, C, h, w]` of what goes into a stage -> of what comes out of it."""
    dual = forward_ad.make_dual(image.repeat(len(tangents), 1, 1, 1), tangents)
    return _tangent(run(dual, chain.settings, sensor, chain.steps[number]), len(tangents))


def _tangent(dual: Tensor, count: int) -> Tensor:
    primal, tangent = forward_ad.unpack_dual(dual)
    if tangent is None:  # it does not hang on these parameters, such as a blur of nothing
        return torch.zeros(count, *primal.shape[1:]).to(primal)
    assert isinstance(tangent, Tensor)
    return tangent.expand(count, -1, -1, -1)
