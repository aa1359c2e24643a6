"""Distances: how far a view, the picture that the model is given, has moved from the nominal one.

Every distance is 0 for the same view and grows with what sets the two apart: SSIM, which is a likeness, is turned over.
They are means over pixels, so that a weight means the same for pictures of any size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.isp.color import mixed

__all__ = ["DISTANCES", "Distance", "ciede2000_squared", "distance_of", "lab_of", "ssim"]


@dataclass(frozen=True, slots=True)
class Distance:
    """`penalty` maps two views, display RGB `[B, 3, H, W]`, to `[B]`: what the search pays, flat where they are equal.

    `of` makes of a penalty, or of a mean of several, the distance in `unit`.
    """

    name: str
    title: str
    unit: str
    penalty: Callable[[Tensor, Tensor], Tensor]
    of: Callable[[float], float]


def distance_of(name: str) -> Distance:
    """The distance of this name. Raises AnalysisError."""
    if name not in DISTANCES:
        raise AnalysisError(f"There is no distance '{name}': use {' or '.join(DISTANCES)}.")
    return DISTANCES[name]


def _squares(view: Tensor, nominal: Tensor) -> Tensor:
    return (view - nominal).square().mean((1, 2, 3))


def _root(penalty: float) -> float:
    return math.sqrt(max(penalty, 0.0))


#: Wang et al., Image quality assessment, IEEE TIP 13(4), 2004: window and constants for values from 0 to 1.
WINDOW: Final = 11
SIGMA: Final = 1.5
C1, C2 = 0.01**2, 0.03**2


def ssim(view: Tensor, nominal: Tensor) -> Tensor:
    """The structural similarity of `[B, C, H, W]`, 0 to 1, over the windows that lie wholly inside -> `[B]`.

    Raises AnalysisError for pictures smaller than a window.
    """
    if min(view.shape[-2:]) < WINDOW:
        raise AnalysisError(
            f"A picture of {view.shape[-1]} × {view.shape[-2]} is too small for SSIM, whose window is {WINDOW} × "
            f"{WINDOW}: use the distance l2 or de2000."
        )
    offsets = torch.arange(WINDOW, dtype=view.dtype, device=view.device) - WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    weights = weights / weights.sum()
    channels = view.shape[1]

    def local(image: Tensor) -> Tensor:
        rows = F.conv2d(image, weights.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)
        return F.conv2d(rows, weights.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)

    a, b = local(view), local(nominal)
    spread = local(view * view) - a * a + local(nominal * nominal) - b * b
    shared = local(view * nominal) - a * b
    likeness = (2 * a * b + C1) * (2 * shared + C2) / ((a * a + b * b + C1) * (spread + C2))
    return likeness.mean((1, 2, 3))


def _unlike(view: Tensor, nominal: Tensor) -> Tensor:
    return 1 - ssim(view, nominal)


#: Linear sRGB to XYZ (IEC 61966-2-1, from the primaries of ITU-R BT.709), and XYZ of its white, D65.
XYZ: Final = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
D65: Final = (0.95047, 1.0, 1.08883)
#: Below this a color has no hue to speak of; the derivative by it is held at zero.
GRAY: Final = 1e-6


def lab_of(picture: Tensor) -> Tensor:
    """Display RGB (sRGB) `[B, 3, H, W]` -> CIE L*a*b* (CIE 15:2004) of the same shape."""
    linear = torch.where(picture <= 0.04045, picture / 12.92, ((picture.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4))
    share = mixed(linear, linear.new_tensor([XYZ])) / linear.new_tensor(D65).view(1, 3, 1, 1)
    edge = (6 / 29) ** 3
    x, y, z = torch.where(share > edge, share.clamp_min(edge).pow(1 / 3), share * (29 / 6) ** 2 / 3 + 4 / 29).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def ciede2000_squared(first: Tensor, second: Tensor) -> Tensor:
    """ΔE00² of L*a*b* colors `[B, 3, …]` -> `[B, …]`: Sharma, Wu & Dalal, Color Res. Appl. 30(1), 2005.

    The square, for the root has no derivative where the two are equal.
    """
    (l1, a1, b1), (l2, a2, b2) = first.unbind(1), second.unbind(1)
    pull = 1.5 - 0.5 * _sevenths((_length(a1, b1) + _length(a2, b2)) / 2)  # 1 + G
    a1, a2 = a1 * pull, a2 * pull
    c1, c2 = _length(a1, b1), _length(a2, b2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    gray = (c1 <= GRAY) | (c2 <= GRAY)
    h1, h2 = _hue(a1, b1), _hue(a2, b2)
    turn = h2 - h1
    turn = torch.where(turn > math.pi, turn - 2 * math.pi, torch.where(turn < -math.pi, turn + 2 * math.pi, turn))
    h_mean = torch.where(gray, h1 + h2, h1 + turn / 2)
    dl, dc = l2 - l1, c2 - c1
    dh = torch.where(gray, 0.0, 2 * (c1 * c2).clamp_min(GRAY**2).sqrt() * torch.sin(turn / 2))
    wave = (
        1
        - 0.17 * torch.cos(h_mean - math.radians(30))
        + 0.24 * torch.cos(2 * h_mean)
        + 0.32 * torch.cos(3 * h_mean + math.radians(6))
        - 0.20 * torch.cos(4 * h_mean - math.radians(63))
    )
    middle = (l_mean - 50).square()
    sl, sc, sh = 1 + 0.015 * middle / (20 + middle).sqrt(), 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * wave
    blue = (torch.remainder(h_mean, 2 * math.pi) - math.radians(275)) / math.radians(25)
    turned = -torch.sin(math.radians(60) * torch.exp(-blue.square())) * 2 * _sevenths(c_mean)
    light, chroma, hue = dl / sl, dc / sc, dh / sh
    return (light.square() + chroma.square() + hue.square() + turned * chroma * hue).clamp_min(0.0)


def _length(a: Tensor, b: Tensor) -> Tensor:
    return (a * a + b * b).clamp_min(GRAY**2).sqrt()


def _hue(a: Tensor, b: Tensor) -> Tensor:
    gray = a * a + b * b <= GRAY**2
    return torch.where(gray, 0.0, torch.atan2(torch.where(gray, 0.0, b), torch.where(gray, 1.0, a)))


def _sevenths(chroma: Tensor) -> Tensor:
    """√(C⁷ / (C⁷ + 25⁷))."""
    share = (chroma / 25).pow(7)
    return (share / (share + 1)).clamp_min(1e-30).sqrt()


def _colors_apart(view: Tensor, nominal: Tensor) -> Tensor:
    """The mean square of ΔE2000, counted in spans from black to white, which are 100."""
    return ciede2000_squared(lab_of(view), lab_of(nominal)).mean((1, 2)) / 100**2


#: The distances by name. The penalties are of one size (a step of 1 % of the span from black to white all over costs
#: 1e-4 by l2 and de2000), so that one sweep of weights suits all.
DISTANCES: Final[Mapping[str, Distance]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Distance("l2", "root mean square over pixels, display values 0 to 1", "", _squares, _root),
            Distance("ssim", "1 − SSIM", "", _unlike, float),
            Distance("de2000", "root mean square of ΔE2000", "ΔE", _colors_apart, lambda mean: 100 * _root(mean)),
        )
    }
)
