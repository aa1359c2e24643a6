"""What is open, without a window: the region keeps to the part of the picture that it was drawn around."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driftlab.gui.document import Document
from driftlab.gui.main_window import MainWindow
from driftlab.isp.develop import Region, picture_size
from driftlab.isp.pipeline import CAMERA
from tests.isp.frames import smooth_frame

SUPERPIXEL = {"demosaic.method": "superpixel"}


@pytest.fixture
def document() -> Document:
    made, frame = Document(), smooth_frame("RGGB", 40, 61)
    made.show(made.add([Path("planted.dng")])[0], frame, CAMERA.settings(frame))
    return made


@pytest.mark.parametrize(
    ("drawn", "smaller"),
    [
        (Region(10, 8, 20, 16), Region(5, 4, 10, 8)),
        (Region(51, 30, 10, 10), Region(25, 15, 5, 5)),  # an odd last column is not in the smaller picture
        (Region(60, 39, 1, 1), Region(29, 19, 1, 1)),
    ],
)
def test_a_region_follows_a_choice_that_shrinks_the_picture(document: Document, drawn: Region, smaller: Region) -> None:
    told: list[Any] = []
    document.set_region(drawn)
    document.region_changed.connect(told.append)
    document.set("demosaic.method", "superpixel")
    assert document.region == smaller == told[-1]
    assert document.frame is not None and document.settings is not None and document.nominal is not None
    smaller.within(picture_size(document.frame, document.settings))
    assert document.region_at(document.nominal) == drawn
    document.set("exposure.ev", 1.0)
    assert len(told) == 1
    document.undo()
    document.undo()
    assert document.region == drawn == told[-1]


def test_a_region_drawn_in_a_smaller_picture_is_as_large_afterwards(document: Document) -> None:
    document.set("demosaic.method", "superpixel")
    document.set_region(Region(5, 4, 10, 8))
    document.reset()
    assert document.region == Region(10, 8, 20, 16)
    document.set_region(Region(50, 30, 40, 40))  # drawn in a picture that is no more
    assert document.region == Region(50, 30, 11, 10)


def test_a_region_outside_a_smaller_picture_still_has_an_answer(opened: MainWindow, until: Any) -> None:
    opened.document.set_region(Region(70, 64, 58, 64))
    until(lambda: opened.current)
    opened.document.set("demosaic.method", "superpixel")
    until(lambda: opened.current)
    assert not opened.messages.messages
    answer, nominal = opened.computing.answer, opened.computing.nominal
    assert answer is not None and answer.question.region == Region(35, 32, 29, 32)
    assert nominal is not None and nominal.question.region == Region(70, 64, 58, 64)
    assert opened.preview.view.region == answer.question.region
    assert opened.explaining.table is not None
    assert opened.explaining.table.question.region == answer.question.region


def test_what_was_pinned_stays_pinned_in_its_pipeline(document: Document) -> None:
    document.set("exposure.ev", 0.5)
    document.pin()
    pinned = document.nominal
    entry = document.current
    assert pinned is not None and entry is not None
    document.choose_pipeline("paper")
    assert document.nominal is not None and document.nominal["exposure.ev"] == 0 and not entry.pinned
    document.undo()
    assert document.nominal is pinned and entry.pinned
    document.redo()
    assert document.nominal.pipeline.name == "paper"
    document.choose_pipeline("camera")
    assert document.nominal is pinned and entry.pinned
