"""Tables as CSV that programs of tables can open without harm."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["csv_of", "inert"]


def inert(text: str) -> str:
    """A cell that no program of tables runs: what begins like a formula gets a quote before it.

    Lines in it end in a line feed: a carriage return is not quoted, and would end the row.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\n") else text


def csv_of(heads: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A line for the heads and one for each row; texts `inert`, numbers in full, None empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([inert(value) if type(value) is str else value for value in row] for row in rows)
    return text.getvalue()
