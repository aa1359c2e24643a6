"""MobileNetV2 (Sandler et al., CVPR 2018, table 2) with random weights: what matters here is how long it takes."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

__all__ = ["mobilenet_v2"]

#: Expansion, channels, repeats, stride of each row of the paper's table.
ROWS: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2() -> nn.Module:
    """Display RGB `[B, 3, 224, 224]` -> 1000 logits."""
    layers: list[nn.Module] = [_convolution(3, 32, 3, 2)]
    channels = 32
    for expansion, out, repeats, stride in ROWS:
        for k in range(repeats):
            layers.append(_Bottleneck(channels, out, expansion, stride if k == 0 else 1))
            channels = out
    layers += [_convolution(channels, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)]
    return nn.Sequential(*layers).eval()


def _convolution(into: int, out: int, size: int, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Module:
    layers = [nn.Conv2d(into, out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if act else []))


class _Bottleneck(nn.Module):
    def __init__(self, into: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = into * expansion
        self.body = nn.Sequential(
            *([_convolution(into, wide, 1)] if expansion > 1 else []),
            _convolution(wide, wide, 3, stride, groups=wide),
            _convolution(wide, out, 1, act=False),
        )
        self.skips = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return x + out if self.skips else out
