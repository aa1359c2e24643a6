"""What a data set is made of: camera files, a folder of them, or a table that says what each shows.

A table is a CSV with the columns `file` and `label`, or `file` and `mask` for segmentation; others are passed over.
Paths in it are relative to it. A folder stands for its `labels.csv`; without one, for all camera files and pictures in
it and below, of which nothing is known but themselves: names of folders are not taken for labels.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driftlab.data.errors import DataError
from driftlab.raw.suffixes import frames_below

__all__ = ["TABLE", "Entry", "check_labels", "entries_of"]

#: The table that a folder is known by.
TABLE: Final = "labels.csv"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, and where they are known what it shows: its `label`, or the file of its `mask`.

    `named` tells that somebody asked for this file, rather than for the folder that it was found in.
    """

    path: Path
    label: str | None = None
    mask: Path | None = None
    named: bool = True


def entries_of(data: Iterable[str | Path]) -> list[Entry]:
    """Files, folders and tables -> entries, in the order they are given; those of a folder by their paths.

    Raises DataError for what is missing, listed twice, or labeled in part only.
    """
    entries: list[Entry] = []
    for each in map(Path, data):
        if each.is_dir():
            entries += _in_folder(each)
        elif each.suffix.lower() == ".csv":
            entries += _in_table(each)
        elif each.is_file():
            entries.append(Entry(each))
        else:
            raise DataError(f"There is no file or folder '{each}': check its path.")
    _check_once(entries)
    _check_whole(entries)
    return entries


def check_labels(labels: Sequence[str | None]) -> None:
    """Raises DataError for labels that an accuracy says nothing about: all the same."""
    if len(labels) > 1 and len(set(labels)) == 1 and labels[0] is not None:
        raise DataError(
            f"All {len(labels)} pictures are labeled '{labels[0]}', so that a model which always says so would be "
            f"right: add pictures of other classes, or ask for prediction-unchanged or a margin."
        )


def _in_folder(folder: Path) -> list[Entry]:
    if (folder / TABLE).is_file():
        return _in_table(folder / TABLE)
    found = frames_below(folder)
    if not found:
        raise DataError(f"There are no camera files or pictures in '{folder}': name the files themselves.")
    return [Entry(path, named=False) for path in found]


def _in_table(table: Path) -> list[Entry]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            columns = [name.strip() for name in rows.fieldnames or ()]
            rows.fieldnames = columns
            if "file" not in columns or not {"label", "mask"} & {*columns}:
                told = ", ".join(columns) or "nothing"
                raise DataError(
                    f"'{table}' has the columns {told}, but needs file,label (or file,mask for segmentation): "
                    f"name them in its first line."
                )
            entries = [_entry(row, rows.line_num, table) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"'{table}' can't be read as a table: {reason}.") from error
    if not entries:
        raise DataError(f"'{table}' lists no files: add a line for each.")
    return entries


def _entry(row: dict[str, str | None], line: int, table: Path) -> Entry:
    name, label, mask = ((row.get(column) or "").strip() for column in ("file", "label", "mask"))
    if not name:
        raise DataError(f"Line {line} of '{table}' names no file: give one, or remove the line.")
    if not label and not mask:
        raise DataError(f"Line {line} of '{table}' says nothing of '{name}': give its label or mask.")
    for path in (name, mask):
        if path and not (table.parent / path).is_file():
            raise DataError(f"'{table}' names '{path}', but there is no such file beside it: mend line {line}.")
    return Entry(table.parent / name, label or None, table.parent / mask if mask else None)


def _check_once(entries: Sequence[Entry]) -> None:
    seen: set[Path] = set()
    for entry in entries:
        path = entry.path.resolve()
        if path in seen:
            raise DataError(f"'{entry.path}' is given twice, and would count twice: give it once.")
        seen.add(path)


def _check_whole(entries: Sequence[Entry]) -> None:
    """Of some pictures the truth and of others the model's own answer would be no accuracy."""
    for name in ("label", "mask"):
        without = [entry for entry in entries if getattr(entry, name) is None]
        if 0 < len(without) < len(entries):
            raise DataError(
                f"'{without[0].path}' has no {name}, but other pictures have one: give a {name} for all, or for none."
            )
