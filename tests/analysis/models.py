"""Task models made for tests: linear ones, whose sensitivities have a closed form, and a small network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from driftlab.model.card import Card, Task
from driftlab.model.network import Network
from driftlab.model.sniff import Format
from driftlab.model.source import Source
from driftlab.model.task_model import TaskModel


def model_of(
    call: Callable[[Tensor], Tensor],
    labels: tuple[str, ...] = ("no", "yes"),
    task: Task = Task.CLASSIFICATION,
    dtype: torch.dtype = torch.float64,
    no_gradient: str | None = None,
) -> TaskModel:
    """Any function of display RGB `[B, 3, H, W]` as a task model that takes pictures as they are."""
    source = Source(Format.FACTORY, None, "planted", (), None)
    return TaskModel(Network(call, dtype, no_gradient=no_gradient), Card(task, labels), source, 16)


def linear(weights: Tensor) -> TaskModel:
    """The logits (0, Σ weights · I) of a picture `[3, H, W]`."""

    def call(picture: Tensor) -> Tensor:
        score = (picture * weights.to(picture)).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(score), score], 1)

    return model_of(call)


def smooth(classes: int = 4, dtype: torch.dtype = torch.float64) -> TaskModel:
    """A convolutional network without kinks, so that differences converge."""
    generator = torch.Generator().manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.Tanh(), nn.Conv2d(6, classes, 3), nn.Softplus(), nn.AdaptiveAvgPool2d(3),
        nn.Flatten(), nn.Linear(9 * classes, classes),
    ).to(dtype)  # fmt: skip
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=dtype) / 2)
            weight.requires_grad_(False)
    return model_of(network, tuple("abcdefgh"[:classes]), dtype=dtype)


def segmenter() -> TaskModel:
    """Three classes a pixel, by its own color and that of its neighbors."""
    network = nn.Conv2d(3, 3, 3, padding=1, dtype=torch.float64)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(4)
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64) * 3)
            weight.requires_grad_(False)
    return model_of(network, ("sky", "sea", "land"), Task.SEGMENTATION)
