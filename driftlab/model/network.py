"""A network: whatever maps a tensor to a tensor, with what its file alone tells of it. No labels, no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from driftlab.model.card import Channels, Layout, ModelError

__all__ = ["Network", "claims_of_shape", "of_module", "only_tensor"]


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded model, before anybody knows what its numbers mean."""

    #: `[N, C, H, W]`, or `[N, H, W, C]` as the card's layout says, in `dtype` on `device` -> the raw output.
    call: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float32
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    #: The values of card keys that the file answers itself, such as a fixed input size.
    claims: Mapping[str, Any] = field(default_factory=dict)
    #: Why gradients do not pass, or None where they do.
    no_gradient: str | None = None


def of_module(module: torch.nn.Module, claims: Mapping[str, Any] | None = None) -> Network:
    """A torch module as a network: in evaluation mode, its weights frozen, in the dtype and on the device it has."""
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    held = next((tensor for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()), None)
    dtype, device = (held.dtype, held.device) if held is not None else (torch.float32, torch.device("cpu"))
    return Network(lambda inputs: only_tensor(module(inputs)), dtype, device, claims or {})


def only_tensor(output: Any) -> Tensor:
    """The tensor that matters in what a model returns: itself, `logits` or `out` of a mapping, the first of a tuple."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        named = next((output[name] for name in ("logits", "out") if name in output), None)
        if isinstance(named, torch.Tensor):
            return named
        output = tuple(output.values()) if len(output) == 1 else ()
    if isinstance(output, tuple | list) and output and isinstance(output[0], torch.Tensor):
        return output[0]
    raise ModelError("The model returns no tensor of outputs: wrap it in one that returns its logits alone.")


def claims_of_shape(name: str, shape: Sequence[object]) -> dict[str, Any]:
    """What the declared shape of an input tells: the layout, by where its channels are, and the size if it is fixed.

    A side that is no number stands for any length. `name` is what to call the model in an error.
    """
    sides = [side if isinstance(side, int) and side > 0 else None for side in shape]
    if len(sides) != 4:
        raise ModelError(f"{name} takes an input of {len(sides)} axes: export a model that takes one picture, of four.")
    claims: dict[str, Any] = {}
    height, width, channels = sides[2], sides[3], sides[1]
    if channels in (1, 3):
        claims["layout"] = Layout.NCHW
    elif sides[3] in (1, 3):
        height, width, channels = sides[1:]
        claims["layout"] = Layout.NHWC
    if channels == 1:
        claims["channels"] = Channels.GRAY
    if claims and height and width:
        claims["input_size"] = (height, width)
    return claims
