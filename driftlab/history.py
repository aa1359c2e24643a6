"""Undo and redo: the states that a document has been in, as a list of immutable values.

Knows no Qt, no settings and no keys: a state is whatever its owner calls one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["History"]

T = TypeVar("T")

#: Steps that are kept; the oldest go first.
LIMIT: Final = 1000


class History(Generic[T]):
    """The current state, those before it and those undone.

    Successive edits of one name are one step while they are held together (a drag), or follow each other within
    `merge_within` seconds (keys, the wheel).
    """

    def __init__(self, state: T, merge_within: float = 0.6, clock: Callable[[], float] = time.monotonic) -> None:
        self._steps: list[tuple[str, T]] = [("", state)]
        self._at = 0
        self._last: tuple[str, float] | None = None
        self._held = False
        self._merge_within, self._clock = merge_within, clock

    @property
    def current(self) -> T:
        """The state in force."""
        return self._steps[self._at][1]

    @property
    def undoes(self) -> str | None:
        """The name of the edit that undo takes back, or None where there is none."""
        return self._steps[self._at][0] if self._at else None

    @property
    def redoes(self) -> str | None:
        """The name of the edit that redo brings back, or None where there is none."""
        return self._steps[self._at + 1][0] if self._at + 1 < len(self._steps) else None

    def hold(self) -> None:
        """A drag begins: its edits are one step, whatever came just before."""
        self._held, self._last = True, None

    def release(self) -> None:
        """The drag has ended."""
        self._held, self._last = False, None

    def record(self, state: T, edit: str) -> None:
        """A new state, and the name of the edit that led to it; what was undone is forgotten."""
        now = self._clock()
        merges = (
            self._last is not None
            and self._last[0] == edit
            and (self._held or now - self._last[1] < self._merge_within)
        )
        del self._steps[self._at + 1 :]
        if merges:
            self._steps[self._at] = (edit, state)
        else:
            self._steps.append((edit, state))
            del self._steps[: -LIMIT - 1]
            self._at = len(self._steps) - 1
        self._last = (edit, now)

    def undo(self) -> T:
        """One step back; the state then in force."""
        self._at, self._last = max(self._at - 1, 0), None
        return self.current

    def redo(self) -> T:
        """One step forth; the state then in force."""
        self._at, self._last = min(self._at + 1, len(self._steps) - 1), None
        return self.current
