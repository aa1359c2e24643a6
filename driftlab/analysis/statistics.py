"""How far a figure from few pictures may be off: exact intervals of shares, bootstrapped ones of means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import betaincinv

__all__ = ["LEVEL", "bootstrapped_mean", "clopper_pearson"]

#: The confidence of every interval.
LEVEL: Final = 0.95
#: Samples drawn by a bootstrap.
DRAWS: Final = 2000


def clopper_pearson(hits: int, count: int) -> tuple[float, float]:
    """The exact 95 % interval of a share, `hits` of `count` seen (Clopper and Pearson, Biometrika 26, 1934)."""
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(hits, count - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, count - hits, 1 - tail)) if hits < count else 1.0
    return low, high


def bootstrapped_mean(values: Sequence[float], seed: int = 0, *, least: float = 0.0) -> tuple[float, float]:
    """The 95 % percentile interval of a mean, the values drawn with replacement; the same seed gives the same.

    Of differences between two answers for the same picture it is the paired bootstrap (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13). Values lie between `least` and 1. Where all are the same, such as
    one alone, drawing them again would be sure of itself: as many others as Clopper and Pearson allow may be anything.
    """
    numbers = np.asarray(values, np.float64)
    if np.ptp(numbers) == 0:
        same, others = float(numbers[0]), clopper_pearson(0, len(numbers))[1]
        return same - others * (same - least), same + others * (1 - same)
    drawn = np.random.default_rng(seed).integers(0, len(numbers), (DRAWS, len(numbers)))
    low, high = np.quantile(numbers[drawn].mean(1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
