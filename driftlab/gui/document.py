"""What is open: frames with their settings, the nominal settings, the task model and the region it is given.

The only place where state changes: views send their edits here and observe. Lives in the GUI's thread, and needs
neither torch nor a pipeline before the first frame is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from driftlab.history import History

if TYPE_CHECKING:
    from driftlab.isp.develop import Region
    from driftlab.isp.settings import Settings
    from driftlab.isp.stage import Value
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame
    from driftlab.raw.limits import Limits

__all__ = ["Document", "Entry", "Mask"]


@dataclass(frozen=True, eq=False)
class Mask:
    """Class indices `[H, W]` from a file, for a frame's picture or a region of it."""

    path: Path
    indices: NDArray[np.int64]


@dataclass(eq=False)
class Entry:
    """A frame in the list: its file, and once it has been loaded its samples, settings and region.

    The region is in pixels of a picture of `region_size`, the one it was drawn in.
    """

    path: Path
    #: What was said of the file, here or on a command line, and is not kept beside it.
    description: Description | None = None
    frame: RawFrame | None = None
    history: History[Settings] | None = None
    nominal: Settings | None = None
    #: The nominal settings that were chosen, by pipeline; for others it is what was shot.
    pins: dict[str, Settings] = field(default_factory=dict)
    region: Region | None = None
    region_size: tuple[int, int] | None = None
    mask: Mask | None = None

    @property
    def pinned(self) -> bool:
        """Whether the nominal settings were chosen, and are not what was shot."""
        return self.nominal is not None and self.nominal.pipeline.name in self.pins


class Document(QObject):
    """The session while it is open."""

    entries_changed = Signal()
    frame_changed = Signal()
    settings_changed = Signal(object)
    nominal_changed = Signal(object)
    model_changed = Signal(object)
    region_changed = Signal(object)
    mask_changed = Signal(object)
    target_changed = Signal(object)
    drag_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        #: What a file may cost, where somebody has said it.
        self.limits: Limits | None = None
        self.model: TaskModel | None = None
        self.model_path: str | None = None
        #: What a command line has said of the model, as words of a command.
        self.model_words: tuple[str, ...] = ()
        #: What the sensitivities are of: a label or the index of an output; None for the margin, or for all classes.
        self.target: str | None = None
        self.dragging = False
        #: The key that was edited last, or the name of an edit of several: for who tells what changed a decision.
        self.last_edit: str | None = None
        self._current: Entry | None = None
        #: The last sizes of the frame's picture: they are asked for many times over at every move of a slider.
        self._sizes: list[tuple[Settings, tuple[int, int]]] = []

    @property
    def current(self) -> Entry | None:
        """The entry whose frame is shown."""
        return self._current

    @property
    def frame(self) -> RawFrame | None:
        """The frame that is shown."""
        return self._current.frame if self._current else None

    @property
    def history(self) -> History[Settings] | None:
        """The settings of the frame that is shown, and the way there."""
        return self._current.history if self._current else None

    @property
    def settings(self) -> Settings | None:
        """The settings of the frame that is shown."""
        return self.history.current if self.history else None

    @property
    def nominal(self) -> Settings | None:
        """The reference settings of the frame that is shown."""
        return self._current.nominal if self._current else None

    @property
    def region(self) -> Region | None:
        """The part of the picture that the model is given; None for all of it."""
        return self.region_at(self.settings)

    @property
    def mask(self) -> Mask | None:
        """The mask that a segmentation of the frame is held against, from a file."""
        return self._current.mask if self._current else None

    def region_at(self, settings: Settings | None) -> Region | None:
        """The same part of the picture at these settings, which may make it smaller (superpixels, for instance)."""
        entry = self._current
        if entry is None or entry.region is None or entry.region_size is None or settings is None:
            return entry.region if entry is not None else None
        if entry.frame is None:
            return entry.region
        size = next((known for each, known in self._sizes if each is settings), None)
        if size is None:
            from driftlab.isp.develop import picture_size

            size = picture_size(entry.frame, settings)
            self._sizes = [*self._sizes[-3:], (settings, size)]
        return _moved(entry.region, entry.region_size, size)

    # Frames and model

    def add(self, paths: list[Path]) -> list[Entry]:
        """Entries for these files, new ones at the end of the list; nothing is loaded."""
        known = {entry.path: entry for entry in self.entries}
        added = [known.get(path) or Entry(path) for path in dict.fromkeys(paths)]
        self.entries += [entry for entry in added if entry.path not in known]
        self.entries_changed.emit()
        return added

    def remove(self, entry: Entry) -> None:
        """Take an entry off the list."""
        self.entries.remove(entry)
        self.entries_changed.emit()

    def show(self, entry: Entry, frame: RawFrame, settings: Settings) -> None:
        """Make a loaded entry the current one; `settings` are its first ones, unless it has been edited before."""
        self.drag_end()
        self._sizes = []
        entry.frame = frame
        if entry.history is None:
            entry.history = History(settings)
            entry.nominal = settings.pipeline.settings(frame)
        if self._current is not None and self._current is not entry and self.frame is not None:
            if self.frame.size == frame.size:
                # Frames of one series are looked at in one place.
                entry.region, entry.region_size = self._current.region, self._current.region_size
            self._current.frame = None  # settings stay, samples are loaded again
        self._current = entry
        self.last_edit = None
        self.entries_changed.emit()
        self.frame_changed.emit()
        self.nominal_changed.emit(entry.nominal)
        self.region_changed.emit(self.region)
        self.mask_changed.emit(entry.mask)
        self.settings_changed.emit(self.settings)

    def set_model(self, model: TaskModel, path: str, words: tuple[str, ...] = ()) -> None:
        """Take another task model, which was loaded as these words of a command say."""
        self.model, self.model_path, self.model_words = model, path, words
        self.model_changed.emit(model)
        if self.target is not None and self.target not in model.labels:
            self.set_target(None)

    def set_region(self, region: Region | None) -> None:
        """Give the model this part of the picture, or all of it."""
        entry, settings = self._current, self.settings
        if entry is None or entry.frame is None or settings is None or region == self.region:
            return
        from driftlab.isp.develop import picture_size

        entry.region_size = picture_size(entry.frame, settings)
        # What is drawn is drawn in the picture on the screen, which may be one of earlier settings.
        entry.region = region and _moved(region, entry.region_size, entry.region_size)
        self.region_changed.emit(entry.region)

    def set_mask(self, mask: Mask | None) -> None:
        """Hold the segmentations of this frame against this mask, or against the nominal one."""
        if self._current is not None and mask is not self._current.mask:
            self._current.mask = mask
            self.mask_changed.emit(mask)

    def set_target(self, target: str | None) -> None:
        """Ask for the sensitivities of this output, of the margin, or of all classes."""
        if target != self.target:
            self.target = target
            self.target_changed.emit(target)

    # Settings

    def set(self, key: str, value: Value) -> None:
        """Change one value. Raises IspError where it is out of range."""
        settings = self.settings
        if settings is not None and settings[key] != value:
            self.last_edit = key
            self._record(settings.changed({key: value}), key)

    def set_several(self, changes: Mapping[str, Value], edit: str) -> None:
        """Change several values as one step of this name. Raises IspError where one is out of range."""
        settings = self.settings
        if settings is not None and any(settings[key] != value for key, value in changes.items()):
            self.last_edit = edit
            self._record(settings.changed(changes), edit)

    def replace(self, settings: Settings, edit: str) -> None:
        """Take other settings, such as a preset's or a file's, as one step of this name."""
        if self.settings is not None and (settings != self.settings or settings.pipeline is not self.settings.pipeline):
            self.last_edit = None
            other = settings.pipeline is not self.settings.pipeline
            if other:
                self._take_nominal_of(settings)
            self._record(settings, edit)
            if other:
                self.nominal_changed.emit(self.nominal)

    def choose_pipeline(self, name: str) -> None:
        """Another pipeline, with the values that were changed by hand where it has their keys."""
        from driftlab.isp.pipeline import pipeline_of

        if self.settings is None or self.frame is None or self.settings.pipeline.name == name:
            return
        before, defaults = self.settings, pipeline_of(name).settings(self.frame)
        shot = before.pipeline.settings(self.frame)
        kept = {key: value for key, value in before.items() if value != shot[key] and key in defaults}
        self.replace(defaults.changed(kept), "Pipeline")

    def reset(self, keys: list[str] | None = None) -> None:
        """These keys, or all, as nominal."""
        if self.settings is not None and self.nominal is not None:
            keys = [*self.nominal] if keys is None else keys
            changes = {key: self.nominal[key] for key in keys}
            if any(self.settings[key] != value for key, value in changes.items()):
                self.last_edit = keys[0] if len(keys) == 1 else None
                self._record(self.settings.changed(changes), "Reset")

    def pin(self) -> None:
        """Make the settings in force the nominal ones."""
        if self._current is not None and self.settings is not None:
            self._current.nominal = self._current.pins[self.settings.pipeline.name] = self.settings
            self.nominal_changed.emit(self.settings)

    def undo(self) -> None:
        """Take the last step back."""
        if self.history is not None and self.history.undoes is not None:
            self._step(self.history, self.history.undoes, self.history.undo)

    def redo(self) -> None:
        """Bring the last step back."""
        if self.history is not None and self.history.redoes is not None:
            self._step(self.history, self.history.redoes, self.history.redo)

    def drag_begin(self) -> None:
        """What follows is one step, until `drag_end`."""
        self.dragging = True
        if self.history is not None:
            self.history.hold()

    def drag_end(self) -> None:
        """The mouse button is up."""
        if self.dragging:
            self.dragging = False
            if self.history is not None:
                self.history.release()
            self.drag_ended.emit()

    def _record(self, settings: Settings, edit: str) -> None:
        if self.history is not None:
            before = self.region
            self.history.record(settings, edit)
            self._tell(settings, before)

    def _tell(self, settings: Settings, region_before: Region | None) -> None:
        self.settings_changed.emit(settings)
        if self.region != region_before:
            self.region_changed.emit(self.region)

    def _take_nominal_of(self, settings: Settings) -> None:
        """The nominal settings in the pipeline of these: as pinned there, or as shot."""
        entry = self._current
        if entry is not None and entry.frame is not None:
            entry.nominal = entry.pins.get(settings.pipeline.name) or settings.pipeline.settings(entry.frame)

    def _step(self, history: History[Settings], edit: str, move: Callable[[], Settings]) -> None:
        before, region = history.current, self.region
        self.last_edit = edit if edit in before else None
        settings = move()
        if settings.pipeline is not before.pipeline:
            self._take_nominal_of(settings)
            self.nominal_changed.emit(self.nominal)
        self._tell(settings, region)


def _moved(region: Region, before: tuple[int, int], now: tuple[int, int]) -> Region:
    """A region of a picture of one size, in one of another: the same part of it, at least a pixel, and within it."""
    from driftlab.isp.develop import Region

    def span(start: int, length: int, old: int, new: int) -> tuple[int, int]:
        fewer, more = max(old // new, 1), max(new // old, 1)  # what is left over of a side is in no smaller picture
        first = min(max(start * more // fewer, 0), new - 1)
        last = min(max(-(-(start + length) * more // fewer), first + 1), new)
        return first, last - first

    top, height = span(region.top, region.height, before[0], now[0])
    left, width = span(region.left, region.width, before[1], now[1])
    return Region(left, top, width, height)
