"""Journals: what was found is found again, but under the same question only, and as far as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftlab.journal import Journal, JournalError

FOUND = {"a": (0.1, 2.0), "b": (1 / 3, -1.0, 5e-324), "c": (-0.0,)}


def written(path: Path) -> None:
    journal = Journal(path, "why")
    assert not journal and journal.recalled == 0 and not path.exists()
    journal.update(FOUND)
    assert {**Journal(path, "why")} == FOUND  # is there before anybody closes it
    journal.close()


def test_numbers_come_back_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "made" / "journal"
    written(path)
    again = Journal(path, "why")
    assert dict(again) == FOUND and again.recalled == 3 and str(again["c"][0]) == "-0.0"
    again["d"] = (4.0,)
    again.close()
    assert dict(Journal(path, "why")) == {**FOUND, "d": (4.0,)}
    again.remove()
    assert not path.exists()


def test_another_question_begins_anew(tmp_path: Path) -> None:
    written(tmp_path / "journal")
    other = Journal(tmp_path / "journal", "what")
    assert dict(other) == {}
    assert dict(Journal(tmp_path / "journal", "why")) == FOUND  # nothing is lost before something new is found
    other["x"] = (1.0,)
    other.close()
    assert dict(Journal(tmp_path / "journal", "what")) == {"x": (1.0,)}


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    known = Journal(path, "why")
    assert dict(known).items() < FOUND.items()
    known.update(FOUND)
    known.close()
    assert dict(Journal(path, "why")) == FOUND


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\n", b"[]\n", b"{}\n", b"3\n", b'["driftlab.journal/0", "why"]\n["a", 1]\n']
)
def test_what_is_no_journal_is_not_believed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    assert dict(Journal(path, "why")) == {}
    written_over = Journal(path, "why")
    written_over.update(FOUND)
    written_over.close()
    assert dict(Journal(path, "why")) == FOUND


def test_where_none_can_be_kept_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="can't be written to: "):
        Journal(tmp_path / "file" / "journal", "why")["a"] = (1.0,)
