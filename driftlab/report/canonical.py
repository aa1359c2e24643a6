"""Canonical JSON: one way to write a value, so that equal values are equal bytes and a digest names them.

`canonical` follows RFC 8785 (JSON Canonicalization Scheme), which any language can repeat; `readable` writes the same
keys, strings and numbers with lines and indents.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

__all__ = ["canonical", "digest_of", "number", "readable", "report_id_of"]

#: What a report's identity does not cover: itself, and what differs between two runs of one search.
APART = ("report_id", "volatile")


def canonical(value: Any) -> bytes:
    """JSON values as the bytes of RFC 8785. Raises ValueError for numbers that JSON does not know."""
    return _encoded(_written(value, None, 0))


def readable(value: Any) -> bytes:
    """The same with indents, lists of plain values on one line, and a newline at the end."""
    return _encoded(_written(value, 2, 0) + "\n")


def digest_of(value: Any) -> str:
    """The sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def report_id_of(report: Mapping[str, Any]) -> str:
    """What names a report: `"sha256:…"` of all of it but its own name and the volatile block."""
    return f"sha256:{digest_of({key: value for key, value in report.items() if key not in APART})}"


def number(value: float) -> str:
    """The shortest text that reads back as this number, as ECMAScript writes it."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that JSON knows")
    if value == 0:
        return "0"
    sign, figures, power = Decimal(repr(value)).normalize().as_tuple()
    digits, minus = "".join(map(str, figures)), "-" if sign else ""
    point = len(digits) + int(power)  # the decimal point stands after so many digits
    if len(digits) <= point <= 21:
        return f"{minus}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{rest}e{point - 1:+d}"


def _encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, as a file name that is no UTF-8 has it, as the escape that JSON reads back."""
    return text.encode("utf-8", "backslashreplace")


def _written(value: Any, indent: int | None, depth: int) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
        colon = ":" if indent is None else ": "
        pairs = [f"{_written(key, indent, 0)}{colon}{_written(value[key], indent, depth + 1)}" for key in keys]
        return _joined("{}", pairs, indent, depth)
    items = [_written(item, indent, depth + 1) for item in value]
    if indent is not None and not any(isinstance(item, Mapping | list | tuple) for item in value):
        return f"[{', '.join(items)}]"
    return _joined("[]", items, indent, depth)


def _joined(brackets: str, parts: list[str], indent: int | None, depth: int) -> str:
    if indent is None or not parts:
        return f"{brackets[0]}{','.join(parts)}{brackets[1]}"
    inner, outer = "\n" + " " * indent * (depth + 1), "\n" + " " * indent * depth
    return f"{brackets[0]}{inner}{f',{inner}'.join(parts)}{outer}{brackets[1]}"
