"""The brightness that makes a frame look like the camera's own picture, found in the frame itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from driftlab.raw.frame import Origin, RawFrame

__all__ = ["brightness_of"]


def brightness_of(frame: RawFrame) -> float:
    """The EV that bring the 99th percentile of the brightest color to white; from 0 to 8.

    Found on superpixels of a coarse grid of the frame, with the gains and the matrix as shot. 0 for a pseudo-RAW frame,
    whose picture had its brightness before it was un-processed.
    """
    if frame.origin is Origin.PSEUDO_RAW:
        return 0.0
    rgb = _coarse_rgb(frame)
    top = float(np.percentile(rgb, 99, axis=1).max())
    return float(np.clip(-np.log2(max(top, 1e-6)), 0.0, 8.0))


def _coarse_rgb(frame: RawFrame, about: int = 65536) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    """Linear RGB `[3, N]` of about so many tiles of the color filter array, evenly spread."""
    height, width = frame.size
    tile = frame.cfa.channels()
    rows, columns = tile.shape if height >= tile.shape[0] and width >= tile.shape[1] else (1, 1)
    step = max(int(np.sqrt(height * width / (rows * columns) / about)), 1)
    sums, counts = np.zeros((4, height // rows // step or 1, width // columns // step or 1)), np.zeros(4)
    for i in range(rows):
        for j in range(columns):
            samples = frame.mosaic[:, i :: rows * step, j :: columns * step][:, : sums.shape[1], : sums.shape[2]]
            if frame.cfa.kind == "linear":
                sums[[0, 1, 3]], counts[[0, 1, 3]] = samples, 1
            else:
                sums[tile[i, j]] += samples[0]
                counts[tile[i, j]] += 1
    black = np.array(frame.black)[:, None]
    seen = counts > 0
    light = np.zeros((4, sums[0].size))
    light[seen] = (sums.reshape(4, -1)[seen] / counts[seen, None] - black[seen]) / (frame.white - black[seen])
    if frame.cfa.kind == "mono":
        return light[:1]
    greens = seen[1:3].astype(float)
    green = (light[1:3] * greens[:, None]).sum(0) / max(greens.sum(), 1)
    gains = np.array(frame.gains)[:, None]
    saturated = min(1.0, *(gain for gain in frame.gains if gain > 0))
    balanced = np.minimum(np.stack([light[0], green, light[3]]) * gains, saturated)
    return np.asarray(np.array(frame.matrix.values) @ balanced)
