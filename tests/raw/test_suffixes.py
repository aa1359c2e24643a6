"""One list of suffixes: what opens by name opens everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftlab.data.entries import entries_of
from driftlab.raw.suffixes import CAMERA, FRAMES, PICTURES, frames_below


def test_what_a_folder_holds_is_found_below_and_in_any_case(tmp_path: Path) -> None:
    wanted = [tmp_path / "b.DNG", tmp_path / "below" / "deeper" / "a.gpr", tmp_path / "below" / "x.Mef"]
    for path in [*wanted, tmp_path / ".hidden" / "a.dng", tmp_path / ".a.dng", tmp_path / "notes.txt"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "folder.dng").mkdir()
    assert frames_below(tmp_path) == sorted(wanted)


@pytest.mark.parametrize("suffix", sorted(FRAMES))
def test_a_folder_of_any_kind_is_the_same_for_the_window_and_the_command_line(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("PySide6", reason="the window needs PySide6: install the extra gui")
    from driftlab.gui.sorting import sort

    (tmp_path / "below").mkdir()
    for name in (f"a{suffix}", f"below/b{suffix}"):
        (tmp_path / name).write_bytes(b"")
    frames = sort([tmp_path]).frames
    assert len(frames) == 2 and frames == [entry.path for entry in entries_of([tmp_path])]


def test_no_suffix_is_of_two_kinds() -> None:
    assert not CAMERA & PICTURES and CAMERA | PICTURES == FRAMES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in FRAMES)
