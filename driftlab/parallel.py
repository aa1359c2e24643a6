"""Work spread over threads, each of which keeps torch's operations to itself.

Torch splits every operation over threads that wait for each other, again and again; as soon as another program wants
a core, all wait for the slowest, spinning, and the work takes a hundred times as long. Threads that each do whole
pieces of the work do not meet: they are as fast on a quiet machine, and share a busy one fairly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

__all__ = ["in_order", "one_core_left", "one_thread"]

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], pieces: Iterable[T], *, threads: int | None = None) -> Iterator[R]:
    """`work` on every piece, results in the order of the pieces; as many threads as torch would use unless told.

    Runs ahead by two pieces a thread. Closing the generator drops what has not begun.
    """
    threads = threads or torch.get_num_threads()
    if threads == 1:
        yield from map(work, pieces)
        return
    rest = iter(pieces)
    pool, wait = ThreadPoolExecutor(threads, thread_name_prefix="driftlab", initializer=_alone), True
    try:
        running: deque[Future[R]] = deque(pool.submit(work, piece) for piece in islice(rest, 2 * threads))
        while running:
            yield running.popleft().result()
            running.extend(pool.submit(work, piece) for piece in islice(rest, 1))
    except KeyboardInterrupt:
        wait = False  # for a piece that may take long, when the program is to end now
        raise
    finally:
        pool.shutdown(wait, cancel_futures=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep what this thread does to this thread, so that another one finds a core free."""
    torch.get_num_threads()  # sets this thread up; later it would undo the limit
    with _libraries().limit(limits=1, user_api="openmp"):
        yield


@contextmanager
def one_core_left() -> Iterator[None]:
    """Leave a core to another thread: what this one does is spread over one thread less than torch would take."""
    with _libraries().limit(limits=max(torch.get_num_threads() - 1, 1), user_api="openmp"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    """The OpenMP libraries of this process; finding them takes a millisecond, and torch has loaded its own by now."""
    return ThreadpoolController()


def _alone() -> None:
    """Keep the OpenMP regions that this thread begins to this thread; others are not touched."""
    torch.get_num_threads()  # sets this thread up; later it would undo the limit
    _libraries().limit(limits=1, user_api="openmp")
