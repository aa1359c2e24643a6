"""Files that appear together or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from driftlab.atomic import whole_files


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def write(folder: Path) -> None:
    (folder / "tables").mkdir()
    for name in ("a.txt", "b.txt", "tables/c.txt"):
        (folder / name).write_text("new")


@pytest.mark.parametrize("there", [{}, {"b.txt": "old", "mine.txt": "kept"}])
def test_all_files_arrive_and_others_stay(tmp_path: Path, there: dict[str, str]) -> None:
    target = tmp_path / "out"
    if there:
        target.mkdir()
    for name, text in there.items():
        (target / name).write_text(text)
    with whole_files(target) as new:
        write(new)
    written = dict.fromkeys(("a.txt", "b.txt", "tables/c.txt"), "new")
    assert contents(target) == {**there, **written}
    assert [path.name for path in tmp_path.iterdir()] == ["out"] and not list(target.rglob(".*"))


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_files(tmp_path / "out") as new:
        write(new)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", range(1, 5))
def test_when_one_file_can_not_be_moved_all_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    target, moves, replace = tmp_path / "out", iter(range(1, 100)), os.replace
    target.mkdir()
    (target / "b.txt").write_text("old")

    def sometimes(source: Path, to: Path) -> None:
        if next(moves) == failing:
            raise OSError(28, "No space left on device")
        replace(source, to)

    monkeypatch.setattr(os, "replace", sometimes)
    with pytest.raises(OSError, match="No space"), whole_files(target) as new:
        write(new)
    assert contents(target) == {"b.txt": "old"} and not list(target.rglob(".*"))
