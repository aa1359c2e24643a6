"""Tables whose cells no program of tables takes for formulas."""

from __future__ import annotations

import csv
import io

import pytest

from driftlab.csv_file import csv_of, inert


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_what_begins_like_a_formula_does_not(text: str) -> None:
    (head, row) = csv.reader(io.StringIO(csv_of(["file"], [[text]]), newline=""))
    assert head == ["file"] and row == ["'" + text.replace("\r", "\n")]


@pytest.mark.parametrize("text", ["", "a.dng", "0.5", "a=b", "'quoted'"])
def test_other_texts_stay(text: str) -> None:
    assert inert(text) == text


def test_numbers_are_numbers() -> None:
    assert csv_of(("a", "b", "c"), [(-1.5, None, 3)]) == "a,b,c\n-1.5,,3\n"
