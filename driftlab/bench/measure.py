"""Timing two sides in turn, so that a machine that slows down slows both."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Result", "machine", "versus"]


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison. `ratio` is above 1 where ours is better: less of `unit`. `detail` tells more of ours."""

    what: str
    ours: float
    baseline: float
    unit: str
    ratio: float
    detail: Mapping[str, float | int | str] = field(default_factory=dict)


def versus(
    what: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    *,
    per: float = 1e-3,
    unit: str = "ms",
    rounds: int = 7,
) -> Result:
    """Medians of `rounds` turns of each side after two unmeasured ones, in units of `per` seconds.

    The ratio is the median of the ratios turn by turn.
    """
    for _ in range(2):
        ours(), baseline()
    turns = [(_seconds(ours), _seconds(baseline)) for _ in range(rounds)]
    mine, theirs = (statistics.median(side) / per for side in zip(*turns, strict=True))
    return Result(what, mine, theirs, unit, statistics.median(other / own for own, other in turns))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
