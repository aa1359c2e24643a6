"""Options for data sets, and the cases that they stand for: frames with settings, labels and masks."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.cli.options import OptionError, add_descriptions, frame_of, progress, settings_of
from driftlab.errors import DriftlabError

if TYPE_CHECKING:
    from driftlab.analysis.cases import Case
    from driftlab.data.entries import Entry
    from driftlab.isp.develop import Region
    from driftlab.model.task_model import TaskModel


@dataclass(frozen=True, slots=True)
class Data:
    """Cases, the files that they are of, and the files of a folder that were left out, each with the reason."""

    cases: tuple[Case, ...]
    files: tuple[Path, ...]
    excluded: tuple[tuple[str, str], ...]


def add_data(parser: argparse.ArgumentParser) -> None:
    """The pictures to search on."""
    what = "camera files, a folder, or a table labels.csv (file,label; for segmentation file,mask)"
    parser.add_argument("data", metavar="DATA", nargs="+", help=what)
    parser.add_argument("--crop", metavar="X,Y,W,H", help="the region of every picture that the model is given")
    add_descriptions(parser)


def data_of(arguments: argparse.Namespace, model: TaskModel) -> Data:
    """The data set, by the options of `add_data` and `add_settings`.

    What was found in a folder and is no frame, or the same as another, is told and left out; a file that was named must
    be one of its own.
    """
    from driftlab.data.entries import DataError, entries_of
    from driftlab.isp.develop import Region

    region = Region.parse(arguments.crop) if arguments.crop is not None else None
    entries = entries_of(arguments.data)
    _check_task(entries[0], model)
    cases: list[Case] = []
    files: list[Path] = []
    excluded: list[tuple[str, str]] = []
    known: dict[str, Path] = {}
    for entry in progress(entries, "loading", lambda _, done: done / len(entries)):
        try:
            case = _case(arguments, entry, region)
            if (same := known.setdefault(case.frame.sha256, entry.path)) != entry.path:
                raise DataError(f"'{entry.path}' is the same picture as '{same}', and would count twice: leave it out.")
            cases.append(case)
            files.append(entry.path)
        except DriftlabError as error:
            named = str(entry.path) in str(error) or entry.path.name in str(error)
            reason = str(error) if named else f"{entry.path}: {error}"
            if entry.named:
                raise OptionError(reason) from error
            print(f"Left out: {reason}", file=sys.stderr)
            excluded.append((entry.path.name, str(error)))
    if not cases:
        raise DataError(f"None of the {len(excluded)} files is a frame that can be used: name others.")
    return Data(tuple(cases), tuple(files), tuple(excluded))


def _check_task(entry: Entry, model: TaskModel) -> None:
    """Labels are of classifications, masks of segmentations: one task for the whole data set."""
    segments = model.task == "segmentation"
    if segments and entry.label is not None and entry.mask is None:
        raise OptionError("The data has labels, but the model segments: give masks (file,mask), or the files alone.")
    if not segments and entry.mask is not None and entry.label is None:
        raise OptionError(f"The data has masks, but the model does {model.task}: give labels, or the files alone.")


def _case(arguments: argparse.Namespace, entry: Entry, region: Region | None) -> Case:
    import torch

    from driftlab.analysis.cases import Case
    from driftlab.analysis.mask import mask_on
    from driftlab.mask_file import read_mask

    frame = frame_of(arguments, str(entry.path))
    settings = settings_of(arguments, frame)
    mask = None
    if entry.mask is not None:
        mask = mask_on(torch.from_numpy(read_mask(entry.mask)), frame, settings, region)
    case = Case(frame, settings, region, entry.label, mask)
    _ = case.extent  # says now, and of this file, where the region does not fit
    return case
