"""How the window keeps up with a hand, on no screen: drags, jobs canceled, start, drop, and an hour's worth of moves.

The baseline is the plain way in the same run: torch over the whole picture at every value, without drafts, caches or
regions. A made-up frame, as hard to compress as a photograph, stands in for a camera file of four megapixels.
"""

from __future__ import annotations

import itertools
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from driftlab.analysis.sensitivity.sensitivities import sensitivities
from driftlab.bench.develop import large_frame
from driftlab.bench.gui_memory import hour
from driftlab.bench.measure import Result
from driftlab.bench.predict import CARD
from driftlab.errors import DriftlabError
from driftlab.isp.develop import Region, develop
from driftlab.isp.pipeline import CAMERA
from driftlab.model.load import load_model
from driftlab.model.task_model import TaskModel
from driftlab.raw.child import close_idle
from driftlab.raw.dng import write_dng
from driftlab.raw.frame import RawFrame
from driftlab.raw.load import load_raw

if TYPE_CHECKING:
    from driftlab.gui.hand import Drag, Hand
    from driftlab.gui.worker import Worker

__all__ = ["results"]

HEIGHT, WIDTH = 1728, 2304
REGION: Final = Region(1000, 700, 256, 256)
#: The canvas, one megapixel.
CANVAS: Final = (1180, 850)
NETWORK: Final = "driftlab.bench.sensitivity:network"
#: What is dragged in turn, and how many moves of the mouse, sixty a second, a drag has.
KEYS: Final = ("white_balance.r", "exposure.ev", "tone.contrast")
MOVES: Final = 180
#: A kind of job that no move of a slider cancels, as it does the heatmaps of the picture that is shown.
BESIDE: Final = "analysis"
#: Seconds after the start of a job at which it is canceled.
MOMENTS: Final = (0.0, 0.05, 0.12, 0.25, 0.5)


def results() -> Iterator[Result]:
    """Start, drop, drags, jobs, an hour."""
    from driftlab.gui.hand import hand

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "4-megapixel.dng"
        write_dng(_frame(), path, compress=True)
        yield _start(folder)
        with hand(folder / "window.ini") as user:
            yield _drop(user, path)
            plain = _prepare(user)
            for key in KEYS[1:]:
                user.track(key)  # in sight, so that all drags cost the same
            yield from _drags(user, plain)
            yield _beside_heatmaps(user)
            yield from _cancels(user, path)
            yield from hour(user)


def _frame() -> RawFrame:
    """Four megapixels of the frame of `bench develop`."""
    frame = large_frame()
    return replace(frame, mosaic=np.ascontiguousarray(frame.mosaic[:, :HEIGHT, :WIDTH]))


def _start(folder: Path) -> Result:
    """A process of its own, from its start to a painted window, against one that has imported torch before it."""
    show = f"from driftlab.gui.first_paint import wait_for_first_paint as wait; print(wait(Path({str(folder)!r})))"
    ours, plain = list[float](), list[float]()
    for times, code in ((ours, show), (plain, f"import torch; {show}")) * 3:
        begun = time.time()
        command = [sys.executable, "-c", f"from pathlib import Path; {code}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        except subprocess.CalledProcessError as error:
            raise DriftlabError(f"No window can be opened here: {error.stderr.strip().splitlines()[-1]}.") from error
        except subprocess.TimeoutExpired as error:
            raise DriftlabError("No window was there after a minute: try 'driftlab gui'.") from error
        times.append(float(done.stdout.split()[-1]) - begun)
    return _result("start to window on screen, against torch first", ours, statistics.median(plain), unit="s", per=1.0)


def _drop(user: Hand, path: Path) -> Result:
    """A file on a window that has been there for a while, its decoder not begun, against decoding and developing it."""
    size = f"{WIDTH} x {HEIGHT}, a made-up compressed DNG"
    ours, plain = list[float](), list[float]()
    for number in range(3):
        copy = path.with_name(f"{number}-{path.name}")
        copy.write_bytes(path.read_bytes())
        close_idle()
        ours.append(user.drop(copy))
        user.rest()
        close_idle()
        plain.append(_seconds(lambda copy=copy: _picture(load_raw(copy))))  # type: ignore[misc]
    what = "drop to first picture of a 4-megapixel file, against load and develop"
    return _result(what, ours, statistics.median(plain), unit="s", per=1.0, detail={"file": size})


def _picture(frame: RawFrame) -> object:
    return develop(frame, CAMERA.settings(frame), bits=8)


@dataclass(frozen=True)
class Plain:
    """Median seconds of the plain way: the whole picture by torch, and the whole picture and the model's answer."""

    picture: float
    answer: float


def _prepare(user: Hand) -> Plain:
    """Model, region and canvas; and the plain way's times."""
    window = user.window
    window.opening.open_model(NETWORK, True, _load)
    user.until(lambda: window.document.model is not None)
    user.canvas(*CANVAS)
    window.document.set_region(REGION)
    user.rest()
    frame, settings, model = window.document.frame, window.document.settings, window.document.model
    assert frame is not None and settings is not None and model is not None
    pictures, answers = [], []
    for number in range(5):
        at = settings.changed({KEYS[0]: 1.5 + number / 50})
        pictures.append(_seconds(lambda at=at: develop(frame, at, bits=8)))  # type: ignore[misc]
        whole = torch.from_numpy(develop(frame, at))[None]
        part = whole[..., REGION.top : REGION.top + REGION.height, REGION.left : REGION.left + REGION.width]
        answers.append(pictures[-1] + _seconds(lambda part=part: model.predict(part)))  # type: ignore[misc]
    return Plain(statistics.median(pictures), statistics.median(answers))


def _drags(user: Hand, plain: Plain) -> Iterator[Result]:
    window = user.window
    drags: list[Drag] = []
    exact: list[float] = []
    before = window.source.shown
    for number, key in enumerate((*KEYS, *KEYS)):
        drags.append(user.drag(key, _moves(number)))
        exact.append(user.until(lambda: window.preview.current) - drags[-1].released)
        user.rest()
    engine = window.source.engine
    known = {"adapter": engine.name + (f" ({engine.reason})" if engine.reason else ""), "canvas": _size(window)}
    for what, some in (("first drag", drags[:1]), ("drag", drags[1:])):
        delays = [delay for drag in some for delay in drag.delays(drag.painted)]
        moves, presented = (sum(map(len, each)) for each in zip(*((d.inputs, _frames(d)) for d in some), strict=True))
        count: dict[str, float | int | str] = {"moves": moves, "presented": presented, "dropped": moves - presented}
        if len(some) > 1:
            count["written"] = window.source.shown - before
        yield _result(f"{what}: slider to painted draft, p95", delays, plain.picture, detail=known | count)
    delays = [delay for drag in drags for delay in drag.delays(drag.answered)]
    answered = sum(len(drag.answered) for drag in drags)
    what = "drag: logits of a 256 x 256 region behind the slider, p95"
    yield _result(what, delays, plain.answer, detail={"answers": answered})
    yield _result("release to exact picture of 4 megapixels, p95", exact, plain.picture)


def _moves(number: int) -> list[float]:
    """Places of a slider, to and fro; another way for each number."""
    return [0.45 + 0.25 * math.sin(move / 17 + number) for move in range(MOVES)]


def _frames(drag: Drag) -> set[int]:
    return {number for _, number in drag.painted}


def _size(window: Any) -> str:
    view = window.preview.view
    return f"{view.width()} x {view.height()}"


def _beside_heatmaps(user: Hand) -> Result:
    """Drags beside a job that makes heatmaps again and again, and drags beside none, in turn."""
    window = user.window
    frame, settings, model = window.document.frame, window.document.settings, window.document.model
    assert frame is not None and settings is not None and model is not None
    beside, alone = list[float](), list[float]()
    goes_on = [False]

    def heatmaps() -> Iterator[object]:
        for item in sensitivities(frame, settings, model, region=REGION, stage_heatmaps=True):
            yield item
            if window.worker.busy - {BESIDE}:
                return  # logits go first, as in the window

    def again(kind: str, *rest: object) -> None:
        if kind == BESIDE and goes_on[0]:
            window.worker.submit(BESIDE, heatmaps)

    window.worker.finished.connect(again)
    for number in range(4):
        goes_on[0] = number % 2 == 0
        again(BESIDE)
        drag = user.drag(KEYS[0], _moves(number))
        goes_on[0] = False
        (alone if number % 2 else beside).extend(drag.delays(drag.painted))
        user.rest()
    window.worker.finished.disconnect(again)
    what = "drag beside a job that makes heatmaps, against a drag alone, p95"
    return _result(what, beside, percentile(alone, 95))


def _cancels(user: Hand, path: Path) -> Iterator[Result]:
    """From the wish to cancel until the thread is free, at several moments of each kind of job, against all of it."""
    window = user.window
    frame, document = window.document.frame, window.document
    assert frame is not None and document.settings is not None
    compute, preview = window.worker, window.source.worker
    nominal, numbers = document.settings, itertools.count(1)

    def change() -> None:
        document.set("exposure.ev", next(numbers) / 100)

    def ask_of_all() -> None:
        document.set_region(None)
        change()

    jobs: tuple[tuple[str, Worker, str, Callable[[], object]], ...] = (
        ("an exact picture", preview, "exact", change),
        ("the nominal picture", preview, "nominal", lambda: window.source.nominal(frame, nominal)),
        ("loading a frame", compute, "frame", lambda: window.opening.open([path])),
        ("loading a model", compute, "model", lambda: window.opening.open_model(NETWORK, True, _load)),
        ("sensitivities of a region", compute, "heatmap", change),
        ("a search for tolerances", compute, "tolerance", window.searches.tolerating.search),
        ("logits of all of a picture", compute, "logits", ask_of_all),
        ("sensitivities of all of a picture", compute, "heatmap", ask_of_all),
    )
    for what, worker, kind, begin in jobs:
        document.set_region(REGION)
        user.rest()
        took = []
        for after in MOMENTS:
            seconds = user.cancel(worker, kind, begin, after)
            if seconds is None:
                break  # shorter than that
            took.append(seconds)
        whole = user.run(worker, kind, begin)
        yield _result(f"cancel of {what}, longest", took or [0.0], whole, share=100, detail={"times": len(took)})
    document.set_region(REGION)
    user.rest()


def _load(path: str, trust: bool) -> TaskModel:
    return load_model(path, trust=trust, card=CARD)


def _result(
    what: str,
    seconds: Sequence[float],
    baseline: float,
    *,
    unit: str = "ms",
    per: float = 1e-3,
    share: float = 95,
    detail: Mapping[str, float | int | str] = MappingProxyType({}),
) -> Result:
    """The percentile `share` of `seconds` against a baseline in seconds, in units of `per` seconds."""
    ours = percentile(seconds, share)
    spread = {f"p{each}": percentile(seconds, each) / per for each in (50, 95, 99)}
    return Result(what, ours / per, baseline / per, unit, baseline / max(ours, 1e-9), {**spread, **detail})


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many percent of all are no larger than; NaN of none."""
    return sorted(values)[max(math.ceil(share / 100 * len(values)), 1) - 1] if values else math.nan


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
