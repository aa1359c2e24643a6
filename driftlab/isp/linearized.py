"""The data model around its nominal settings: what goes into every stage, and how the target hangs on what comes out.

Derivatives go backward stage by stage (one pass for all parameters) and forward from the stage of every parameter, the
tangents as one batch that grows on its way. They end where pixels are last mixed: what follows treats every pixel by
itself, so that the backward pass already holds its share, pixel by pixel.

Torch's forward mode has one level for the whole process: only one thread may be here at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
SIDE: Final = 384


@dataclass(frozen=True, slots=True)
class Active:
    """A parameter that has an effect under the settings: its stage is on and its choices are made."""

    key: str
    stage: Stage
    param: Param
    value: float
    #: The kind of derivative that its stage gives, under these choices.
    kind: Gradient


def actives(settings: Settings) -> Iterator[Active]:
    """The active parameters, in the order of the pipeline."""
    for key, stage, param in settings.pipeline.parameters():
        choices = {choice.name: settings[f"{stage.name}.{choice.name}"] for choice in stage.choices}
        if settings[f"{stage.name}.on"] and param.active(choices):
            yield Active(key, stage, param, settings.number(key), stage.gradient_of(param, choices))


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Settings, every stage of their pipeline as a pipeline of its own, and the last stage that mixes pixels (or −1).

    `neutral` says of each stage whether it is the identity.
    """

    settings: Settings
    steps: tuple[Pipeline, ...]
    neutral: tuple[bool, ...]
    last_mixing: int


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
        passes = number > 0 and not chain.neutral[number]
        by_image, by_own = _pulled(chain, number, inputs[number : number + 2], keys, pull, cut.sensor, passes)
        gradients |= by_own
        pull = pull if by_image is None else by_image
        pulls.append(pull)
    return Linearized(tuple(inputs[:-1]), tuple(reversed(pulls[:-1])), gradients)


def _pulled(
    chain: Chain,
    number: int,
    ends: Sequence[Tensor],
    keys: Sequence[str],
    pull: Tensor,
    sensor: Sensor,
    passes: bool,
) -> tuple[Tensor | None, dict[str, float]]:
    """`pull`, dz/d(output of a stage), -> dz/d(input), if `passes`, and dz/dt of its parameters among `keys`.

    `ends` are what goes in and what comes out.
    """
    step, image = chain.steps[number], ends[0].detach().requires_grad_(passes)
    own = {key: image.new_tensor(chain.settings.number(key), requires_grad=True) for key in keys if key in step.keys}
    with torch.enable_grad():
        if not own:
            return (_grad(run(image, chain.settings, sensor, step), [image], pull)[0] if passes else None), {}
        out = run(image, {**chain.settings, **own}, sensor, step)
        if passes and not torch.equal(out, ends[1]):
            # Plain numbers leave needless arithmetic out; it would move what lies on the very edge of a clip.
            by_image = _grad(run(image, chain.settings, sensor, step), [image], pull)[0]
            return by_image, _numbers(own, _grad(out, list(own.values()), pull))
        found = _grad(out, [*own.values(), *([image] if passes else [])], pull)
        return (found[-1] if passes else None), _numbers(own, found)


def _grad(out: Tensor, wanted: Sequence[Tensor], pull: Tensor) -> Sequence[Tensor]:
    if not out.requires_grad:  # it hangs on none of them, such as on the kernel of a monochrome demosaic
        return [torch.zeros_like(each) for each in wanted]
    return torch.autograd.grad(out, wanted, pull, allow_unused=True, materialize_grads=True)


def _numbers(keys: Iterable[str], gradients: Sequence[Tensor]) -> dict[str, float]:
    return {key: float(gradient) for key, gradient in zip(keys, gradients, strict=False)}


def pixel_maps(chain: Chain, piece: Piece, at: Linearized, keys: Sequence[str]) -> Tensor:
    """Σ over colors of dz/dI · dI/dt for every parameter, `[len(keys), h, w]` on the piece's pixels."""
    cut, moving = piece.window, list[Tensor]()  # the tangents of what has passed a stage, and whose they are
    maps, movers = dict[str, Tensor](), list[str]()
    with torch.no_grad(), forward_ad.dual_level():
        for number, step in enumerate(chain.steps):
            if moving and not chain.neutral[number]:
                moving = [_pushed(chain, number, at.inputs[number], torch.cat(moving), cut.sensor)]
            if own := [key for key in keys if key in step.keys]:
                moving.append(_begun(chain, number, at.inputs[number], own, cut.sensor))
                movers += own
            if moving and number >= chain.last_mixing:
                met = (torch.cat(moving) * at.pulls[number]).sum(1)[:, cut.rows, cut.columns]
                maps |= zip(movers, met, strict=True)
                moving, movers = [], []
    return torch.stack([maps[key] for key in keys])


def _begun(chain: Chain, number: int, image: Tensor, keys: Sequence[str], sensor: Sensor) -> Tensor:
    """The derivative of what comes out of a stage by its parameters, `[len(keys), C, h, w]`."""
    count, values, stage = len(keys), dict[str, Any](chain.settings), chain.steps[number].stages[0]
    tangents = dict(zip(keys, torch.eye(count, dtype=image.dtype, device=image.device), strict=True))
    for key in (f"{stage.name}.{param.name}" for param in stage.params if not param.integer):
        # All parameters of a stage have one shape: one value for each rendering.
        value = image.new_full((count,), chain.settings.number(key))
        values[key] = forward_ad.make_dual(value, tangents[key]) if key in tangents else value
    return _tangent(run(image, values, sensor, chain.steps[number]), count)


def _pushed(chain: Chain, number: int, image: Tensor, tangents: Tensor, sensor: Sensor) -> Tensor:
    """Tangents `[N, C, h, w]` of what goes into a stage -> of what comes out of it."""
    # Blocks are rounded, often from the middle between two steps: they must come out as they did nominally, to the last
    # bit, and a batch adds up in another order.
    together = 1 if chain.steps[number].stages[0].block > 1 else len(tangents)
    moved = []
    for part in tangents.split(together):
        dual = forward_ad.make_dual(image.repeat(len(part), 1, 1, 1), part)
        moved.append(_tangent(run(dual, chain.settings, sensor, chain.steps[number]), len(part)))
    return torch.cat(moved)


def _tangent(dual: Tensor, count: int) -> Tensor:
    primal, tangent = forward_ad.unpack_dual(dual)
    if tangent is None:  # it does not hang on these parameters, such as a blur of nothing
        return torch.zeros(count, *primal.shape[1:]).to(primal)
    assert isinstance(tangent, Tensor)
    return tangent.expand(count, -1, -1, -1)
