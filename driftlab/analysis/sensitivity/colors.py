"""The colors of a heatmap: blue where it pulls the target down, red where it lifts it, white where it does neither."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIVERGING", "SEQUENTIAL", "colored", "limit_of"]

#: ColorBrewer's RdBu with eleven classes (Harrower & Brewer 2003), from −limit to +limit.
DIVERGING: Final = (
    (5, 48, 97), (33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240), (247, 247, 247),
    (253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31),
)  # fmt: skip
#: Its upper half, for what has no sign, from 0 to limit.
SEQUENTIAL: Final = DIVERGING[5:]


def colored(values: NDArray[Any], limit: float, colors: tuple[tuple[int, int, int], ...] = DIVERGING) -> NDArray[Any]:
    """Values `[H, W]` -> 8-bit RGB `[H, W, 3]`; `DIVERGING` has a neutral middle at 0, `SEQUENTIAL` begins there."""
    share = np.asarray(values, np.float64) / (limit or 1.0)
    if colors is DIVERGING:
        share = (share + 1) / 2
    at = np.clip(share, 0, 1) * (len(colors) - 1)
    channels = [np.interp(at, range(len(colors)), [color[k] for color in colors]) for k in range(3)]
    return np.round(np.stack(channels, -1)).astype(np.uint8)


def limit_of(*maps: NDArray[Any], share: float = 0.995) -> float:
    """The magnitude that this share of all values stays within: few pixels outshine all others."""
    return float(np.quantile(np.abs(np.concatenate([each.ravel() for each in maps])), share))
