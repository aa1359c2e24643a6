"""How numbers are written and read: real minus signs, a thin space before the unit, arithmetic in what is typed."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Final

__all__ = ["change", "decimals", "evaluate", "plain", "written"]

THIN: Final = "\u2009"
MINUS: Final = "\u2212"

_BINARY: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_FUNCTIONS: Final[dict[str, Callable[[float], float]]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "abs": abs,
    "round": lambda value: float(round(value)),
}


def decimals(low: float, high: float, integer: bool = False) -> int:
    """How many decimals tell the steps of a slider apart."""
    if integer or high <= low:
        return 0
    return min(max(round(-math.log10((high - low) / 400)), 0), 6)


def written(value: float, places: int, unit: str = "") -> str:
    """A number for the eye, with its unit."""
    text = f"{value:.{places}f}"
    if value and (abs(value) < 0.5 * 10**-places or abs(value) >= 1e7):
        text = f"{value:.3g}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS) + (f"{THIN}{unit}" if unit else "")


def change(value: float, places: int) -> str:
    """A difference for the eye, with its sign."""
    text = written(value, places)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def plain(value: float) -> str:
    """A number for the hand: all its digits, and no more."""
    return f"{value:.10g}"


def evaluate(text: str, x: float, unit: str = "") -> float:
    """A number or a small sum, in which `x` is the value there was: `x*1.1`, `sqrt(2)`, `3 EV`.

    Raises ValueError, one sentence, for anything else.
    """
    clean = text.replace(MINUS, "-").replace("×", "*").replace(THIN, " ").replace(",", ".").strip()
    if unit and clean.endswith(unit):
        clean = clean[: -len(unit)].strip()
    try:
        if len(clean) > 200:
            raise ValueError
        value = _value(ast.parse(clean.replace("^", "**"), mode="eval").body, x)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise ValueError(
            f"'{text}' is no number: type one, or a sum such as x*1.1, where x is the value now."
        ) from None
    if not math.isfinite(value):
        raise ValueError(f"'{text}' has no finite value.")
    return value


def _value(node: Any, x: float) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id="x"):
            return x
        case ast.Name(id="pi"):
            return math.pi
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, x)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, x)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _BINARY[type(sign)](_value(left, x), _value(right, x))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return float(_FUNCTIONS[name](_value(argument, x)))
    raise ValueError
