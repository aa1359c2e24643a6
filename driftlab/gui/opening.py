"""Opens frames and task models in the worker's thread; what is open stays until the new is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QSettings, Signal

from driftlab import resource
from driftlab.gui.document import Document, Entry, Mask
from driftlab.gui.dump_dialog import Dump
from driftlab.gui.loading import (
    FirstSettings,
    LoadModel,
    Untrusted,
    alike,
    frame_steps,
    import_steps,
    mask_steps,
    model_steps,
)
from driftlab.gui.problem import Problem
from driftlab.gui.sorting import Sorted, sort
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.description import Description

__all__ = ["Opening"]

TRUSTED: Final = "trusted_models"
RECENT: Final = "recent"


class Opening(QObject):
    """What turns paths into a document."""

    trust_needed = Signal(object)  # Untrusted
    description_needed = Signal(object)  # Dump
    failed = Signal(object)  # Problem
    loading_changed = Signal(str)  # what is being loaded, or nothing
    recent_changed = Signal()

    def __init__(self, document: Document, worker: Worker, store: QSettings) -> None:
        super().__init__()
        self._document, self._worker, self._store = document, worker, store
        self._generation = {"frame": 0, "model": 0, "mask": 0}
        self._loading: dict[str, str] = {}
        self._selected: Entry | None = None
        self._closing: Entry | None = None
        document.frame_changed.connect(self._close)
        #: Files that a command line has named, how it wants them loaded, and the settings that they begin with.
        self.named: frozenset[Path] = frozenset()
        self.named_description: Description | None = None
        self.first_settings: FirstSettings | None = None
        self._described: dict[tuple[str, int], Description] = {}
        worker.delivered.connect(self._deliver)
        worker.finished.connect(self._end)
        worker.dropped.connect(self._end)
        worker.failed.connect(self._fail)

    def warm_up(self) -> None:
        """Import what the first frame will need, while the window is already there."""
        self._worker.submit("frame", import_steps)

    def open(self, paths: list[Path]) -> None:
        """Open whatever these paths are: frames, folders, a model, settings."""
        found = self.sort(paths)
        for path, why in found.refused:
            self.failed.emit(Problem(f"'{path.name or path}' is not opened: {why}."))
        if found.models:
            self.open_model(str(found.models[-1]))
        if found.frames:
            self._remember(str(found.frames[0] if len(paths) > 1 or paths[0] in found.frames else paths[0]))
            entries = self._document.add(found.frames)
            for entry in entries:
                if entry.path in self.named and entry.description is None:
                    entry.description = self.named_description
            self.select(entries[0])
        if found.settings:
            self.open_settings(found.settings[-1])
        if found.masks:
            self.open_mask(found.masks[-1])

    def sort(self, paths: list[Path], *, search: bool = True) -> Sorted:
        """What these paths are; a picture that fits the segmentation on the screen as a mask is one."""
        return sort(paths, self._is_mask, search=search)

    def _is_mask(self, path: Path) -> bool:
        frame, settings, model = self._document.frame, self._document.settings, self._document.model
        if frame is None or settings is None or model is None or model.task != "segmentation":
            return False
        from driftlab.isp.develop import picture_size
        from driftlab.mask_file import looks_like_mask

        sizes = {frame.size, picture_size(frame, settings)}
        return looks_like_mask(path, sizes, len(model.labels))

    def open_mask(self, path: Path) -> None:
        """Hold the segmentations of the frame that is shown against a mask."""
        current = self._document.current
        if current is not None:
            self._begin("mask", path.name, partial(mask_steps, current, path))

    def open_sample(self) -> None:
        """The bundled example: a frame that the model has right, its fellows, and the model."""
        folder = resource("demo")
        self.open([folder / "leukocyte_net.safetensors"])
        names = sorted(path for path in folder.glob("*.dng"))
        entries = self._document.add(names)
        self.select(next(each for each in entries if each.path.name.startswith("eosinophil-03")))

    def select(self, entry: Entry) -> None:
        """Show this frame of the list."""
        self._selected, self._closing = entry, None
        first = self.first_settings if entry.path in self.named else None
        steps = partial(frame_steps, entry, self._document.limits, first, self._described)
        self._begin("frame", entry.path.name, steps)

    def open_described(self, path: Path, description: Description, remember: bool) -> None:
        """Open a headerless dump as described, and keep that beside it if it shall be remembered."""
        from driftlab.errors import DriftlabError
        from driftlab.raw.description import write_beside

        entry = self._document.add([path])[0]
        entry.description = description
        self._described[alike(path)] = description
        if remember:
            try:
                write_beside(path, description)
                entry.description = None
            except DriftlabError as error:
                self.failed.emit(Problem.of(error))
        self.named -= {path}
        self.select(entry)

    def close_current(self) -> None:
        """Take the frame that is shown off the list, once the next one is there; the last one stays."""
        document = self._document
        current, entries = document.current, document.entries
        if current is None or len(entries) < 2:
            return
        at = entries.index(current)
        self.select(entries[at + 1] if at + 1 < len(entries) else entries[at - 1])
        self._closing = current

    def _close(self) -> None:
        """Another frame is shown: the one that was to be closed goes."""
        closing, self._closing = self._closing, None
        if closing is not None and closing is not self._document.current and closing in self._document.entries:
            self._document.remove(closing)

    def step(self, by: int) -> None:
        """Show the frame so many places further on, round and round."""
        entries, start = self._document.entries, self._document.current
        if "frame" in self._loading and self._selected in entries:
            start = self._selected  # steps that come faster than frames load are counted all the same
        if entries:
            at = entries.index(start) if start in entries else 0
            self.select(entries[(at + by) % len(entries)])

    def open_model(
        self, path: str, trust: bool = False, load: LoadModel | None = None, words: tuple[str, ...] = ()
    ) -> None:
        """Load a task model; one that can run code is asked about, once for each sha256.

        `load` is how, if it was said on a command line, and `words` are what was said there.
        """
        self._begin("model", Path(path).name, partial(model_steps, path, trust, self._trusted(), load, words))

    def trust(self, untrusted: Untrusted) -> None:
        """Somebody has said that this model's code may run: remember it and load."""
        self._store.setValue(TRUSTED, sorted({*self._trusted(), untrusted.source.sha256}))
        self.open_model(untrusted.path, load=untrusted.load, words=untrusted.words)

    def open_settings(self, path: Path) -> None:
        """Lay the settings of a JSON file over those in force."""
        from driftlab.errors import DriftlabError

        settings, frame = self._document.settings, self._document.frame
        if settings is None or frame is None:
            self.failed.emit(Problem(f"'{path.name}' waits for a frame: open one first, then its settings."))
            return
        from driftlab.isp.pipeline import pipeline_of
        from driftlab.isp.settings import pipeline_named_in

        try:
            name = pipeline_named_in(path)
            if name is not None and name != settings.pipeline.name:
                settings = pipeline_of(name).settings(frame)
            self._document.replace(settings.loaded(path), f"Open {path.name}")
        except DriftlabError as error:
            self.failed.emit(Problem.of(error, partial(self.open_settings, path)))

    @property
    def recent(self) -> list[str]:
        """Files and folders that were opened, the newest first."""
        return [str(each) for each in _listed(self._store.value(RECENT))]

    @property
    def idle(self) -> bool:
        """Whether nothing is being loaded."""
        return not self._loading

    def _remember(self, path: str) -> None:
        recent = [path, *(each for each in self.recent if each != path)][:10]
        self._store.setValue(RECENT, recent)
        self.recent_changed.emit()

    def _trusted(self) -> frozenset[str]:
        return frozenset(str(each) for each in _listed(self._store.value(TRUSTED)))

    def _begin(self, kind: str, what: str, job: Callable[[], Iterator[object]]) -> None:
        self._generation[kind] = self._worker.submit(kind, job)
        self._loading[kind] = what
        self._say()

    def _deliver(self, kind: str, generation: int, item: Any) -> None:
        if kind not in self._generation or generation != self._generation[kind]:
            return
        if isinstance(item, Untrusted):
            self.trust_needed.emit(item)
        elif isinstance(item, Dump):
            self._withdraw()
            self.description_needed.emit(item)
        elif kind == "mask":
            self._take_mask(*item)
        elif kind == "model" and item is not None:
            self._remember_model(item)
        elif item is not None:
            self._document.show(*item)

    def _take_mask(self, entry: Entry, mask: Mask) -> None:
        frame, settings = self._document.frame, self._document.settings
        if entry is not self._document.current or frame is None or settings is None:
            return
        from driftlab.data.mask import fits
        from driftlab.errors import DriftlabError

        try:
            fits(mask.indices.shape, frame, settings, self._document.region)
        except DriftlabError as error:
            self.failed.emit(Problem.of(error))
        else:
            self._document.set_mask(mask)

    def _remember_model(self, item: tuple[TaskModel, str, tuple[str, ...]]) -> None:
        self._remember(item[1])
        self._document.set_model(*item)

    def _end(self, kind: str, generation: int) -> None:
        if kind in self._generation and generation == self._generation[kind]:
            if kind == "frame":
                self._closing = None  # where the next one did not come, the one that is shown stays
            self._loading.pop(kind, None)
            self._say()

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if kind in self._generation and generation == self._generation[kind]:
            self.failed.emit(Problem.of(error))
            self._end(kind, generation)
            if kind == "frame":
                self._withdraw()

    def _withdraw(self) -> None:
        """What can't be opened is no frame; where none is shown yet, the next one has its turn."""
        entry, entries = self._selected, self._document.entries
        if entry in entries and entry is not self._document.current:
            at = entries.index(entry)
            self._document.remove(entry)
            if self._document.current is None and entries:
                self.select(entries[at % len(entries)])

    def _say(self) -> None:
        names = ", ".join(self._loading.values())
        self.loading_changed.emit(f"Loading {names} …" if names else "")


def _listed(value: object) -> list[object]:
    """What QSettings gives for a list: a list, its only element, or nothing."""
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
