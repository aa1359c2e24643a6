"""A small stand-in of a frame, for a picture that only has to last while a slider moves.

Sites of one color are averaged over squares, and what is measured in pixels shrinks with them: the draft looks as the
picture does when it is scaled down. Noise that a stage draws is drawn anew on the smaller frame. A draft is for the
eye; no number of it may be given out unmarked.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftlab.isp.settings import Settings
from driftlab.isp.stage import Value
from driftlab.raw.frame import RawFrame

__all__ = ["draft_frame", "draft_settings", "draft_side"]


def draft_side(frame: RawFrame, samples: int, budget: int) -> int:
    """Side of the squares that turn `samples` samples of a frame into `budget` at the most; 1 where they do already."""
    step = frame.cfa.superpixel
    side = 1
    while samples > budget * side * side:
        side = step if side == 1 < step else side + step
    return side


def draft_frame(frame: RawFrame, side: int) -> RawFrame:
    """The frame with each `side` × `side` samples as one site of the same array; `side` as `draft_side` gives it."""
    if side == 1:
        return frame
    rows, columns = frame.size[0] // side, frame.size[1] // side
    mosaic = frame.mosaic[:, : rows * side, : columns * side]
    if frame.cfa.kind in ("mono", "linear"):
        return replace(frame, mosaic=_mean(mosaic, side))
    channels = frame.cfa.colors()
    light = _sums(mosaic[0], channels, side)
    # How many sites of each color a square has; squares repeat where their side and that of the array's tile meet.
    period = [math.lcm(side, length) for length in channels.shape]
    count = _sums(np.ones(period, np.float32), channels, side)
    light /= np.stack([_tiled(each, rows, columns) for each in count])
    return replace(frame, mosaic=np.take_along_axis(light, _tiled(channels, rows, columns)[None], 0))


def draft_settings(settings: Settings, side: int) -> Settings:
    """The settings with every length in pixels as long as it is on the smaller frame."""
    changes: dict[str, Value] = {}
    for key, _, param in settings.pipeline.parameters():
        if side > 1 and param.unit == "px":
            value = min(max(settings.number(key) / side, param.hard[0]), param.hard[1])
            changes[key] = float(max(round(value), 1)) if param.integer else value
    return settings.changed(changes) if changes else settings


def _sums(mosaic: NDArray[np.float32], channels: NDArray[np.intp], side: int) -> NDArray[np.float32]:
    """What the sites of each color in every square add up to: `[H, W]` -> `[3, H / side, W / side]`."""
    (high, wide), (rows, columns) = channels.shape, (math.lcm(side, length) for length in channels.shape)
    sums = np.zeros((3, mosaic.shape[0] // side, mosaic.shape[1] // side), np.float32)
    for first, phase in itertools.product(range(0, rows, side), range(high)):
        own = [row for row in range(first, first + side) if row % high == phase]
        if not own:
            continue
        # Rows of one phase are added first, each in one piece: that leaves less to be picked from by columns.
        line = mosaic[own[0] :: rows]
        for row in own[1:]:
            line = line + mosaic[row::rows]
        for column in range(columns):
            color = channels[phase, column % wide]
            sums[color, first // side :: rows // side, column // side :: columns // side] += line[:, column::columns]
    return sums


def _tiled(tile: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    return np.tile(tile, (-(-height // tile.shape[0]), -(-width // tile.shape[1])))[:height, :width]


def _mean(planes: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Means over squares: `[C, H, W]` -> `[C, H / side, W / side]`."""
    count, height, width = planes.shape
    squares = planes.reshape(count, height // side, side, width // side, side)
    means: NDArray[np.float32] = squares.sum(4, dtype=np.float32).sum(2, dtype=np.float32) / np.float32(side * side)
    return means
