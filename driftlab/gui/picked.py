"""The pictures that a search is made on: what the document knows of them, and how the worker loads the rest."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.gui.document import Document, Entry
from driftlab.steps import saying

if TYPE_CHECKING:
    from driftlab.data.cases import Case
    from driftlab.data.entries import Entry as Truth
    from driftlab.isp.develop import Region
    from driftlab.isp.settings import Settings
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame
    from driftlab.raw.limits import Limits

__all__ = ["Picked", "case_steps", "pick", "same_pictures"]


@dataclass(frozen=True, eq=False)
class Picked:
    """One picture: its file, its settings (None: as shot), and the part that the model is given.

    `frame` is there where it is loaded. `region` is for frames of `region_of`, height and width of the one that it was
    drawn in; other frames are taken whole. `truth` is the line of a table that says what the picture shows.
    """

    path: Path
    pipeline: str
    settings: Settings | None
    region: Region | None
    region_of: tuple[int, int]
    truth: Truth | None
    description: Description | None
    limits: Limits | None
    frame: RawFrame | None

    def same(self, other: Picked) -> bool:
        """Whether the case made of it is the same."""
        return (
            (self.path, self.pipeline, self.region, self.truth, self.description, self.limits)
            == (other.path, other.pipeline, other.region, other.truth, other.description, other.limits)
            and (self.region is None or self.region_of == other.region_of)
            and (self.settings is other.settings or self.settings == other.settings)
        )


def pick(document: Document, every: bool, in_force: bool, truths: Mapping[Path, Truth]) -> tuple[Picked, ...]:
    """The picture that is shown, or every one in the list, at the nominal settings or at those in force.

    `truths` are the lines of a table, by their files; a mask that was opened for a frame counts where it has none.
    """
    current, frame, settings = document.current, document.frame, document.settings
    if current is None or frame is None or settings is None:
        return ()
    pipeline = settings.pipeline.name
    found, others = [], document.region
    for entry in document.entries if every else [current]:
        chosen = _settings(entry, in_force)
        if chosen is not None and chosen.pipeline.name != pipeline:
            chosen = None
        region = document.region_at(chosen or document.nominal) if entry is current else others
        truth = truths.get(entry.path.absolute()) or _by_hand(entry)
        about, limits = entry.description, document.limits
        found.append(Picked(entry.path, pipeline, chosen, region, frame.size, truth, about, limits, entry.frame))
    return tuple(found)


def same_pictures(some: Sequence[Picked], others: Sequence[Picked]) -> bool:
    """Whether the cases made of them are the same."""
    return len(some) == len(others) and all(a.same(b) for a, b in zip(some, others, strict=True))


def case_steps(
    pictures: Sequence[Picked], model: TaskModel, *, accuracy: bool = False
) -> Generator[None, None, list[Case]]:
    """The cases, as `cases_of` makes them, with a place to stop after each frame. In the worker's thread.

    Each was put on the list: what the command line would refuse if it were named is refused here too.
    """
    from driftlab.data.dataset import CaseRef, cases_of
    from driftlab.data.entries import Entry as Truth
    from driftlab.isp.pipeline import pipeline_of
    from driftlab.raw.load import load_raw

    def ref(picked: Picked) -> CaseRef:
        def settings(frame: RawFrame) -> Settings:
            return picked.settings if picked.settings is not None else pipeline_of(picked.pipeline).settings(frame)

        load = partial(load_raw, description=picked.description, limits=picked.limits)
        entry = replace(picked.truth, path=picked.path, named=True) if picked.truth else Truth(picked.path)
        return CaseRef(entry, settings, picked.region, picked.region_of, picked.frame, load)

    data = yield from saying(lambda: None, cases_of([ref(each) for each in pictures], model, accuracy=accuracy))
    return list(data.cases)


def _by_hand(entry: Entry) -> Truth | None:
    """The mask that was opened for this frame."""
    if entry.mask is None:
        return None
    from driftlab.data.entries import Entry as Truth

    return Truth(entry.path, mask=entry.mask.path)


def _settings(entry: Entry, in_force: bool) -> Settings | None:
    """None where they are as shot, so that frames that were looked at are no other than those that were not."""
    if in_force and entry.history is not None and entry.history.current != entry.nominal:
        return entry.history.current
    return entry.nominal if entry.pinned else None
