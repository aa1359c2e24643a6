"""An hour's worth of slider moves on the window, compressed: what it leaves of memory, threads, objects and buffers."""

from __future__ import annotations

import gc
import mmap
import random
import statistics
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftlab.bench.measure import Result

if TYPE_CHECKING:
    from driftlab.gui.hand import Hand

__all__ = ["MOVES", "hour"]

#: Moves in an hour: two a second, for nobody drags all the time.
MOVES: Final = 7200
#: Parts of it; memory is looked at after each, when the window has come to rest.
PARTS: Final = 8
MEGABYTE: Final = 1 << 20


def hour(user: Hand, moves: int = MOVES) -> Iterator[Result]:
    """Memory after against before, with its slope over the second half; threads, objects and GPU buffers."""
    chance = random.Random(0)
    user.wander(chance, moves // PARTS)  # what is made once is made now
    user.rest()
    counts, memory = _counts(), [_resident()]
    for _ in range(PARTS):
        user.wander(chance, moves // PARTS)
        user.rest()
        memory.append(_resident())
    after = _counts()
    half = memory[len(memory) // 2 :]
    slope = statistics.linear_regression(range(len(half)), half).slope * PARTS
    detail: dict[str, float | int | str] = {"moves": moves, "MB an hour in the second half": slope}
    for name in counts:
        detail |= {f"{name} before": counts[name], f"{name} after": after[name]}
    what = "an hour's worth of random moves: memory after, against before"
    yield Result(what, memory[-1], memory[0], "MB", memory[0] / memory[-1], detail)
    yield from _gpu(user, chance)


def _gpu(user: Hand, chance: random.Random) -> Iterator[Result]:
    """The GPU's buffers after many drafts against after a few, also where it is not what the window draws with."""
    from driftlab.gui.gpu_engine import best_engine

    window, engine = user.window, best_engine("gpu")
    frame, settings, visible = window.document.frame, window.document.settings, window.preview.view.visible()
    if not engine.name.startswith("GPU") or frame is None or settings is None or visible is None:
        return
    parameters = settings.pipeline.parameters()
    ranges = {key: (param.low, param.high) for key, _, param in parameters if not param.when and not param.integer}
    counts = []
    for drafts in (5, 25):
        for _ in range(drafts):
            key = chance.choice([*ranges])
            engine.draft(frame, settings.changed({key: chance.uniform(*ranges[key])}), visible, 250_000)
        counts.append(_counts()["GPU buffers"])
    what = f"GPU buffers after 30 drafts, against after 5, {engine.name}"
    yield Result(what, counts[1], counts[0], "buffers", counts[0] / max(counts[1], 1))


def _counts() -> dict[str, int]:
    """Of what must not become more."""
    gc.collect()
    kinds = Counter(type(each).__module__.partition(".")[0] for each in gc.get_objects())
    names = Counter(type(each).__name__ for each in gc.get_objects())
    return {"threads": threading.active_count(), "Qt objects": kinds["PySide6"], "GPU buffers": names["GPUBuffer"]}


def _resident() -> float:
    """Resident memory of this process in MB; its peak where the system tells no more."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * mmap.PAGESIZE / MEGABYTE
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
