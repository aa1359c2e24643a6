"""The jobs of opening: what the worker's thread does with a path, and what it gives back.

Of a file that waits for an answer it gives the question: a model that can run code, a dump that nothing describes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.gui.document import Entry, Mask
from driftlab.gui.dump_dialog import Dump

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings
    from driftlab.model.source import Source
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame
    from driftlab.raw.limits import Limits

__all__ = [
    "FirstSettings",
    "LoadModel",
    "Untrusted",
    "alike",
    "frame_steps",
    "import_steps",
    "mask_steps",
    "model_steps",
]

FirstSettings = Callable[["RawFrame"], "Settings"]
LoadModel = Callable[[str, bool], "TaskModel"]


class Untrusted:
    """A model that is not loaded before somebody has said that its code may run."""

    def __init__(self, path: str, source: Source, load: LoadModel | None, words: tuple[str, ...] = ()) -> None:
        self.path = path
        self.source = source
        self.load = load
        self.words = words


def import_steps() -> Iterator[None]:
    """What the first frame will need."""
    for name in ("driftlab.raw.load", "driftlab.isp.develop", "driftlab.isp.draft", "driftlab.model.load"):
        import_module(name)
        yield None  # a frame that has been asked for meanwhile comes first


def mask_steps(entry: Entry, path: Path) -> Iterator[tuple[Entry, Mask]]:
    """A mask for the frame of an entry. Raises DriftlabError where it is none."""
    from driftlab.mask_file import read_mask

    yield entry, Mask(path, read_mask(path))


def alike(path: Path) -> tuple[str, int]:
    """What dumps of one camera have in common."""
    return path.suffix, path.stat().st_size


def frame_steps(
    entry: Entry,
    limits: Limits | None,
    first: FirstSettings | None,
    described: Mapping[tuple[str, int], Description],
) -> Iterator[tuple[Entry, RawFrame, Settings] | Dump]:
    """A frame and its first settings, or what is to be asked about a dump. Raises RawError where it is no frame."""
    from driftlab.raw.description import Undescribed, beside
    from driftlab.raw.dump import likely_dump
    from driftlab.raw.frame import RawError
    from driftlab.raw.load import load_raw

    path = entry.path
    try:
        frame = load_raw(path, description=entry.description, limits=limits)
    except RawError as error:
        said = beside(path) if not isinstance(error, Undescribed) and entry.description is None else None
        if not isinstance(error, Undescribed) and not (said and said.is_dump):
            raise
        yield Dump(path, path.stat().st_size, said or described.get(alike(path)) or likely_dump(path), str(error))
        return
    from driftlab.isp.pipeline import CAMERA

    yield entry, frame, (first or CAMERA.settings)(frame)


def model_steps(
    path: str, trust: bool, trusted: frozenset[str], load: LoadModel | None, words: tuple[str, ...]
) -> Iterator[Untrusted | tuple[TaskModel, str, tuple[str, ...]] | None]:
    """A task model, its path and its words, or what is to be asked about it. Raises ModelError where it is none."""
    yield None  # the import below takes a second: here a newer request may come first
    from driftlab.model.load import find_source, load_model

    source = find_source(path)
    if source.risk and not trust and source.sha256 not in trusted:
        yield Untrusted(path, source, load, words)
    elif load is not None:
        yield load(path, bool(source.risk)), path, words
    else:
        yield load_model(path, trust=bool(source.risk)), path, words
