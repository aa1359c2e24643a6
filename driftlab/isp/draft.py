"""A small stand-in of a frame, for a picture that only has to last while a slider moves.

Sites of one color are averaged over squares, and what is measured in pixels shrinks with them: the draft looks as the
picture does when it is scaled down. Noise that a stage draws is drawn anew on the smaller frame. A draft is for the
eye; no number of it may be given out unmarked.
"""

from __future__ import annotations

from dataclasses import replace

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
    sites = _tiled(channels, rows * side, columns * side)
    smaller = _tiled(channels, rows, columns)
    out = np.empty((1, rows, columns), np.float32)
    for color in range(3):
        here = sites == color
        # Shares of a whole number of tiles repeat; the division makes means of the sums that `_mean` gives.
        light, share = _mean(np.where(here, mosaic, 0), side), _mean(here[None].astype(np.float32), side)
        chosen = smaller == color
        out[0, chosen] = light[0, chosen] / share[0, chosen]
    return replace(frame, mosaic=out)


def draft_settings(settings: Settings, side: int) -> Settings:
    """The settings with every length in pixels as long as it is on the smaller frame."""
    changes: dict[str, Value] = {}
    for key, _, param in settings.pipeline.parameters():
        if side > 1 and param.unit == "px":
            value = min(max(settings.number(key) / side, param.hard[0]), param.hard[1])
            changes[key] = float(max(round(value), 1)) if param.integer else value
    return settings.changed(changes) if changes else settings


def _tiled(tile: NDArray[np.intp], height: int, width: int) -> NDArray[np.intp]:
    return np.tile(tile, (-(-height // tile.shape[0]), -(-width // tile.shape[1])))[:height, :width]


def _mean(planes: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Means over squares: `[C, H, W]` -> `[C, H / side, W / side]`."""
    count, height, width = planes.shape
    squares = planes.reshape(count, height // side, side, width // side, side)
    means: NDArray[np.float32] = squares.sum(4, dtype=np.float32).sum(2, dtype=np.float32) / np.float32(side * side)
    return means
