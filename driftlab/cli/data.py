"""Options for data sets, and the cases that they stand for: frames with settings, labels and masks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.cli.options import add_descriptions, frame_of, progress, settings_of

if TYPE_CHECKING:
    from driftlab.data.dataset import Dataset, LeftOut
    from driftlab.isp.settings import Settings
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.frame import RawFrame


def add_data(parser: argparse.ArgumentParser) -> None:
    """The pictures to search on."""
    what = "camera files, a folder, or a table labels.csv (file,label; for segmentation file,mask)"
    parser.add_argument("data", metavar="DATA", nargs="+", help=what)
    parser.add_argument("--crop", metavar="X,Y,W,H", help="the region of every picture that the model is given")
    add_descriptions(parser)


def data_of(arguments: argparse.Namespace, model: TaskModel, *, accuracy: bool = False) -> Dataset:
    """The data set, by the options of `add_data` and `add_settings`, as `cases_of`; what is left out is told."""
    from driftlab.data.dataset import CaseRef, cases_of
    from driftlab.data.entries import entries_of
    from driftlab.isp.develop import Region

    region = Region.parse(arguments.crop) if arguments.crop is not None else None
    entries = entries_of(arguments.data)

    def settings(frame: RawFrame) -> Settings:
        return settings_of(arguments, frame)

    def load(path: Path) -> RawFrame:
        return frame_of(arguments, str(path))

    refs = [CaseRef(entry, settings, region, load=load) for entry in entries]
    found: list[Dataset] = []

    def steps() -> Iterator[LeftOut | None]:
        found.append((yield from cases_of(refs, model, accuracy=accuracy)))

    for left_out in progress(steps(), "loading", lambda _, done: done / len(refs)):
        if left_out is not None:
            print(left_out.told, file=sys.stderr)
    return found[0]
