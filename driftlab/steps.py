"""Long work in steps: a generator stops wherever the work may be broken off, and returns its result in the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

__all__ = ["result_of", "saying"]

R = TypeVar("R")
S = TypeVar("S")


def result_of(steps: Generator[object, None, R]) -> R:
    """What the steps return, without a stop."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: R = end.value
            return result


def saying(say: Callable[[], S], steps: Generator[object, None, R]) -> Generator[S, None, R]:
    """The steps, with `say()` at every stop in place of what they yield; what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: R = end.value
            return result
        yield say()
