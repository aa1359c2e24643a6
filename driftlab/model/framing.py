"""Resize rules: which part of a picture a model sees, at what scale, and how its outputs go back to the picture.

Every rule is one and the same act: the picture is resized to `scaled`, and cut into frames of the model's size at
`corners`; where a frame reaches beyond the picture it is padded. A center crop has a corner inside the picture, a
letterbox has one outside, tiles have many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.model.card import Card, Interpolation, Resize

__all__ = ["Box", "Framing", "frame"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture; its edges may lie between pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Framing:
    """How a picture of one size meets a model. All sizes are (height, width) in pixels."""

    picture: tuple[int, int]
    scaled: tuple[int, int]
    size: tuple[int, int]
    #: (top, left) of each frame on the scaled picture; negative where the frame begins outside.
    corners: tuple[tuple[int, int], ...]
    fill: float
    interpolation: Interpolation

    def cut(self, image: Tensor) -> Tensor:
        """Picture `[B, C, H, W]` -> frames `[B * frames, C, h, w]`, the frames of one picture side by side.

        Differentiable; a picture already at its scale passes unchanged.
        """
        if image.shape[-2:] != self.scaled:
            image = F.interpolate(image, self.scaled, mode=self.interpolation, align_corners=False, antialias=True)
        height, width = self.scaled
        cuts = [
            F.pad(image, (-left, left + self.size[1] - width, -top, top + self.size[0] - height), value=self.fill)
            for top, left in self.corners
        ]
        return torch.stack(cuts, dim=1).flatten(0, 1) if len(cuts) > 1 else cuts[0]

    def merge(self, values: Tensor) -> Tensor:
        """What a model says of each frame, `[B * frames, K]` or `[B * frames, K, h, w]` -> of the picture.

        `[B, K]` is the mean over the frames. Per-pixel values are put together on the scaled picture, `[B, K, h', w']`
        over what the model has seen of it (`seen`), the mean where frames overlap; padding is cut off.
        """
        values = values.unflatten(0, (-1, len(self.corners)))
        if values.ndim == 3:
            return values.mean(dim=1)
        y0, x0, y1, x1 = self.seen
        total = values.new_zeros(values.shape[0], values.shape[2], y1 - y0, x1 - x0)
        count = values.new_zeros(y1 - y0, x1 - x0)
        for index, (top, left) in enumerate(self.corners):
            rows = slice(max(top, y0), min(top + self.size[0], y1))
            columns = slice(max(left, x0), min(left + self.size[1], x1))
            there = (..., _shift(rows, -y0), _shift(columns, -x0))
            total[there] += values[:, index, :, _shift(rows, -top), _shift(columns, -left)]
            count[there] += 1
        return total / count

    @property
    def seen(self) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of what lies in any frame, in pixels of the scaled picture."""
        tops, lefts = zip(*self.corners, strict=True)
        return (
            max(min(tops), 0),
            max(min(lefts), 0),
            min(max(tops) + self.size[0], self.scaled[0]),
            min(max(lefts) + self.size[1], self.scaled[1]),
        )

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Where each frame lies in the picture, in the picture's pixels; padding lies outside of it."""
        down, right = self.picture[0] / self.scaled[0], self.picture[1] / self.scaled[1]
        return tuple(
            Box(left * right, top * down, self.size[1] * right, self.size[0] * down) for top, left in self.corners
        )

    def to_picture(self, values: Tensor) -> Tensor:
        """Merged per-pixel values `[..., h', w']` -> `[..., H, W]` on the picture's pixels, bilinear between centers.

        What the model has not seen (outside a center crop) is NaN. Differentiable.
        """
        y0, x0, y1, x1 = self.seen
        for axis, start, stop in ((0, y0, y1), (1, x0, x1)):
            at = (torch.arange(self.picture[axis], dtype=torch.float64) + 0.5) * self.scaled[axis] / self.picture[axis]
            values = _interpolate(values, at - start - 0.5, axis - 2, stop - start)
        return values


def _shift(span: slice, by: int) -> slice:
    return slice(span.start + by, span.stop + by)


def _interpolate(values: Tensor, at: Tensor, axis: int, length: int) -> Tensor:
    """Values along `axis` at fractional indices `at`: linear within, held over the outer half pixel, NaN beyond."""
    column = (-1, 1) if axis == -2 else (-1,)
    at = at.to(values.device).reshape(column)
    outside = (at < -0.5) | (at > length - 0.5)
    at = at.clamp(0, length - 1)
    low = at.floor().long()
    high = (low + 1).clamp(max=length - 1)
    lower, upper = (values.index_select(axis, index.flatten()) for index in (low, high))
    return torch.lerp(lower, upper, (at - low).to(values.dtype)).masked_fill(outside, torch.nan)


def frame(card: Card, picture: tuple[int, int]) -> Framing:
    """How a picture of (height, width) pixels is framed for the model of `card`."""
    size = card.input_size or picture
    scaled = _scaled(card, picture, size)
    if card.resize is Resize.TILE:
        corners = tuple((top, left) for top in _starts(scaled[0], size[0]) for left in _starts(scaled[1], size[1]))
    else:
        corners = (((scaled[0] - size[0]) // 2, (scaled[1] - size[1]) // 2),)
    return Framing(picture, scaled, size, corners, card.fill, card.interpolation)


def _scaled(card: Card, picture: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    if card.input_size is None or card.resize is Resize.TILE:
        return picture
    if card.resize is Resize.STRETCH:
        return size
    ratios = (size[0] / picture[0], size[1] / picture[1])
    if card.resize is Resize.LETTERBOX:
        ratio = min(ratios)
        return (min(max(round(picture[0] * ratio), 1), size[0]), min(max(round(picture[1] * ratio), 1), size[1]))
    ratio = max(ratios) / card.crop_fraction
    return (max(round(picture[0] * ratio), size[0]), max(round(picture[1] * ratio), size[1]))


def _starts(length: int, tile: int) -> tuple[int, ...]:
    """Where tiles start along an axis: side by side, the last one moved back to end with the picture.

    A picture smaller than the tile sits in the middle of it.
    """
    if length <= tile:
        return ((length - tile) // 2,)
    count = math.ceil(length / tile)
    return tuple(min(index * tile, length - tile) for index in range(count))
