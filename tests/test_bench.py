"""The benches' machinery: both sides run, and the sides of the data model's bench compute the same."""

from __future__ import annotations

import itertools
import math

import pytest

from driftlab.bench import BENCHES
from driftlab.bench import gui as bench_gui
from driftlab.bench import isp as bench_isp
from driftlab.bench import tolerance as bench_tolerance
from driftlab.bench.measure import machine, versus


def test_versus_takes_turns_and_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.chain.from_iterable([(0.0, 1.0, 1.0, 3.0), (3.0, 4.0, 4.0, 7.0), (7.0, 8.0, 8.0, 12.0)])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    calls: list[str] = []
    result = versus("it", lambda: calls.append("ours"), lambda: calls.append("theirs"), per=1.0, unit="s", rounds=3)
    assert (result.ours, result.baseline, result.ratio) == (1.0, 3.0, 3.0)
    assert calls == ["ours", "theirs"] * 5


def test_the_data_models_sides_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raises if pictures or any of the 69 derivatives differ; small, as only that is asked here."""
    monkeypatch.setattr(bench_isp, "SIZE", 64)
    monkeypatch.setattr(bench_isp, "FRAMES", 2)
    assert next(bench_isp.results()).ratio > 0
    assert set(BENCHES) >= {"isp", "develop", "predict"} and machine()["cores"]


def test_the_sides_of_the_tolerance_bench_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raises if a grid finds another tolerance; small, as only that is asked here."""
    example = bench_tolerance._example()
    monkeypatch.setattr(bench_tolerance, "_example", lambda: example[::8])
    monkeypatch.setattr(bench_tolerance, "KEYS", ("white_balance.r",))
    monkeypatch.setattr(bench_tolerance, "versus", lambda what, ours, theirs, **_: (ours(), theirs()))
    trials, *_ = bench_tolerance.results()
    assert trials.baseline == 5 * 64 and trials.ratio > 5


def test_a_percentile_is_a_value_that_was_there() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [bench_gui.percentile(values, share) for share in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert bench_gui.percentile([3.0, 1.0], 50) == 1.0
    assert bench_gui.percentile([7.0], 95) == 7.0
    assert math.isnan(bench_gui.percentile([], 95))
