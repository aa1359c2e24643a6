"""Bounds: they enclose the truth at every step, draw together, prove with exact constants, and find what is narrow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.attempts import Attempts
from driftlab.analysis.tolerance.bounds import Bounds, bounded
from driftlab.analysis.tolerance.joint import joint
from driftlab.analysis.tolerance.shapes import Box
from driftlab.analysis.tolerance.verdict import verdict_of
from driftlab.model.card import Task
from tests.analysis.planted_trials import Planted, axis_of, ruled

SQUARE = [axis_of("a", 0.0, -1.0, 1.0), axis_of("b", 0.0, -1.0, 1.0)]


def waves(at: Tensor) -> Tensor:
    """Two hills and two hollows: over [−1, 1]² the least is 2 − 1 − 0.5, where sin 3a = −1 and b = ±1."""
    return 2 + (3 * at[:, 0]).sin() - at[:, 1] ** 2 / 2


def attempts_of(score: Callable[[Tensor], Tensor], count: int = 1, limit: float = 3000, **options: Any) -> Attempts:
    trials = Planted(options.pop("axes", SQUARE), score, count, **options)
    segmentation = trials.model.task is Task.SEGMENTATION
    rule, nominal = ruled(trials, "accuracy>=0.1" if segmentation else "margin>=0")
    return Attempts(trials, verdict_of(rule), nominal, limit=limit)


def whole(attempts: Attempts) -> Box:
    return Box(attempts.center, attempts.center, 1 - attempts.center)


def steps(attempts: Attempts, **options: Any) -> list[Bounds]:
    return [step for step in bounded(attempts, whole(attempts), **options) if step]


# In shares, of which the range has two units, slopes are at most 3 · 2 and 1 · 2.
EXACT = (6.0, 2.0)


def test_exact_constants_enclose_the_truth_at_every_step() -> None:
    found = steps(attempts_of(waves), lipschitz=EXACT, precision=0.05)
    assert len(found) > 5
    for step in found:
        assert step.lower - 1e-12 <= 0.5 <= step.upper + 1e-12
        assert step.seen == 0
        assert step.lipschitz.tolist() == list(EXACT)
    for one, other in pairwise(found):
        assert one.lower <= other.lower
        assert other.upper <= one.upper
    assert found[-1].upper - found[-1].lower <= 0.05
    a, b = found[-1].at.mul(2).sub(1).tolist()
    assert float(waves(torch.tensor([[a, b]]))) == pytest.approx(found[-1].upper, abs=1e-6)


def test_estimated_constants_are_told_and_hold_here() -> None:
    found = steps(attempts_of(waves), precision=0.05)
    for step in found:
        assert step.lower - 1e-12 <= 0.5 <= step.upper + 1e-12
        assert step.seen == 17
    # Twice the steepest slope: at nominal it is 6 along a, at the edge 2 along b.
    assert found[-1].lipschitz[0] == pytest.approx(12.0)
    assert 2.0 < float(found[-1].lipschitz[1]) <= 4.0


def test_a_steeper_difference_raises_the_constants_and_widens_the_bounds() -> None:
    # A cliff that is nowhere seen in slopes: where all is flat the bounds meet at once, and are wrong.
    found = steps(attempts_of(lambda at: 1 - 3 * (at[:, 0] > 0.2).double() * (at[:, 0] < 0.9) + 0 * at.sum(1)))
    assert [step.lower for step in found] == [1.0]
    sloping = steps(attempts_of(lambda at: 1 + 0.1 * at[:, 0] - 3 * (at[:, 0] > 0.2).double() * (at[:, 0] < 0.9)))
    assert sloping[0].lower == pytest.approx(0.8)  # 1 less 2 × 0.2 on half a share
    assert float(sloping[0].lipschitz[0]) == pytest.approx(0.4)
    assert float(sloping[-1].lipschitz[0]) > 5
    assert min(step.lower for step in sloping) <= -1.98
    assert sloping[-1].upper == pytest.approx(-1.98, abs=0.01)


def test_it_ends_as_soon_as_the_side_is_clear() -> None:
    decided = attempts_of(waves)
    found = steps(decided, lipschitz=EXACT, decide=True)
    assert found[-1].lower >= 0
    assert all(step.lower < 0 for step in found[:-1])
    closer = attempts_of(waves)
    steps(closer, lipschitz=EXACT, precision=0.05)
    assert decided.evaluations < closer.evaluations / 2


def test_the_budget_is_kept() -> None:
    for limit in (0, 1, 5, 100):
        attempts = attempts_of(waves, limit=limit)
        found = steps(attempts, lipschitz=EXACT)
        assert attempts.evaluations <= limit
        assert bool(found) == (limit > 0)


def test_every_picture_has_bounds_of_its_own_and_only_the_worst_are_asked_on() -> None:
    def both(at: Tensor) -> Tensor:
        return torch.stack([waves(at), waves(at) + 3], 1)

    one = attempts_of(both, 2)
    found = steps(one, lipschitz=EXACT, precision=0.05)
    assert (found[-1].subject, found[-1].upper) == (0, pytest.approx(0.5, abs=0.05))
    cases = one.rows.subject.tolist()
    assert cases.count(1) < cases.count(0) / 4
    second = steps(attempts_of(both, 2), lipschitz=EXACT, precision=0.05, subjects=[1])
    assert second[-1].lower <= 3.5 <= second[-1].upper
    assert second[-1].subject == 1


def needle(at: Tensor) -> Tensor:
    """1 but for a cone down to −0.2 around (0.37, −0.71), of slope 20: it fails in a 3000th of the square."""
    away = (at - torch.tensor([0.37, -0.71], dtype=torch.float64)).norm(dim=1)
    return (20 * away - 0.2).clamp_max(1.0)


def test_a_narrow_failure_is_found() -> None:
    attempts = attempts_of(needle)
    found = steps(attempts, lipschitz=(40.0, 40.0), decide=True)
    assert found[-1].upper < 0
    assert attempts.failures[0].positions == pytest.approx((0.37, -0.71), abs=0.01)


@pytest.mark.parametrize("kind", ["black box", "segmentation", "several"])
def test_constants_are_estimated_without_slopes_too(kind: str) -> None:
    if kind == "black box":
        attempts, expected = attempts_of(waves, black_box=True), 0.5
    elif kind == "segmentation":  # the mean of 0.9 − |a| / 2 and 0.9 − |b| / 4, less the floor
        at_most = torch.tensor([0.5, 0.25], dtype=torch.float64)
        attempts, expected = attempts_of(lambda at: 0.9 - at.abs() * at_most, 2, task=Task.SEGMENTATION), 0.425
    else:
        trials = Planted(SQUARE, lambda at: torch.stack([waves(at) - 9, waves(at)], 1), 2)
        rule, nominal = ruled(trials, "margin>=0", "rate=0.5")
        attempts, expected = Attempts(trials, verdict_of(rule), nominal, limit=3000), 0.5
    found = steps(attempts, precision=0.1)
    assert found[-1].seen == 17
    for step in found:
        assert step.lower - 1e-9 <= expected <= step.upper + 1e-9
    assert found[-1].upper - found[-1].lower <= 0.1


def test_more_than_four_axes_and_whole_numbers_are_refused() -> None:
    many = [axis_of(name, 0.0, -1.0, 1.0) for name in "abcde"]
    with pytest.raises(AnalysisError, match="5 are too many"):
        steps(attempts_of(lambda at: 1 + at.sum(1) / 9, axes=many))
    whole_numbers = [axis_of("quality", 90.0, 10.0, 100.0, integer=True, gradient="none")]
    with pytest.raises(AnalysisError, match=r"planted\.quality takes whole numbers"):
        steps(attempts_of(lambda at: at[:, 0], axes=whole_numbers))


def test_a_box_is_proven_with_exact_constants_only() -> None:
    trials = Planted(SQUARE, lambda at: 1 - 2 * at[:, 0] - at[:, 1])
    rule, nominal = ruled(trials, "margin>=0")
    (*_, proven) = (item for item in joint(trials, rule, nominal, points=20, lipschitz=(4.0, 2.0)) if item)
    assert (proven.status, proven.lipschitz, proven.lipschitz_source) == ("proven", (4.0, 2.0), "given")
    assert proven.lower_bound is not None
    assert proven.upper_bound is not None
    assert 0 <= proven.lower_bound <= proven.upper_bound <= proven.worst == pytest.approx(1 - 3 * proven.scale)
    assert proven.scale == pytest.approx(1 / 3, rel=1 / 64)
    (*_, sampled) = (item for item in joint(trials, rule, nominal, points=20) if item)
    assert sampled.status == "holds-on-samples"
    assert sampled.lipschitz == pytest.approx((8.0, 4.0))
    assert sampled.lipschitz_source == "2 × the steepest of 17 slopes and all differences"


def test_a_failure_that_only_bounds_find_sends_the_search_back() -> None:
    trials = Planted(SQUARE, needle)
    rule, nominal = ruled(trials, "margin>=0")
    found = [item for item in joint(trials, rule, nominal, points=20, lipschitz=(40.0, 40.0)) if item]
    assert found[0].scale == 1.0
    assert 0.68 < found[-1].scale < 0.72
    assert found[-1].counterexample
    assert found[-1].counterexample.positions == pytest.approx((0.37, -0.71), abs=0.02)
    assert found[-1].lower_bound is not None
    assert found[-1].ball < 0.5 * (0.37**2 + 0.71**2) ** 0.5
