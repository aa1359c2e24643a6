"""An hour's worth of slider moves on the window, compressed: what it leaves of memory, threads, objects and buffers."""

from __future__ import annotations

import ctypes
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
    counts, memory, resident = _counts(), [_in_use()], [_resident()]
    for _ in range(PARTS):
        user.wander(chance, moves // PARTS)
        user.rest()
        memory.append(_in_use())
        resident.append(_resident())
    after = _counts()
    slope = statistics.linear_regression(range(PARTS + 1), memory).slope * PARTS
    detail: dict[str, float | int | str] = {"moves": moves, "slope": f"{slope:+.1f} MB an hour"}
    detail["resident"] = f"{resident[0]:.0f} to {resident[-1]:.0f} MB"
    for name in counts:
        detail |= {f"{name} before": counts[name], f"{name} after": after[name]}
    what = "an hour's worth of random moves: memory in use after, against before"
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
    for keys in ([*ranges], chance.choices([*ranges], k=30)):
        for key in keys:
            engine.draft(frame, settings.changed({key: chance.uniform(*ranges[key])}), visible, 250_000)
        counts.append(_counts()["GPU buffers"])
    what = f"GPU buffers after 30 drafts more, against after one for each of {len(ranges)} keys, {engine.name}"
    yield Result(what, counts[1], counts[0], "buffers", counts[0] / max(counts[1], 1))


def _counts() -> dict[str, int]:
    """Of what must not become more."""
    gc.collect()
    kinds = Counter(type(each).__module__.partition(".")[0] for each in gc.get_objects())
    names = Counter(type(each).__name__ for each in gc.get_objects())
    return {"threads": threading.active_count(), "Qt objects": kinds["PySide6"], "GPU buffers": names["GPUBuffer"]}


class _Heap(ctypes.Structure):
    """What glibc tells of its heap, `struct mallinfo2`."""

    # All of the same type; those that are read are named.
    _fields_ = (
        *((f"other{number}", ctypes.c_size_t) for number in range(4)),
        ("mapped", ctypes.c_size_t),
        *((f"other{number}", ctypes.c_size_t) for number in range(4, 6)),
        ("used", ctypes.c_size_t),
        *((f"other{number}", ctypes.c_size_t) for number in range(6, 8)),
    )


def _in_use() -> float:
    """Memory that is allocated and not given back, in MB; resident memory where there is no glibc.

    What the heap keeps for later is not in it: that comes and goes by hundreds of megabytes with the pictures' size.
    """
    gc.collect()
    try:
        tell = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return _resident()
    tell.restype = _Heap
    heap = tell()
    return float(heap.used + heap.mapped) / MEGABYTE


def _resident() -> float:
    """Resident memory of this process in MB; its peak where the system tells no more."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * mmap.PAGESIZE / MEGABYTE
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
