"""Frames made for tests: smooth colored scenes seen through any color filter array."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.frame import CFA, ColorMatrix, RawFrame

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def scene(height: int, width: int, low: float = 0.1, high: float = 0.9) -> NDArray[np.float64]:
    """A smooth colored scene `[3, H, W]` between `low` and `high`."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9 + y / 17 + k) * np.cos(y / 11 - x / 23 + 2 * k) for k in range(3)]
    return low + (high - low) * (np.stack(waves) + 1) / 2


def frame_of(
    rgb: NDArray[np.floating],
    cfa: CFA,
    *,
    black: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    white: float = 65535.0,
    **facts: object,
) -> RawFrame:
    """A frame of the scene `rgb` `[3, H, W]` (0–1), sampled through `cfa`, in DN that are not rounded."""
    height, width = rgb.shape[1:]
    if cfa.kind == "linear":
        light, levels = rgb, np.array(black)[[0, 1, 3], None, None]
    else:
        tile, colors = cfa.channels(), cfa.colors()
        reps = (-(-height // tile.shape[0]), -(-width // tile.shape[1]))
        sites, channel = np.tile(colors, reps)[:height, :width], np.tile(tile, reps)[:height, :width]
        light = np.take_along_axis(rgb, sites[None], 0)
        levels = np.array(black)[1 if cfa.kind == "mono" else channel][None]
    defaults = {
        "bits": 16,
        "gains": (1.0, 1.0, 1.0),
        "gains_source": "planted",
        "matrix": ColorMatrix(IDENTITY, "planted"),
        "name": "planted",
        "sha256": "0" * 64,
        "decoder": "none",
    }
    mosaic = (levels + light * (white - levels)).astype(np.float32)
    return RawFrame(mosaic, cfa, black=black, white=white, **(defaults | facts))  # type: ignore[arg-type]


def smooth_frame(name: str, height: int, width: int, *, noise: float = 0.0, **facts: object) -> RawFrame:
    """`scene` through a named color filter array, in whole DN, with seeded noise of this many DN."""
    return recorded(frame_of(scene(height, width), CFA.parse(name), **facts), noise)


def recorded(frame: RawFrame, noise: float = 0.0) -> RawFrame:
    """`frame` with seeded noise, rounded to whole DN as a converter does."""
    drawn = np.random.default_rng(0).normal(0, noise, frame.mosaic.shape) if noise else 0.0
    return replace(frame, mosaic=np.round(np.clip(frame.mosaic + drawn, 0, frame.white)).astype(np.float32))
