"""Joint tolerances: boxes and balls with a closed form are found within the resolution, and honestly told."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from driftlab.analysis.axes import axes_of
from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.findings import JointFinding
from driftlab.analysis.tolerance.joint import joint
from driftlab.analysis.tolerance.rule import rule_of
from driftlab.analysis.trials import trials_of
from driftlab.data.cases import Case
from driftlab.isp.pipeline import PIPELINES
from driftlab.model.card import Task
from driftlab.raw.frame import CFA
from tests.analysis.models import model_of
from tests.analysis.planted_trials import Planted, axis_of, finished, ruled
from tests.isp.frames import frame_of, scene

RESOLUTION = 1 / 64


def findings(trials: Planted, criterion: str = "margin>=0", over: str = "all", **options: Any) -> list[JointFinding]:
    rule, nominal = ruled(trials, criterion, over)
    trials.evaluations = 0
    trials.asked.clear()
    found = [item for item in joint(trials, rule, nominal, **{"points": 40, **options}) if item]
    assert found[-1].evaluations == trials.evaluations == len(trials.asked)
    return found


def last(trials: Planted, *question: Any, **options: Any) -> JointFinding:
    return findings(trials, *question, **options)[-1]


def near(expected: float) -> Any:
    """At most `expected`, and no more than the resolution below it."""
    return pytest.approx(expected * (1 - RESOLUTION / 2), rel=RESOLUTION / 2 + 1e-6)


def gains() -> Planted:
    """Two gains whose margins add: 1 − 2 (r − 2) − 4 (b − 1.5) holds alone up to r = 2.5 and b = 1.75."""
    axes = [axis_of("r", 2.0, 1.0, 4.0), axis_of("b", 1.5, 0.5, 3.0)]
    return Planted(axes, lambda at: 1 - 2 * (at[:, 0] - 2) - 4 * (at[:, 1] - 1.5))


def test_margins_that_add_leave_half_of_the_intervals_to_both() -> None:
    # Along each axis alone all of the margin is there to be used: jointly s · 1 + s · 1 = 1.
    found = last(gains(), intervals=[(1.0, 2.5), (0.5, 1.75)])
    assert found.status == "holds-on-samples"
    assert found.scale == near(0.5)
    s = found.scale
    assert found.box == (pytest.approx((2 - s, 2 + 0.5 * s)), pytest.approx((1.5 - s, 1.5 + 0.25 * s)))
    # In shares of 3 and 2.5 the slope is (6, 10).
    assert found.ball == near(1 / math.hypot(6, 10))
    assert found.volume_share == pytest.approx((1.5 * s / 3) * (1.25 * s / 2.5))
    assert found.worst == pytest.approx(1 - 2 * s, abs=1e-9)
    assert found.worst_at == pytest.approx((2 + 0.5 * s, 1.5 + 0.25 * s))
    assert (found.trials, found.bound) == (40, 3 / 40)
    assert found.interactions == (("planted.r", "planted.b", near(0.5)),)
    assert found.pairs == 1
    failure = found.counterexample
    assert failure
    assert (failure.case, failure.before, failure.after) == (0, "yes", "no")
    r, b = failure.positions
    assert -0.02 < failure.score < 0
    assert failure.score == pytest.approx(1 - 2 * (r - 2) - 4 * (b - 1.5))
    assert found.failures[0].score <= failure.score


def test_a_ball_is_cut_off_where_the_searched_ranges_end() -> None:
    # Nominal lies on the lower end, and only beyond it the score would fall steeply.
    axes = [axis_of("a", 0.0, 0.0, 1.0), axis_of("b", 0.5, 0.0, 1.0)]
    found = last(Planted(axes, lambda at: 0.3 + 9 * at[:, 0] - at[:, 1] + 0.5))
    assert found.ball == near(0.3)
    assert found.box[0] == (0.0, pytest.approx(found.scale))


def test_independent_axes_take_all_of_their_intervals() -> None:
    axes = [axis_of(name, 1.0, 0.0, 2.0) for name in "abc"]
    found = last(Planted(axes, lambda at: (0.5 - (at - 1).abs()).amin(1)), intervals=[(0.5, 1.5)] * 3)
    assert (found.scale, found.status, found.volume_share) == (1.0, "holds-on-samples", pytest.approx(1 / 8))
    assert found.box == ((0.5, 1.5),) * 3
    assert (found.interactions, found.pairs) == ((), 3)
    assert found.coverage > 0.5
    # Nobody looked beyond the box but for the ball, which holds 0.5 / 2 along every axis.
    assert found.ball == near(0.25)


def test_only_a_far_corner_fails() -> None:
    axes = [axis_of(name, 0.0, -1.0, 1.0) for name in "abcd"]
    corner = torch.tensor([1.0, -1.0, 1.0, 1.0], dtype=torch.float64)
    # Flat but within 0.4 of the corner: no slope at nominal leads there.
    found = last(Planted(axes, lambda at: ((at - corner).abs().amax(1) - 0.4).clamp_max(0.5)))
    assert found.scale == near(0.6)
    assert found.counterexample
    assert torch.tensor(found.counterexample.positions).sign().tolist() == corner.tolist()
    assert found.interactions == ()
    assert found.pairs == 6


def test_pictures_that_are_flat_at_nominal_are_searched_too() -> None:
    # 1 − (w · x)², whose slopes at nominal are zero, of ten pictures: the largest |w · x| in the box is s Σ |w|.
    axes = [axis_of(f"p{number}", 0.0, -1.0, 1.0) for number in range(12)]
    weights = torch.randn(12, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = last(Planted(axes, lambda at: 1 - (at @ weights) ** 2, 10), points=10)
    assert found.scale == near(1 / float(weights.abs().sum(0).max()))
    assert found.ball == near(1 / float(weights.norm(dim=0).max()) / 2)


def test_axes_of_factors_grow_by_factors() -> None:
    axes = [axis_of("gain", 1.0, 1 / 4, 4.0, log=True), axis_of("wide", 100.0, 10.0, 1000.0, log=True)]
    found = last(Planted(axes, lambda at: math.log(4) - at[:, 0].log() - at[:, 1].div(100).log() / 2))
    # log 4 = s log 4 + s log 10 / 2
    s = math.log(4) / (math.log(4) + math.log(10) / 2)
    assert found.scale == near(s)
    assert found.box[0] == pytest.approx((4**-found.scale, 4**found.scale))
    assert found.box[1] == pytest.approx((100 * 10**-found.scale, 100 * 10**found.scale))


def test_gains_of_real_pictures_with_levels_of_their_own() -> None:
    """Red and blue light on top of each other, as the camera's stages make them from a mosaic.

    Without noise, matrix and curve the red and blue means of a picture are m · gain; its margin is 0.3 less them both.
    """
    plain = {"color_matrix.on": False, "tone.on": False, "quantization.on": False, "white_balance.highlights": "keep",
             "demosaic.method": "bilinear"}  # fmt: skip
    cases = []
    for number in range(2):
        frame = frame_of(scene(16, 16, 0.02, 0.1), CFA.parse("rggb"))
        frame = replace(frame, gains=(1.5 + number / 4, 1.0, 1.25), sha256=f"{number:064d}")
        cases.append(Case(frame, PIPELINES["camera"].settings(frame).changed(plain)))

    def light(picture: Tensor) -> Tensor:
        red_and_blue = picture[:, [0, 2]].mean((2, 3)).sum(1)
        return torch.stack([red_and_blue, torch.full_like(red_and_blue, 0.3)], 1)

    ranges = {"white_balance.r": (0.5, 2.0), "white_balance.b": (0.5, 3.0)}
    axes = axes_of([case.settings for case in cases], ranges)
    trials, nominal = finished(trials_of(cases, model_of(light), axes))
    rule, _ = rule_of(parse_criterion("margin>=0"), trials, nominal)
    (*_, found) = (item for item in joint(trials, rule, nominal, points=20) if item)
    means = [[float(mean) for mean in trials.pictures(index, [[1.0, 1.25]])[0].mean((1, 2))] for index in (0, 1)]

    # At the corner of most light red is 1 + s times nominal and blue 1 + 1.75 s / 1.25 times.
    expected = min((0.3 - red - blue) / (red + 1.4 * blue) for red, _, blue in means)
    assert 0.2 < expected < 0.9
    assert found.scale == near(expected)
    assert found.counterexample
    assert found.counterexample.case == 1
    assert [axis.unit for axis in found.axes] == ["× nominal", ""]


def pictures(at: Tensor) -> Tensor:
    """Four pictures that fail one after the other: where a + b reaches 0.4, 0.6, 0.8 and 1."""
    return torch.tensor([0.4, 0.6, 0.8, 1.0]) - at.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("criterion", "over", "expected"),
    [
        ("margin>=0", "all", 0.2),
        ("prediction-unchanged", "rate=0.25", 0.3),
        ("accuracy>=0.5", "all", 0.4),
        ("drop<=0.8", "all", 0.5),
        ("margin>=0.1", "quantile=0.75", 0.25),
    ],
)
def test_as_many_pictures_may_fail_as_the_criterion_lets(criterion: str, over: str, expected: float) -> None:
    axes = [axis_of("a", 0.0, -1.0, 1.0), axis_of("b", 0.0, -1.0, 1.0)]
    found = last(Planted(axes, pictures, 4), criterion, over)
    assert found.scale == near(expected)
    assert found.ball == near(expected * 2 / math.sqrt(2) / 2)
    assert found.trials == 40
    spared = round(expected * 10) - 2 if criterion != "margin>=0.1" else 1
    assert found.worst_case == spared
    assert [failure.case for failure in found.failures][: spared + 1] == list(range(spared + 1))


def test_which_pictures_can_fail_together_is_found_out() -> None:
    # Of eight linear margins any three: the least s of all linear programs "these three fail within ± s".
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(6, 8, generator=generator, dtype=torch.float64)
    margins = torch.rand(8, generator=generator, dtype=torch.float64) + 0.5
    sides = np.concatenate([np.eye(6), -np.eye(6)])
    within = np.concatenate([sides, -np.ones((12, 1))], 1)
    sizes = []
    for three in combinations(range(8), 3):
        fail = np.concatenate([-weights.numpy()[:, three].T, np.zeros((3, 1))], 1)
        bounds = np.concatenate([-margins.numpy()[list(three)], np.zeros(12)])
        free = [(None, None)] * 6 + [(0, None)]
        answer = linprog([0] * 6 + [1], A_ub=np.concatenate([fail, within]), b_ub=bounds, bounds=free)
        sizes.append(answer.fun if answer.success else math.inf)
    axes = [axis_of(f"p{number}", 0.0, -1.0, 1.0) for number in range(6)]
    found = last(Planted(axes, lambda at: margins - at @ weights, 8), over="rate=0.25", points=10)
    assert min(sizes) < 0.9
    assert found.scale == pytest.approx(min(sizes), rel=1 / 64)


def test_the_mean_decides_on_a_segmentation() -> None:
    axes = [axis_of("a", 0.0, -1.0, 1.0), axis_of("b", 0.0, -1.0, 1.0)]
    # IoU 0.9 − |a| and 0.9 − 3 |b|: the mean is at least 0.5 up to |a| + 3 |b| = 0.8.
    found = last(Planted(axes, lambda at: 0.9 - at.abs() * torch.tensor([1.0, 3.0]), 2, task=Task.SEGMENTATION),
                 "accuracy>=0.5")  # fmt: skip
    assert found.scale == near(0.2)
    assert found.worst == pytest.approx(0.9 - 2 * found.scale, abs=1e-3)
    assert found.counterexample
    assert (found.counterexample.before, found.counterexample.after) == ("", "")


@pytest.mark.parametrize("gradient", ["exact", "none"])
def test_a_black_box_is_searched_without_slopes(gradient: Any) -> None:
    axes = [axis_of("a", 0.0, -1.0, 1.0, gradient=gradient), axis_of("b", 0.0, -1.0, 1.0)]
    trials = Planted(axes, lambda at: 0.5 - at.sum(1), black_box=gradient == "exact")
    found = last(trials)
    assert found.scale == near(0.25)
    assert found.ball == near(0.5 / math.sqrt(2) / 2)


def test_whole_numbers_stay_whole_and_within_the_box() -> None:
    axes = [axis_of("quality", 90.0, 10.0, 100.0, integer=True, gradient="none"), axis_of("b", 0.0, -1.0, 1.0)]
    trials = Planted(axes, lambda at: 0.6 - (90 - at[:, 0]) / 80 - at[:, 1])
    found = last(trials)
    assert all(quality == round(quality) for quality, _ in trials.asked)
    assert found.scale == pytest.approx(0.3, rel=0.05)
    low, high = found.box[0]
    assert (low, high) == (math.ceil(90 - 80 * found.scale), math.floor(90 + 10 * found.scale))


def test_nominal_on_the_very_edge_has_no_box() -> None:
    axes = [axis_of("a", 0.0, -1.0, 1.0), axis_of("b", 0.0, -1.0, 1.0)]
    found = last(Planted(axes, lambda at: -at.sum(1)))
    assert (found.status, found.scale, found.volume_share, found.bound) == ("violated", 0.0, 0.0, 1.0)
    assert found.box == ((0.0, 0.0), (0.0, 0.0))
    assert found.counterexample
    assert abs(sum(found.counterexample.positions)) < 1e-3


def test_intervals_without_width_stay_at_nominal() -> None:
    trials = gains()
    found = last(trials, intervals=[(2.0, 2.0), (0.5, 3.0)])
    assert found.box == ((2.0, 2.0), pytest.approx((1.5 - found.scale, 1.5 + 1.5 * found.scale)))
    assert found.scale == near(0.25 / 1.5)
    assert found.interactions == ()
    fixed = last(trials, intervals=[(2.0, 2.0), (1.5, 1.5)])
    assert (fixed.scale, fixed.box, fixed.volume_share) == (1.0, ((2.0, 2.0), (1.5, 1.5)), 0.0)


def test_nothing_is_asked_beyond_what_is_searched() -> None:
    trials = gains()
    found = last(trials, intervals=[(1.2, 2.4), (0.7, 1.7)])
    rows = torch.tensor(trials.asked)
    assert float(rows[:, 0].min()) >= 1.0
    assert float(rows[:, 0].max()) <= 4.0
    assert float(rows[:, 1].min()) >= 0.5
    assert float(rows[:, 1].max()) <= 3.0
    for (low, high), (least, most) in zip(found.box, [(1.2, 2.4), (0.7, 1.7)], strict=True):
        assert least <= low <= high <= most


def test_the_same_seed_gives_the_same_bits_and_another_other_points() -> None:
    first, second, other = gains(), gains(), gains()
    assert findings(first, seed=5) == findings(second, seed=5)
    assert first.asked == second.asked
    found = last(other, seed=6)
    assert other.asked != first.asked
    assert found.scale == near(1 / (2 * 2 + 4 * 1.5))


def test_a_budget_is_kept_and_what_is_known_is_told() -> None:
    whole = last(gains()).evaluations
    sizes = []
    for budget in (0, 3, 40, 100, whole // 2, whole):
        found = last(gains(), budget=budget)
        assert found.evaluations <= budget
        assert found.status == ("unproven" if found.trials < 40 else found.status)
        assert found.bound == (3 / found.trials if found.trials >= 3 else 1.0)
        assert found.scale <= 0.1
        sizes.append(found.scale)
    assert sizes[0] == 0.0
    assert all(small <= large for small, large in pairwise(sizes))
    assert last(gains(), budget=whole).status == "holds-on-samples"
    nothing = last(gains(), budget=0)
    assert (nothing.status, nothing.box, nothing.worst, nothing.worst_at) == (
        "unproven", ((2.0, 2.0), (1.5, 1.5)), 1.0, (2.0, 1.5),
    )  # fmt: skip


def test_what_is_known_comes_as_it_is_found() -> None:
    found = findings(gains())
    assert [each.status for each in found[:-2]] == ["unproven"] * (len(found) - 2)
    assert all(each.scale > 0 for each in found[1:])
    assert asdict(found[-1])["ball"] > 0


def test_intervals_must_hold_nominal_and_lie_in_what_is_searched() -> None:
    trials = gains()
    rule, nominal = ruled(trials, "margin>=0")
    for intervals in ([(2.1, 3.0), (0.5, 3.0)], [(0.9, 3.0), (0.5, 3.0)]):
        with pytest.raises(AnalysisError, match=r"planted\.r must hold nominal"):
            next(joint(trials, rule, nominal, intervals))
    with pytest.raises(AnalysisError, match="lets every picture fail"):
        next(joint(trials, *ruled(trials, "accuracy>=0")))
