"""Data sets: files, folders and tables, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

import driftlab
from driftlab.data.entries import Entry, check_labels, entries_of
from driftlab.data.errors import DataError


def touched(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return paths


def table(folder: Path, text: str, name: str = "labels.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name


def test_the_bundled_example_is_a_data_set() -> None:
    entries = entries_of([driftlab.resource("demo")])
    assert entries == entries_of([driftlab.resource("demo/labels.csv")]) and len(entries) == 40
    assert {entry.label for entry in entries} == {"neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil"}
    assert all(entry.named and entry.path.is_file() and entry.label in entry.path.name for entry in entries)


def test_real_pictures_in_folders_below(data: Path) -> None:
    entries = entries_of([data / "labelled" / "bccd"])
    assert len(entries) == 364 and {entry.path.suffix for entry in entries} == {".jpg"}
    assert [entry.path for entry in entries] == sorted(entry.path for entry in entries)
    assert not any(entry.named or entry.label or entry.mask for entry in entries)


def test_a_folder_without_a_table_is_its_pictures(tmp_path: Path) -> None:
    touched(tmp_path, "b.dng", "a.NEF", "notes.txt", "a.NEF.json", "cats/c.png", ".hidden.dng", ".old/d.dng")
    assert entries_of([tmp_path]) == [Entry(tmp_path / name, named=False) for name in ("a.NEF", "b.dng", "cats/c.png")]
    assert entries_of([str(tmp_path / "notes.txt")]) == [Entry(tmp_path / "notes.txt")]


def test_tables_give_labels_and_masks(tmp_path: Path) -> None:
    touched(tmp_path, "a, b.dng", "in/c.dng", "c mask.png")
    content = '\ufefffile, label,split\r\n"a, b.dng", no cat,test\r\nin/c.dng,cat,train\r\n\r\n'
    assert entries_of([table(tmp_path, content)]) == [
        Entry(tmp_path / "a, b.dng", "no cat"),
        Entry(tmp_path / "in/c.dng", "cat"),
    ]
    masks = table(tmp_path, "mask,file\nc mask.png,in/c.dng\n", "masks.CSV")
    assert entries_of([masks]) == [Entry(tmp_path / "in/c.dng", mask=tmp_path / "c mask.png")]


@pytest.mark.parametrize(
    ("content", "mend"),
    [
        ("", "has the columns nothing, but needs file,label"),
        ("name,label\na.dng,cat\n", "has the columns name, label, but needs file,label"),
        ("file,class\na.dng,cat\n", "name them in its first line"),
        ("file,label\n", "lists no files"),
        ("file,label\na.dng,cat\nb.dng,dog\n", "names 'b.dng', but there is no such file beside it: mend line 3"),
        ("file,label\na.dng\n", "Line 2 of .* says nothing of 'a.dng'"),
        ("file,label\n,cat\n", "Line 2 of .* names no file"),
        ("file,label\na.dng,cat\na.dng,dog\n", "is given twice"),
        ("file,mask\na.dng,b.png\n", "names 'b.png'"),
        ("file,label\na.dng,\udce9\n", "can't be read as a table"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, content: str, mend: str) -> None:
    touched(tmp_path, "a.dng")
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=mend):
        entries_of([path])


def test_other_data_that_is_refused(tmp_path: Path) -> None:
    touched(tmp_path, "a.dng", "more/b.dng", "none/readme.txt")
    with pytest.raises(DataError, match="There is no file or folder"):
        entries_of([tmp_path / "c.dng"])
    with pytest.raises(DataError, match="no camera files or pictures"):
        entries_of([tmp_path / "none"])
    labels = table(tmp_path, "file,label\na.dng,cat\n")
    with pytest.raises(DataError, match=r"'.*b.dng' has no label, but other pictures have one"):
        entries_of([labels, tmp_path / "more" / "b.dng"])
    with pytest.raises(DataError, match="can't be read as a table"):
        entries_of([tmp_path / "missing.csv"])
    with pytest.raises(DataError, match="All 2 pictures are labeled 'cat'"):
        check_labels(["cat", "cat"])
    check_labels(["cat"])
    check_labels([None, None])
    check_labels(["cat", "dog"])
