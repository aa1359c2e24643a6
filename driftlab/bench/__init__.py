"""How fast driftlab is: every figure is a ratio of two sides measured in turn, in one run, on one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from driftlab.bench import develop, gui, isp, predict, sensitivity, tolerance
from driftlab.bench.measure import Result
from driftlab.errors import DriftlabError

__all__ = ["BENCHES", "bench"]

BENCHES: Final[dict[str, Callable[[], Iterator[Result]]]] = {
    "isp": isp.results,
    "develop": develop.results,
    "predict": predict.results,
    "sensitivity": sensitivity.results,
    "tolerance": tolerance.results,
    "gui": gui.results,
}


class BenchError(DriftlabError):
    """A bench that can't be run; the message is one sentence that names the mend."""


def bench(name: str) -> Iterator[Result]:
    """The results of a bench, as they come."""
    if name not in BENCHES:
        raise BenchError(f"There is no bench '{name}': use {', '.join(BENCHES)}.")
    return BENCHES[name]()
