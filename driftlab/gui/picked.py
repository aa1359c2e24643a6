"""The pictures that a search is made on: what the document knows of them, and how the worker loads the rest."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftlab.gui.document import Document, Entry

if TYPE_CHECKING:
    from torch import Tensor

    from driftlab.analysis.cases import Case
    from driftlab.data.entries import Entry as Truth
    from driftlab.isp.develop import Region
    from driftlab.isp.settings import Settings
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame

__all__ = ["Picked", "case_steps", "pick", "same_pictures"]

#: Samples of all frames together, which are kept while a search is on its way: 2 GB of them.
MOST: Final = 500_000_000


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
    frame: RawFrame | None

    def same(self, other: Picked) -> bool:
        """Whether the case made of it is the same."""
        return (
            (self.path, self.pipeline, self.region, self.truth, self.description)
            == (other.path, other.pipeline, other.region, other.truth, other.description)
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
        about = entry.description
        found.append(Picked(entry.path, pipeline, chosen, region, frame.size, truth, about, entry.frame))
    return tuple(found)


def same_pictures(some: Sequence[Picked], others: Sequence[Picked]) -> bool:
    """Whether the cases made of them are the same."""
    return len(some) == len(others) and all(a.same(b) for a, b in zip(some, others, strict=True))


def case_steps(pictures: Sequence[Picked]) -> Generator[None, None, list[Case]]:
    """The cases; frames that are not there are loaded, with a place to stop after each. In the worker's thread."""
    from driftlab.analysis.cases import Case
    from driftlab.analysis.errors import AnalysisError
    from driftlab.isp.pipeline import pipeline_of
    from driftlab.raw.load import load_raw

    cases, samples = [], 0
    for each in pictures:
        frame = each.frame
        if frame is None:
            frame = load_raw(each.path, description=each.description)
            yield
        samples += frame.mosaic.size
        if samples > MOST:
            raise AnalysisError(
                f"The {len(pictures)} frames do not fit into memory together: take fewer out of the list, "
                f"or search on the command line."
            )
        settings = each.settings if each.settings is not None else pipeline_of(each.pipeline).settings(frame)
        region = each.region if frame.size == each.region_of else None
        label, path = (each.truth.label, each.truth.mask) if each.truth else (None, None)
        mask = None if path is None else _mask(path, frame, settings, region)
        cases.append(Case(frame, settings, region, label, mask))
    return cases


def _mask(path: Path, frame: RawFrame, settings: Settings, region: Region | None) -> Tensor:
    import torch

    from driftlab.analysis.mask import mask_on
    from driftlab.mask_file import read_mask

    return mask_on(torch.from_numpy(read_mask(path)), frame, settings, region)


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
