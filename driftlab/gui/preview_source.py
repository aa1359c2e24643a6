"""Pictures for the preview, drawn in a thread of their own by whichever engine there is.

A draft that has begun is finished and shown, requests between are dropped, the newest runs next: an unbroken drag never
starves the screen. An exact picture gives way to a newer request between its tiles. Engines run in the preview's
thread; `PreviewSource` belongs to the GUI's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from driftlab.gui.worker import Job, Worker

if TYPE_CHECKING:
    from driftlab.isp.develop import Region
    from driftlab.isp.settings import Settings
    from driftlab.raw.frame import RawFrame

__all__ = ["Drawn", "Engine", "Picture", "PreviewSource", "Readout", "TorchEngine", "picture_of"]

#: Samples of a draft: at the most about as many as a canvas has pixels, fewer where they take too long.
MOST: Final = 1_200_000
LEAST: Final = 100_000
#: Samples of the first draft, before it is known how long one takes.
FIRST: Final = MOST // 4
#: Seconds that a draft should take: a move of the hand waits for the draft before it, and then for its own.
SOON: Final = 0.018
#: Drafts whose median tells how long one takes; the first of a frame, which makes its small frame, is one of many.
KNOWN: Final = 5


@dataclass(frozen=True, eq=False)
class Drawn:
    """What an engine has drawn: `pixels` uint8 `[h, w, 4]` (R, G, B, 255), where they lie, and the picture's size."""

    pixels: NDArray[np.uint8]
    region: Region
    size: tuple[int, int]
    exact: bool


class Engine(Protocol):
    """Whatever develops pictures for the eye."""

    name: str
    #: Why it is this one and no faster one; empty where there is nothing to say.
    reason: str

    def draft(self, frame: RawFrame, settings: Settings, visible: Region, budget: int) -> Drawn:
        """What is visible, soon: at a lower resolution where it is more than `budget` samples."""

    def exact(self, frame: RawFrame, settings: Settings) -> Iterator[Drawn | None]:
        """The picture, last; None before it, wherever the work may be broken off."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and what it is of. `levels` are it and its halves, for drawing it small."""

    levels: tuple[QImage, ...]
    region: Region
    size: tuple[int, int]
    exact: bool
    frame: RawFrame
    settings: Settings
    seconds: float


@dataclass(frozen=True)
class Readout:
    """One pixel: its place, the sensor's DN there, linear RGB, display RGB of 255, and a stage's output if asked."""

    at: tuple[int, int]
    dn: tuple[float, ...]
    linear: tuple[float, ...]
    display: tuple[int, ...]
    output: tuple[float, ...] = ()
    nominal: bool = False  # whether linear and display values are at the nominal settings


class TorchEngine:
    """The data model itself, on the processor."""

    name = "PyTorch (CPU)"

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self._small: tuple[RawFrame, dict[int, RawFrame]] | None = None  # of one frame, by side

    def draft(self, frame: RawFrame, settings: Settings, visible: Region, budget: int) -> Drawn:
        """The visible region, of a smaller frame where it is large."""
        from driftlab.isp.develop import Region, develop, picture_size
        from driftlab.isp.draft import draft_settings, draft_side
        from driftlab.parallel import one_core_left

        size = picture_size(frame, settings)
        shrink = frame.size[1] // size[1]
        side = draft_side(frame, visible.width * visible.height * shrink**2, budget)
        small, settings = self._smaller(frame, side), draft_settings(settings, side)
        height, width = picture_size(small, settings)
        left, top = min(visible.left // side, width - 1), min(visible.top // side, height - 1)
        right = min(-(-(visible.left + visible.width) // side), width)
        bottom = min(-(-(visible.top + visible.height) // side), height)
        part = Region(left, top, right - left, bottom - top)
        pixels = _opaque(part.height, part.width)
        with one_core_left():
            pixels[..., :3] = develop(small, settings, region=part, bits=8).transpose(1, 2, 0)
        where = Region(left * side, top * side, part.width * side, part.height * side)
        return Drawn(pixels, where, size, side == 1)

    def exact(self, frame: RawFrame, settings: Settings) -> Iterator[Drawn | None]:
        """All of it, tile by tile."""
        from driftlab.isp.develop import Region, assemble, picture_size, tiles
        from driftlab.isp.draft import draft_side

        height, width = picture_size(frame, settings)
        pixels = _opaque(height, width)
        whole = Region(0, 0, width, height)
        colors = pixels[..., :3].transpose(2, 0, 1)
        yield from assemble(
            tiles(frame, settings), whole, colors, lambda part: (part.clamp(0, 1) * 255).round_().to(dtype=_byte())
        )
        yield Drawn(pixels, whole, (height, width), True)
        self.draft(frame, settings, whole, FIRST)  # what the first drag will begin with; the second one is quick
        yield None
        self._smaller(frame, draft_side(frame, frame.size[0] * frame.size[1], MOST))

    def _smaller(self, frame: RawFrame, side: int) -> RawFrame:
        from driftlab.isp.draft import draft_frame

        if self._small is None or self._small[0] is not frame:
            self._small = frame, {}
        if side not in self._small[1]:
            self._small[1][side] = draft_frame(frame, side)
        return self._small[1][side]


class PreviewSource(QObject):
    """Asks the engine, and tells what has been drawn."""

    pictured = Signal(object)
    nominal_pictured = Signal(object)
    output_pictured = Signal(object)
    read = Signal(object)
    failed = Signal(object)
    engine_changed = Signal()

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.shown = 0
        self._budget = FIRST
        self._paces: deque[float] = deque(maxlen=KNOWN)  # seconds a sample
        self.worker = Worker(
            ("draft", "exact", "readout", "nominal", "output", "engine"), "preview", finishing=("draft",)
        )
        self.worker.delivered.connect(self._deliver)
        self.worker.failed.connect(lambda kind, generation, error: self.failed.emit(error))

    def look_for(self, find: Callable[[], Engine]) -> None:
        """Draw with the engine that `find` finds, in the thread of the preview, as soon as there is time for it."""

        def found() -> Iterator[Engine]:
            yield find()

        self.worker.submit("engine", found)

    def draft(self, frame: RawFrame, settings: Settings, visible: Region) -> None:
        """Draw what is visible, soon."""
        self.worker.cancel("exact")
        self.worker.submit("draft", partial(_draft, self.engine, frame, settings, visible, self._budget))

    def exact(self, frame: RawFrame, settings: Settings) -> None:
        """Draw all of it."""
        self.worker.submit("exact", partial(_exact, self.engine, frame, settings))

    def nominal(self, frame: RawFrame, settings: Settings) -> None:
        """Draw all of it at the nominal settings."""
        self.worker.submit("nominal", partial(_exact, self.engine, frame, settings))

    def output(self, job: Job) -> None:
        """Draw what a stage gives, as this job does."""
        self.worker.submit("output", job)

    def readout(
        self, frame: RawFrame, settings: Settings, x: int, y: int, stage: str | None = None, nominal: bool = False
    ) -> None:
        """Tell of one pixel, and of what this stage gives there; `nominal` says what the settings are."""
        self.worker.submit("readout", partial(_readout, frame, settings, x, y, stage, nominal))

    @property
    def idle(self) -> bool:
        """Whether nothing is left to draw."""
        return not self.worker.busy - {"readout"}

    def close(self) -> None:
        """End the thread."""
        self.worker.close()

    def _deliver(self, kind: str, generation: int, item: Any) -> None:
        if kind != "draft" and not self.worker.is_newest(kind, generation):
            return
        if kind == "engine":
            self.engine = item
            self.engine_changed.emit()
        elif kind == "output" and item is not None:
            self.output_pictured.emit(item)
        elif isinstance(item, Readout):
            self.read.emit(item)
        elif isinstance(item, Picture):
            self.shown += 1
            if kind == "draft":
                self._fit_budget(item)
            (self.nominal_pictured if kind == "nominal" else self.pictured).emit(item)

    def _fit_budget(self, draft: Picture) -> None:
        """As many samples as there is time for, by the last drafts."""
        self._paces.append(draft.seconds / (draft.levels[0].width() * draft.levels[0].height()))
        self._budget = min(max(round(SOON / median(self._paces)), LEAST), MOST)


def _draft(engine: Engine, frame: RawFrame, settings: Settings, visible: Region, budget: int) -> Iterator[Picture]:
    start = time.perf_counter()
    drawn = engine.draft(frame, settings, visible, budget)
    yield Picture((_image(drawn),), drawn.region, drawn.size, drawn.exact, frame, settings, time.perf_counter() - start)


def _exact(engine: Engine, frame: RawFrame, settings: Settings) -> Iterator[Picture | None]:
    start = time.perf_counter()
    for drawn in engine.exact(frame, settings):
        if drawn is None:
            yield None
            continue
        yield picture_of(drawn, frame, settings, start)


def picture_of(drawn: Drawn, frame: RawFrame, settings: Settings, start: float) -> Picture:
    """What has been drawn since `start`, an exact picture, with its halves."""
    levels = [_image(drawn)]
    while max(levels[-1].width(), levels[-1].height()) > 1024:
        half = levels[-1]
        size = half.width() // 2, half.height() // 2
        mode = Qt.TransformationMode.SmoothTransformation
        levels.append(half.scaled(*size, Qt.AspectRatioMode.IgnoreAspectRatio, mode))
    return Picture(tuple(levels), drawn.region, drawn.size, True, frame, settings, time.perf_counter() - start)


def _readout(
    frame: RawFrame, settings: Settings, x: int, y: int, stage: str | None, nominal: bool
) -> Iterator[Readout]:
    from driftlab.isp.develop import Region, develop, picture_size
    from driftlab.isp.stage import Domain

    height, width = picture_size(frame, settings)
    if not (0 <= x < width and 0 <= y < height):
        return
    here, pipeline = Region(x, y, 1, 1), settings.pipeline
    linear = [stage.name for stage in pipeline.stages if pipeline.writes(stage.name) == Domain.LINEAR_RGB]
    side = frame.size[0] // height
    output: tuple[float, ...] = ()
    if stage is not None:
        finer = picture_size(frame, settings, until=stage)[0] // height
        there = Region(x * finer, y * finer, 1, 1)
        output = tuple(develop(frame, settings, region=there, until=stage)[:, 0, 0].tolist())
    yield Readout(
        (x, y),
        tuple(frame.mosaic[:, y * side, x * side].tolist()),
        tuple(develop(frame, settings, region=here, until=linear[-1])[:, 0, 0].tolist()) if linear else (),
        tuple(develop(frame, settings, region=here, bits=8)[:, 0, 0].tolist()),
        output,
        nominal,
    )


def _image(drawn: Drawn) -> QImage:
    height, width = drawn.pixels.shape[:2]
    image = QImage(drawn.pixels.data, width, height, width * 4, QImage.Format.Format_RGBX8888)
    return image.convertToFormat(QImage.Format.Format_RGB32)  # a copy, in the format that is fastest to paint


def _opaque(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 4), 255, np.uint8)


def _byte() -> Any:
    import torch

    return torch.uint8
