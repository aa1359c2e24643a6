"""Canonical JSON: the vectors of RFC 8785, and what may not be."""

from __future__ import annotations

import hashlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftlab.report.canonical import canonical, number, readable, report_id_of

# RFC 8785, appendix B: the bits of a double, and its text.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_the_standard_says(bits: str, text: str) -> None:
    assert number(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


def test_the_example_of_the_standard() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()
    unsorted = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, "ö": 7}
    assert list(json.loads(canonical(unsorted)).values()) == [2, 4, 6, 7, 1, 5, 3]


@given(VALUES)
def test_both_forms_read_back_the_same(value: object) -> None:
    # A number of JSON is a double, whatever Python takes it for.
    assert json.loads(canonical(value), parse_int=float) == value
    assert json.loads(readable(value), parse_int=float) == value
    assert canonical(json.loads(readable(value))) == canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


def test_a_file_name_that_is_no_text_comes_back() -> None:
    name = b"fr\xe9.dng".decode(errors="surrogateescape")
    assert json.loads(readable([name]).decode()) == [name]


def test_the_name_of_a_report_covers_all_but_the_volatile_block() -> None:
    report = {"b": [1.0], "a": "x", "volatile": {"t": 1}, "report_id": "?"}
    assert report_id_of(report) == "sha256:" + hashlib.sha256(b'{"a":"x","b":[1]}').hexdigest()
    assert report_id_of({**report, "volatile": {}}) == report_id_of(report) != report_id_of({**report, "a": "y"})
