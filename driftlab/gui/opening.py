"""Opens frames and task models in the worker's thread; what is open stays until the new is there."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QSettings, Signal

from driftlab import resource
from driftlab.gui.document import Document, Entry, Mask
from driftlab.gui.dump_dialog import Dump
from driftlab.gui.problem import Problem
from driftlab.gui.sorting import Sorted, sort
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings
    from driftlab.model.source import Source
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame

__all__ = ["LoadFrame", "LoadModel", "Opening", "Untrusted"]

LoadFrame = Callable[[str], "RawFrame"]
FirstSettings = Callable[["RawFrame"], "Settings"]
LoadModel = Callable[[str, bool], "TaskModel"]

TRUSTED: Final = "trusted_models"
RECENT: Final = "recent"


class Untrusted:
    """A model that is not loaded before somebody has said that its code may run."""

    def __init__(self, path: str, source: Source, load: LoadModel | None) -> None:
        self.path = path
        self.source = source
        self.load = load


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
        #: Files that a command line has named, how it wants them loaded, and the settings that they begin with.
        self.named: frozenset[Path] = frozenset()
        self.named_description: Description | None = None
        self.load_frame: LoadFrame | None = None
        self.first_settings: FirstSettings | None = None
        self._described: dict[tuple[str, int], Description] = {}
        worker.delivered.connect(self._deliver)
        worker.finished.connect(self._end)
        worker.dropped.connect(self._end)
        worker.failed.connect(self._fail)

    def warm_up(self) -> None:
        """Import what the first frame will need, while the window is already there."""
        self._worker.submit("frame", _imported)

    def open(self, paths: list[Path]) -> None:
        """Open whatever these paths are: frames, folders, a model, settings."""
        found = self.sort(paths)
        for path, why in found.refused:
            self.failed.emit(Problem(f"'{path.name or path}' is not opened: {why}."))
        if found.models:
            self.open_model(str(found.models[-1]))
        if found.frames:
            self._remember(str(found.frames[0] if len(paths) > 1 or paths[0] in found.frames else paths[0]))
            self.select(self._document.add(found.frames)[0])
        if found.settings:
            self.open_settings(found.settings[-1])
        if found.masks:
            self.open_mask(found.masks[-1])

    def sort(self, paths: list[Path]) -> Sorted:
        """What these paths are; a picture that fits the segmentation on the screen as a mask is one."""
        return sort(paths, self._is_mask)

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
            self._begin("mask", path.name, partial(_mask, current, path))

    def open_sample(self) -> None:
        """The bundled example: a frame that the model has right, its fellows, and the model."""
        folder = resource("demo")
        self.open([folder / "leukocyte_net.safetensors"])
        names = sorted(path for path in folder.glob("*.dng"))
        entries = self._document.add(names)
        self.select(next(each for each in entries if each.path.name.startswith("eosinophil-03")))

    def select(self, entry: Entry) -> None:
        """Show this frame of the list."""
        self._selected = entry
        load, first = (self.load_frame, self.first_settings) if entry.path in self.named else (None, None)
        if load is not None and entry.description is None:
            entry.description = self.named_description
        self._begin("frame", entry.path.name, partial(_frame, entry, load, first, self._described))

    def open_described(self, path: Path, description: Description, remember: bool) -> None:
        """Open a headerless dump as described, and keep that beside it if it shall be remembered."""
        from driftlab.errors import DriftlabError
        from driftlab.raw.description import write_beside

        entry = self._document.add([path])[0]
        entry.description = description
        self._described[_alike(path)] = description
        if remember:
            try:
                write_beside(path, description)
                entry.description = None
            except DriftlabError as error:
                self.failed.emit(Problem.of(error))
        self.named -= {path}
        self.select(entry)

    def step(self, by: int) -> None:
        """Show the frame so many places further on, round and round."""
        entries, current = self._document.entries, self._document.current
        if entries:
            at = entries.index(current) if current in entries else 0
            self.select(entries[(at + by) % len(entries)])

    def open_model(self, path: str, trust: bool = False, load: LoadModel | None = None) -> None:
        """Load a task model, by `load` if given; one that can run code is asked about, once for each sha256."""
        self._begin("model", Path(path).name, partial(_model, path, trust, self._trusted(), load))

    def trust(self, untrusted: Untrusted) -> None:
        """Somebody has said that this model's code may run: remember it and load."""
        self._store.setValue(TRUSTED, sorted({*self._trusted(), untrusted.source.sha256}))
        self.open_model(untrusted.path, load=untrusted.load)

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
        from driftlab.analysis.mask import fits
        from driftlab.errors import DriftlabError

        try:
            fits(mask.indices.shape, frame, settings, self._document.region)
        except DriftlabError as error:
            self.failed.emit(Problem.of(error))
        else:
            self._document.set_mask(mask)

    def _remember_model(self, item: tuple[TaskModel, str]) -> None:
        self._remember(item[1])
        self._document.set_model(*item)

    def _end(self, kind: str, generation: int) -> None:
        if kind in self._generation and generation == self._generation[kind]:
            self._loading.pop(kind, None)
            self._say()

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if kind in self._generation:
            self.failed.emit(Problem.of(error))
            self._end(kind, generation)
            if kind == "frame":
                self._withdraw()

    def _withdraw(self) -> None:
        """What can't be opened is no frame."""
        entry = self._selected
        if entry in self._document.entries and entry is not self._document.current:
            self._document.remove(entry)

    def _say(self) -> None:
        names = ", ".join(self._loading.values())
        self.loading_changed.emit(f"Loading {names} …" if names else "")


def _listed(value: object) -> list[object]:
    """What QSettings gives for a list: a list, its only element, or nothing."""
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _imported() -> Iterator[None]:
    for name in ("driftlab.raw.load", "driftlab.isp.develop", "driftlab.isp.draft", "driftlab.model.load"):
        import_module(name)
        yield None  # a frame that has been asked for meanwhile comes first
    gc.freeze()  # what has been imported stays: to look through it for garbage would hold up every thread


def _mask(entry: Entry, path: Path) -> Iterator[tuple[Entry, Mask]]:
    from driftlab.mask_file import read_mask

    yield entry, Mask(path, read_mask(path))


def _alike(path: Path) -> tuple[str, int]:
    """What dumps of one camera have in common."""
    return path.suffix, path.stat().st_size


def _frame(
    entry: Entry, load: LoadFrame | None, first: FirstSettings | None, described: Mapping[tuple[str, int], Description]
) -> Iterator[tuple[Entry, RawFrame, Settings] | Dump]:
    from driftlab.raw.description import Undescribed, beside
    from driftlab.raw.dump import likely_dump
    from driftlab.raw.frame import RawError
    from driftlab.raw.load import load_raw

    path = entry.path
    try:
        frame = load(str(path)) if load is not None else load_raw(path, description=entry.description)
    except RawError as error:
        said = beside(path) if not isinstance(error, Undescribed) and entry.description is None else None
        if not isinstance(error, Undescribed) and not (said and said.is_dump):
            raise
        yield Dump(path, path.stat().st_size, said or described.get(_alike(path)) or likely_dump(path), str(error))
        return
    from driftlab.isp.pipeline import CAMERA

    yield entry, frame, (first or CAMERA.settings)(frame)


def _model(
    path: str, trust: bool, trusted: frozenset[str], load: LoadModel | None
) -> Iterator[Untrusted | tuple[TaskModel, str] | None]:
    yield None  # the import below takes a second: here a newer request may come first
    from driftlab.model.load import find_source, load_model

    source = find_source(path)
    if source.risk and not trust and source.sha256 not in trusted:
        yield Untrusted(path, source, load)
    elif load is not None:
        yield load(path, bool(source.risk)), path
    else:
        yield load_model(path, trust=bool(source.risk)), path
