"""Long work that lets go of the worker's thread while somebody else waits for it, and goes on where it stopped.

Made in the GUI's thread; its items come in the worker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["Resumable"]

T = TypeVar("T")


class Resumable(Generic[T]):
    """`make()` as often as it is asked for, but done once: each pass goes on where the last one ended.

    A pass ends before its next item while `waited_for()`; it begins with the last item there was, which may not have
    been delivered. Items that are None are places to stop, and nothing else.
    """

    def __init__(self, make: Callable[[], Iterator[T | None]], waited_for: Callable[[], bool]) -> None:
        self._make, self._waited_for = make, waited_for
        self._items: Iterator[T | None] | None = None
        self._last: T | None = None
        #: Whether there is nothing more to come.
        self.done = False

    def __call__(self) -> Iterator[T | None]:
        """A pass: the job that the worker is given."""
        if self._items is None:
            self._items = self._make()
        yield self._last
        while not self.done:
            if self._waited_for():
                return
            try:
                item = next(self._items)
            except StopIteration:
                self.done = True
                return
            except Exception:
                self.done = True
                raise
            if item is not None:
                self._last = item
            yield item
