"""One network call, by its card: what the network is fed, and what its raw numbers mean as logits."""

from __future__ import annotations

import textwrap

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.model.card import Card, Channels, Layout, ModelError, Output, Task
from driftlab.model.network import Network

__all__ = ["normalize", "raw_output", "reason", "run"]

#: Rec. 601 luma: what PIL, OpenCV and torchvision call grayscale.
LUMA = (0.299, 0.587, 0.114)


def normalize(view: Tensor, card: Card) -> Tensor:
    """Display RGB `[N, 3, h, w]` in 0..1 -> the card's channels, scale, mean and std, `[N, C, h, w]`."""
    if card.channels is Channels.BGR:
        view = view.flip(1)
    elif card.channels is Channels.GRAY:
        view = (view * view.new_tensor(LUMA).reshape(3, 1, 1)).sum(1, keepdim=True)
    mean, std = (view.new_tensor(values).reshape(-1, 1, 1) for values in (card.mean, card.std))
    return (view * card.scale - mean) / std


def run(network: Network, card: Card, inputs: Tensor, batch: int) -> Tensor:
    """Model inputs `[N, C, h, w]` -> logits `[N, K]` or `[N, K, h, w]`, at most `batch` at a time."""
    return torch.cat([_logits(network, card, chunk) for chunk in inputs.split(batch)])


def _logits(network: Network, card: Card, inputs: Tensor) -> Tensor:
    raw = raw_output(network, card, inputs)
    logits = _as_logits(_as_rows(raw, card, len(inputs)), card).to(inputs)
    if not bool(logits.isfinite().all()):
        raise ModelError("The model gives outputs that are not finite (NaN or infinity) for this picture.")
    if card.task is Task.SEGMENTATION and logits.shape[2:] != inputs.shape[2:]:
        logits = F.interpolate(logits, inputs.shape[2:], mode="bilinear", align_corners=False)
    return logits


def raw_output(network: Network, card: Card, inputs: Tensor) -> Tensor:
    """Inputs `[N, C, h, w]` -> what the network itself answers. Raises ModelError in the network's own words."""
    if network.dtype is torch.uint8:
        inputs = inputs.round().clamp(0, 255)
    if card.layout is Layout.NHWC:
        inputs = inputs.permute(0, 2, 3, 1)
    try:
        return network.call(inputs.to(network.device, network.dtype).contiguous())
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"The model fails on an input of shape {list(inputs.shape)}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What an exception says in one line, as the end of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    # Mostly the first line says it; below a heading, or below a trace of TorchScript, it is the last.
    heading = lines[0].endswith(":") or lines[0].startswith("The following operation failed in the TorchScript")
    line = lines[-1] if heading else lines[0]
    return textwrap.shorten(line, 240, placeholder=" ...").rstrip(".") + "."


def _as_rows(raw: Tensor, card: Card, count: int) -> Tensor:
    """The raw output for `count` inputs as `[N, K]`, or as `[N, K, h, w]` for segmentation."""
    if card.task is not Task.SEGMENTATION:
        rows = raw.reshape(count, -1) if raw.ndim < 2 else raw.flatten(1)
        expected = len(rows) == count and (raw.ndim < 2 or rows.shape[1] == max(raw.shape[1:]))
    elif card.output is Output.MASK:
        rows = raw if raw.ndim == 3 else raw.squeeze(1 if card.layout is Layout.NCHW else -1)
        rows = rows.unsqueeze(1)
        expected = rows.ndim == 4 and len(rows) == count
    else:
        rows = raw.movedim(-1, 1) if card.layout is Layout.NHWC else raw
        expected = rows.ndim == 4 and len(rows) == count
    if not expected:
        raise ModelError(
            f"The model answers {count} inputs with an output of shape {list(raw.shape)}, which is no {card.task}: "
            f"give 'task' or 'input_size' in its card."
        )
    return rows


def _as_logits(raw: Tensor, card: Card) -> Tensor:
    """Raw output `[N, K, ...]` -> logits. One output for two classes becomes two: those of "no" and of "yes"."""
    if card.output is Output.MASK:
        return F.one_hot(raw[:, 0].round().long(), len(card.labels)).movedim(-1, 1).double()
    # The smallest probability the network can tell from zero, where the logarithm still has a finite slope.
    precision = torch.finfo(raw.dtype)
    least = max(precision.tiny * precision.eps, torch.finfo(torch.float32).tiny)
    raw = raw if raw.dtype is torch.float64 else raw.float()
    binary = raw.shape[1] == 1 and card.task in (Task.CLASSIFICATION, Task.SEGMENTATION)
    if card.output is Output.PROBABILITIES:
        both = torch.cat([1 - raw, raw], dim=1) if binary else raw
        return both.clamp_min(least).log()
    return torch.cat([torch.zeros_like(raw), raw], dim=1) if binary else raw
