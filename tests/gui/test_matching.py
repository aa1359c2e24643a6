"""Typed letters against texts: what matches, and what matches better."""

from __future__ import annotations

import pytest

from driftlab.gui.matching import match


@pytest.mark.parametrize(
    ("typed", "text", "places"),
    [
        ("", "Undo", ()),
        ("undo", "Undo", (0, 1, 2, 3)),
        ("cop", "Copy settings", (0, 1, 2)),
        ("cs", "Copy settings", (0, 5)),
        ("c p", "Copy as command: picture", (0, 17)),
        ("wp", "Whole picture", (0, 6)),
        ("zz", "Zoom", None),
        ("odnu", "Undo", None),
        ("undo", "", None),
    ],
)
def test_letters_in_their_order(typed: str, text: str, places: tuple[int, ...] | None) -> None:
    found = match(typed, text)
    assert (None if found is None else found.places) == places


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        ("fit", "Fit", "Find a command with it"),
        ("re", "Redo", "Compare"),
        ("sp", "Split", "Save settings and pictures"),
        ("zi", "Zoom in", "Size of it"),
        ("set", "Copy settings", "Save the tile"),
    ],
)
def test_beginnings_of_words_and_runs_are_better(typed: str, better: str, worse: str) -> None:
    first, second = match(typed, better), match(typed, worse)
    assert first is not None and second is not None
    assert first.score > second.score
