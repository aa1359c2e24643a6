"""Built-in architectures, for weight files that hold nothing but weights.

The CIFAR residual networks of He et al., "Deep Residual Learning for Image Recognition" (2015), section 4.2: 6n+2
layers of 16, 32 and 64 channels, parameter-free shortcuts (option A). Parameter names are those of the widespread
checkpoints of Y. Idelbayev's `pytorch_resnet_cifar10`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch.nn.functional as F
from torch import Tensor, nn

from driftlab.model.card import Task
from driftlab.model.leukocyte_net import leukocyte_net

__all__ = ["ARCHITECTURES", "OLDER", "Architecture"]


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut, which skips pixels and pads channels with zeros where the shape changes."""

    def __init__(self, width: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.added = (channels - width) // 2

    def forward(self, inputs: Tensor) -> Tensor:
        shortcut = F.pad(inputs[..., :: self.stride, :: self.stride], (0, 0, 0, 0, self.added, self.added))
        hidden = F.relu(self.bn1(self.conv1(inputs)))
        return F.relu(self.bn2(self.conv2(hidden)) + shortcut)


class CifarResNet(nn.Module):
    """`[N, 3, 32, 32]` -> ten logits, `[N, 10]`; `blocks` a stage."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, stride=1)
        self.layer2 = _stage(16, 32, blocks, stride=2)
        self.layer3 = _stage(32, 64, blocks, stride=2)
        self.linear = nn.Linear(64, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(inputs)))
        hidden = self.layer3(self.layer2(self.layer1(hidden)))
        logits: Tensor = self.linear(hidden.mean(dim=(2, 3)))
        return logits


def _stage(width: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = Block(width, channels, stride)
    return nn.Sequential(first, *(Block(channels, channels, 1) for _ in range(blocks - 1)))


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network to be filled with weights, and the values of card keys that hold for every such network."""

    make: Callable[[], nn.Module]
    claims: Mapping[str, Any]


#: The input of the checkpoints: 32 x 32 RGB, scaled with the mean and standard deviation of ImageNet.
CIFAR_10: Final = {
    "task": Task.CLASSIFICATION,
    "labels": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "input_size": (32, 32),
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}

#: Name -> architecture.
ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    f"resnet{6 * blocks + 2}-cifar": Architecture(partial(CifarResNet, blocks), CIFAR_10) for blocks in (3, 5, 7, 9)
} | {"leukocyte-net": Architecture(leukocyte_net, {})}
#: What older cards call it.
OLDER: Final[Mapping[str, str]] = {"driftlab.demo.network:leukocyte_net": "leukocyte-net"}
