"""Words and numbers as a reader meets them: real minus signs, ends never rounded outwards, every status explained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Final

__all__ = [
    "NOT_JOINT",
    "STATUS",
    "THIN",
    "between",
    "count_of",
    "places_of",
    "rounded",
    "safe_text",
    "share_text",
    "with_unit",
]

#: A narrow space that no line breaks at.
THIN: Final = "\u202f"
MINUS: Final = "\u2212"
RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

#: What a status says, and does not say.
STATUS: Final = {
    "holds-on-samples": "held in every trial that was made inside; no proof for the points between them",
    "violated": "a failure was seen inside the range that was asked about",
    "unproven": "the budget ended first: held wherever it was tried, and was not tried as finely as wanted",
    "proven": "shown for every point of the range, given the Lipschitz constants that the report names",
}
NOT_JOINT: Final = (
    "The intervals are not jointly valid. Each holds for one parameter alone, all others at their nominal values; when "
    "several drift at once the model can fail well inside all of them. What holds together is the box, where there is "
    "one."
)


def rounded(value: float | None, places: int | None = None, toward: str = ROUND_HALF_EVEN) -> str:
    """A number with so many decimals, or three significant digits; "–" for none."""
    if value is None:
        return "–"
    if places is None:
        size = math.floor(math.log10(abs(value))) if value else 0
        if size > 6 or size < -5:
            mantissa, power = f"{value:.2e}".split("e")
            return f"{mantissa} × 10{str(int(power)).translate(RAISED)}".replace("-", MINUS)
        places = max(2 - size, 0)
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), rounding=toward)
    return (f"{exact:f}" if exact else f"{abs(exact):f}").replace("-", MINUS)


def places_of(searched: Sequence[float]) -> int:
    """The decimals that tell a thousandth of a range."""
    return min(max(math.ceil(-math.log10((searched[1] - searched[0]) / 1000)), 0), 9)


def with_unit(text: str, unit: str) -> str:
    """A number's text and its unit, where it has one."""
    return f"{text}{THIN}{unit}" if unit else text


def between(ends: Sequence[float], places: int | None = None, unit: str = "") -> str:
    """An interval, its ends rounded inwards."""
    low, high = ends
    text = f"{rounded(low, places, ROUND_CEILING)} to {rounded(high, places, ROUND_FLOOR)}"
    return with_unit(text, unit)


def safe_text(axis: Mapping[str, Any]) -> str:
    """The safe interval of an axis; an end where the searched range ended first is said as at least that.

    Not so where the parameter ends there too, as blur does at 0.
    """
    low, high = axis["safe"]
    places = places_of(axis["searched"])
    beyond = [is_open and not limit for is_open, limit in zip(axis["open_ended"], axis["at_limit"], strict=True)]
    lower = ("≤ " if beyond[0] else "") + rounded(low, places, ROUND_CEILING)
    upper = ("≥ " if beyond[1] else "") + rounded(high, places, ROUND_FLOOR)
    return with_unit(f"{lower} to {upper}", axis["unit"])


def share_text(share: float | None) -> str:
    """A share as percent."""
    if share is not None and 0 < share < 0.0005:
        return f"less than 0.1{THIN}%"
    return "–" if share is None else f"{rounded(100 * share, 1)}{THIN}%"


def count_of(number: int, one: str, several: str = "") -> str:
    """`1 picture`, `2 pictures`."""
    return f"{number} {one if number == 1 else several or one + 's'}"
