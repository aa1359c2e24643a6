"""The joint search as the last part of the whole one: over real pictures, after every parameter by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.findings import JointFinding, Tolerance
from driftlab.analysis.tolerance.tolerances import Progress
from tests.analysis.models import segmenter
from tests.analysis.planted import between, flat, items, many, searched
from tests.analysis.test_trials import cases

RED, LIGHT = "white_balance.r", "exposure.ev"
RANGES: Mapping[str, tuple[float, float] | None] = {RED: (0.5, 2.0), LIGHT: (-1.0, 1.0)}


def joint_of(found: Tolerance) -> JointFinding:
    assert found.joint is not None
    return found.joint


def brightest(box: JointFinding) -> float:
    """What the corner of most light makes of red."""
    (_, light), (_, red) = box.box
    return red * 2.0**light


def test_light_and_gain_share_what_each_may_take_alone() -> None:
    # Red 0.29 may become 0.4: 1.379 times, by the gain alone, by light alone, but not by both.
    found = searched(many(), between(0.05, 0.4), RANGES, joint=True)
    box = joint_of(found)
    assert [axis.key for axis in box.axes] == [LIGHT, RED]
    for axis, alone, (low, high) in zip(box.axes, found.axes, box.box, strict=True):
        assert axis.low <= alone.safe[0] <= low <= axis.nominal <= high <= alone.safe[1] <= axis.high
    assert brightest(box) == pytest.approx(0.4 / 0.29, rel=0.01)
    assert brightest(box) <= 0.4 / 0.29
    assert box.status == "holds-on-samples"
    assert (box.counterexample.case, box.counterexample.after) == (9, "bright") if box.counterexample else False
    assert box.evaluations == found.evaluations - sum(axis.evaluations for axis in found.axes) - 2 * 10
    assert box.interactions == ((LIGHT, RED, pytest.approx(box.scale, rel=0.05)),)


def test_of_ten_pictures_the_brightest_three_may_fail() -> None:
    box = joint_of(searched(many(), between(0.05, 0.4), RANGES, "accuracy>=0.7", joint=True))
    assert brightest(box) == pytest.approx(0.4 / 0.26, rel=0.01)
    assert brightest(box) <= 0.4 / 0.26
    assert box.worst_case == 6
    assert {failure.case for failure in box.failures} >= {6, 7, 8, 9}


def test_a_segmentation_has_a_box_too() -> None:
    pictures = cases(2)
    found = searched(pictures, segmenter(), {RED: (0.6, 1.8), LIGHT: (-1.0, 1.0)}, "drop<=0.1", joint=True)
    box = joint_of(found)
    assert 0 < box.scale < 1
    assert 0.9 <= box.worst < 0.93
    assert box.counterexample and box.counterexample.before == box.counterexample.after == ""
    assert {failure.case for failure in box.failures} == {0, 1}


def test_it_stops_after_every_batch_and_comes_to_the_same_again() -> None:
    calls: list[int] = []
    plain = between(0.05, 0.4)

    def call(picture: Tensor) -> Tensor:
        calls.append(len(picture))
        logits: Tensor = plain.network.call(picture)
        return logits

    model = replace(plain, network=replace(plain.network, call=call))
    pictures, last, known = many()[7:], 0, dict[str, tuple[float, ...]]()
    found = []
    steps = items(pictures, model, RANGES, joint=True, known=known)
    for item in steps:
        assert sum(calls[last:]) <= 64  # small pictures; of larger ones less is a batch
        last = len(calls)
        if isinstance(item, Tolerance):
            found.append(item)
        else:
            assert isinstance(item, Progress)
    assert found[-1].evaluations >= sum(calls) > found[-1].evaluations * 0.9  # but for what was asked twice
    calls.clear()
    again = searched(pictures, model, RANGES, joint=True, known=known)
    assert joint_of(again) == joint_of(found[-1])
    assert sum(calls) == len(pictures)


def test_a_budget_that_ends_in_the_box_leaves_it_unproven() -> None:
    whole = searched(many(), between(0.05, 0.4), RANGES, joint=True)
    alone = whole.evaluations - joint_of(whole).evaluations
    for more in (5, 100, 400):
        found = searched(many(), between(0.05, 0.4), RANGES, joint=True, budget=2 * alone + more)
        assert found.evaluations <= 2 * alone + more
        box = joint_of(found)
        assert brightest(box) <= 0.4 / 0.29
        assert box.status == "unproven" or box.trials == 300


def test_what_nothing_could_break_is_refused_before_any_search() -> None:
    steps = items([flat(0.2)], between(0.05, 0.4), RANGES, "accuracy>=0", joint=True)
    seen = []
    with pytest.raises(AnalysisError, match="lets every picture fail"):
        seen += [item for item in steps if isinstance(item, Tolerance)]
    assert seen == []


def test_threads_do_not_change_a_bit() -> None:
    count = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(joint_of(searched(many()[8:], between(0.05, 0.4), RANGES, joint=True, seed=2)))
    finally:
        torch.set_num_threads(count)
    assert found[0] == found[1]
