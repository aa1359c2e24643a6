"""Numbers as they are written and typed; what is typed is never run as code."""

from __future__ import annotations

import pytest

from driftlab.gui.numbers import change, decimals, evaluate, plain, written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.5", 2.5),
        ("x*1.1", 2.2),
        ("x + 1", 3.0),
        ("-x", -2.0),
        ("\u22123", -3.0),
        ("2^3", 8.0),
        ("(1+2)/4", 0.75),
        ("sqrt(x*8)", 4.0),
        ("1,5", 1.5),
        ("1e-3", 0.001),
        ("0.5 EV", 0.5),
        ("log2(8)", 3.0),
    ],
)
def test_sums_are_understood(text: str, value: float) -> None:
    assert evaluate(text, 2.0, "EV") == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "y",
        "__import__('os')",
        "x.real",
        "x if x else 1",
        "[1]",
        "1/0",
        "9**9**9",
        "True",
        "'a'",
        "1e999",
        "sqrt(-1)",
        "lambda: 1",
        "x" * 500,
        "(" * 190,
        "2 px",
    ],
)
def test_all_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"no number|no finite"):
        evaluate(text, 2.0, "EV")


def test_numbers_for_the_eye() -> None:
    assert written(-1.234, 2, "EV") == "\u22121.23\u2009EV"
    assert written(-0.0001, 2) == "\u22120.0001"
    assert written(-0.0, 2) == "0.00"
    assert change(0.8, 2) == "+0.80"
    assert change(-0.8, 2) == "\u22120.80"
    assert plain(2.110000001) == "2.110000001"
    assert (decimals(-4, 4), decimals(0, 65535), decimals(0, 1, integer=True)) == (2, 0, 0)
