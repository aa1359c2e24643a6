"""The network of the bundled example: a small convolutional network that names the leukocyte in a developed field.

It takes display RGB from 0 to 1 as it is. It is trained with batch normalization and ships without: `folded` puts the
normalization's fixed numbers into the convolutions.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

__all__ = ["LeukocyteNet", "folded", "leukocyte_net"]

#: Channels after each convolution; all have a stride of 2.
WIDTHS: Final = (16, 32, 48, 64)
#: Kinds of leukocytes that it tells apart.
CLASSES: Final = 5


class LeukocyteNet(nn.Module):
    """Strided convolutions, and of each feature its strongest answer anywhere: a cell counts wherever it lies."""

    def __init__(self, *, normalized: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
            size = 5 if inputs == 3 else 3
            layers.append(nn.Conv2d(inputs, outputs, size, stride=2, padding=size // 2, bias=not normalized))
            layers.append(nn.BatchNorm2d(outputs) if normalized else nn.Identity())
            layers.append(nn.ReLU())
        self.features = nn.Sequential(*layers)
        self.classify = nn.Linear(WIDTHS[-1], CLASSES)

    def forward(self, image: Tensor) -> Tensor:
        """Display RGB `[N, 3, H, W]` -> logits `[N, 5]` in the order of `CLASSES`."""
        logits: Tensor = self.classify(self.features(2 * image - 1).amax((2, 3)))
        return logits


def leukocyte_net() -> LeukocyteNet:
    """The network as it ships, without weights: give it those of `leukocyte_net.safetensors`."""
    with torch.random.fork_rng(devices=[]):  # torch fills new layers at random, and nobody else's draws may notice
        return LeukocyteNet(normalized=False)


def folded(trained: LeukocyteNet) -> LeukocyteNet:
    """The same function without normalization layers, ready to be saved."""
    plain = leukocyte_net().eval()
    with torch.no_grad():
        for i, layer in enumerate(trained.features):
            if not isinstance(layer, nn.Conv2d):
                continue
            norm, target = trained.features[i + 1], plain.features[i]
            assert isinstance(norm, nn.BatchNorm2d) and isinstance(target, nn.Conv2d) and target.bias is not None
            assert norm.running_mean is not None and norm.running_var is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            target.weight.copy_(layer.weight * scale[:, None, None, None])
            target.bias.copy_(norm.bias - norm.running_mean * scale)
    plain.classify.load_state_dict(trained.classify.state_dict())
    return plain
