"""Work on threads: in order, bounded, and alone."""

from __future__ import annotations

import threading

import pytest
import torch

from driftlab.parallel import in_order, one_core_left


def test_results_come_in_order() -> None:
    assert list(in_order(lambda k: k * k, range(50), threads=3)) == [k * k for k in range(50)]
    assert list(in_order(lambda k: k, [], threads=3)) == []


def test_each_thread_keeps_its_operations_to_itself() -> None:
    before = torch.get_num_threads()
    assert set(in_order(lambda _: torch.get_num_threads(), range(8), threads=2)) == {1}
    assert torch.get_num_threads() == before


def test_closing_drops_what_has_not_begun_and_ends_the_threads() -> None:
    begun: list[int] = []
    results = in_order(lambda k: begun.append(k) or k, range(1000), threads=2)
    assert next(results) == 0
    results.close()
    assert len(begun) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("driftlab")]


def test_a_failure_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda k: 1 // (5 - k), range(10), threads=2))


def test_a_core_is_left_and_given_back() -> None:
    before = torch.get_num_threads()
    with one_core_left():
        assert torch.get_num_threads() == max(before - 1, 1)
    assert torch.get_num_threads() == before
