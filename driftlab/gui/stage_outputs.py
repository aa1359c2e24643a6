"""The output of one stage instead of the picture: which one is asked for, and its drawing, with the words that tell it.

Lives in the GUI's thread; the function at the end runs in the preview's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from driftlab.gui.document import Document
from driftlab.gui.preview_source import Drawn, Picture, PreviewSource, picture_of

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings
    from driftlab.raw.frame import RawFrame

__all__ = ["StageOutput", "StageOutputs"]

#: Samples up to which an output is drawn during a drag too.
BUDGET: Final = 6_000_000


@dataclass(frozen=True, eq=False)
class StageOutput:
    """A stage's output as a picture that lies where the final one does, and the lines that say what it is."""

    stage: str
    title: str
    scale: str
    picture: Picture


class StageOutputs(QObject):
    """Steps through the stages of the pipeline in force; `stage` is None while the picture itself is shown."""

    changed = Signal(object)  # StageOutput, or None for the picture itself
    staled = Signal()

    def __init__(self, document: Document, source: PreviewSource) -> None:
        super().__init__()
        self._document, self._source = document, source
        self.stage: str | None = None
        self.shown: StageOutput | None = None
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._ask)
        document.settings_changed.connect(self._change)
        document.drag_ended.connect(self._change)
        source.output_pictured.connect(self._take)

    @property
    def current(self) -> bool:
        """Whether what is shown is what is asked for, of the settings in force."""
        if self.stage is None:
            return True
        picture = self.shown.picture if self.shown is not None and self.shown.stage == self.stage else None
        document = self._document
        return picture is not None and picture.frame is document.frame and picture.settings == document.settings

    def step(self, by: int) -> None:
        """Show the output of the stage so many places further on; beyond the last but one, the picture itself."""
        settings = self._document.settings
        if settings is None:
            return
        names = [stage.name for stage in settings.pipeline.stages[:-1]]  # the last one's output is the picture
        at = names.index(self.stage) if self.stage in names else len(names)
        at = max(at + by, 0)
        if at >= len(names):
            self.leave()
        else:
            self.stage = names[at]
            self._ask()

    def leave(self) -> None:
        """Back to the picture."""
        self.stage = None
        if self.shown is not None:
            self.shown = None
            self.changed.emit(None)

    def _change(self) -> None:
        if self.stage is not None:
            if not self.current:
                self.staled.emit()
            self._soon.start()

    def _ask(self) -> None:
        frame, settings = self._document.frame, self._document.settings
        if self.stage is None or frame is None or settings is None or self.current:
            return
        if self.stage not in {stage.name for stage in settings.pipeline.stages}:
            self.leave()
        elif not self._document.dragging or frame.size[0] * frame.size[1] <= BUDGET:
            self._source.output(partial(_output, frame, settings, self.stage))

    def _take(self, output: StageOutput) -> None:
        if output.stage == self.stage and output.picture.frame is self._document.frame:
            self.shown = output
            self.changed.emit(output)


def _output(frame: RawFrame, settings: Settings, name: str) -> Iterator[StageOutput | None]:
    from driftlab.isp.develop import Region, assemble, picture_size, tiles
    from driftlab.isp.outputs import scale_of, visible

    start = time.perf_counter()
    pipeline = settings.pipeline
    stage, domain = pipeline.stage(name), pipeline.writes(name)
    height, width = picture_size(frame, settings, until=name)
    pixels = np.full((height, width, 4), 255, np.uint8)
    colors = pixels[..., :3].transpose(2, 0, 1)
    parts = tiles(frame, settings, until=name)
    yield from assemble(
        parts, Region(0, 0, width, height), colors, lambda part: visible(part, domain, frame).permute(2, 0, 1)
    )
    size = picture_size(frame, settings)
    drawn = Drawn(pixels, Region(0, 0, size[1], size[0]), size, True)
    values = {short: settings[key] for short, key in pipeline.names[name]}
    idle = " · off" if not values["on"] else " · changes nothing at these settings" if stage.is_neutral(values) else ""
    number = [each.name for each in pipeline.stages].index(name) + 1
    title = f"After {stage.title.lower()}, stage {number} of {len(pipeline.stages)}{idle}"
    yield StageOutput(name, title, scale_of(domain, frame), picture_of(drawn, frame, settings, start))
