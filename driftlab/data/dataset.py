"""From files to cases, the one way there is: window, command line and scripts get the same cases and the same refusals.

Frames are read one after the other. The samples of the first ones stay in memory; those of the rest lie in temporary
files that the system maps in as they are needed, so that memory does not grow with the number of frames.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from driftlab.data.cases import Case
from driftlab.data.entries import Entry, check_labels
from driftlab.data.errors import DataError
from driftlab.data.mask import mask_on
from driftlab.errors import DriftlabError
from driftlab.isp.develop import Region
from driftlab.isp.settings import Settings
from driftlab.raw.frame import RawFrame
from driftlab.raw.load import load_raw

if TYPE_CHECKING:
    from torch import Tensor

    from driftlab.model.task_model import TaskModel

__all__ = ["CaseRef", "Dataset", "LeftOut", "cases_of"]

#: Bytes of samples that stay in memory.
IN_MEMORY: Final = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class CaseRef:
    """What a case is to be made of.

    `settings` gives a frame its nominal settings. `region` is the part of the picture that the model is given; where
    `region_of` is known, the size of the frame that it was drawn in, frames of another size are taken whole. `frame`
    is there where it has been read; without it `load` reads it.
    """

    entry: Entry
    settings: Callable[[RawFrame], Settings]
    region: Region | None = None
    region_of: tuple[int, int] | None = None
    frame: RawFrame | None = None
    load: Callable[[Path], RawFrame] = load_raw


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that nobody named and that can't be used, and why; `told` is the sentence to say."""

    path: Path
    reason: str

    @property
    def told(self) -> str:
        """The file and the reason, in one sentence."""
        return f"Left out: {_of_file(self.path, self.reason)}"


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Cases, the entries that they are of, and what was left out."""

    cases: tuple[Case, ...]
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def excluded(self) -> tuple[tuple[str, str], ...]:
        """The name of every file that was left out, and why, as a report has them."""
        return tuple((each.path.name, each.reason) for each in self.left_out)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file of every case."""
        return tuple(entry.path for entry in self.entries)


def cases_of(
    refs: Sequence[CaseRef], model: TaskModel, *, accuracy: bool = False
) -> Generator[LeftOut | None, None, Dataset]:
    """The data set, with a stop after each file, which tells whether it was left out.

    What was found in a folder and is no frame, or the same picture as another, is left out; a file that was named must
    be one of its own. Raises DataError for that, for labels that do not go with the model's task or, where an
    `accuracy` is to be taken, are all of one class, and where nothing is left.
    """
    _check_task([ref.entry for ref in refs], model)
    cases: list[Case] = []
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    known: dict[str, Path] = {}
    held = 0
    for ref in refs:
        path, missed = ref.entry.path, None
        try:
            frame = ref.frame if ref.frame is not None else ref.load(path)
            if (same := known.setdefault(frame.sha256, path)) != path:
                raise DataError(f"'{path}' is the same picture as '{same}', and would count twice: leave it out.")
            held += frame.mosaic.nbytes
            if held > IN_MEMORY and ref.frame is None:
                frame = _mapped(frame)
            case = _case(ref, frame)
        except DriftlabError as error:
            if ref.entry.named:
                raise DataError(_of_file(path, str(error))) from error
            missed = LeftOut(path, str(error))
            left_out.append(missed)
        else:
            cases.append(case)
            entries.append(ref.entry)
        yield missed
    if not cases:
        raise DataError(f"None of the {len(left_out)} files is a frame that can be used: name others.")
    if accuracy and model.task == "classification":
        check_labels([entry.label for entry in entries])
    return Dataset(tuple(cases), tuple(entries), tuple(left_out))


def _check_task(entries: Sequence[Entry], model: TaskModel) -> None:
    """Labels are of classifications, masks of segmentations: one task for the whole data set."""
    segments = model.task == "segmentation"
    labels, masks = (any(getattr(entry, name) is not None for entry in entries) for name in ("label", "mask"))
    if segments and labels and not masks:
        raise DataError("The data has labels, but the model segments: give masks (file,mask), or the files alone.")
    if not segments and masks and not labels:
        raise DataError(f"The data has masks, but the model does {model.task}: give labels, or the files alone.")


def _case(ref: CaseRef, frame: RawFrame) -> Case:
    settings = ref.settings(frame)
    region = ref.region if ref.region_of in (None, frame.size) else None
    mask = None if ref.entry.mask is None else _mask(ref.entry.mask, frame, settings, region)
    case = Case(frame, settings, region, ref.entry.label, mask)
    _ = case.extent  # says now, and of this file, where the region does not fit
    return case


def _mask(path: Path, frame: RawFrame, settings: Settings, region: Region | None) -> Tensor:
    import torch

    from driftlab.mask_file import read_mask

    return mask_on(torch.from_numpy(read_mask(path)), frame, settings, region)


def _mapped(frame: RawFrame) -> RawFrame:
    """The frame with its samples in a temporary file, which goes when nobody holds them any more."""
    try:
        with tempfile.TemporaryFile(prefix="driftlab-") as file:
            frame.mosaic.tofile(file)
            file.flush()
            # The mapping outlives the file's name and its descriptor.
            samples = np.memmap(file, np.float32, "r", shape=frame.mosaic.shape)
    except OSError as error:
        raise DataError(
            f"There is no room for the samples of '{frame.name}' in '{tempfile.gettempdir()}' "
            f"({error.strerror or error}): make some there, or set TMPDIR to another folder."
        ) from error
    return replace(frame, mosaic=samples)


def _of_file(path: Path, reason: str) -> str:
    return reason if str(path) in reason or path.name in reason else f"{path}: {reason}"
