"""Intervals along one axis, against planted answers in closed form and against grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.tolerance.findings import Failure
from driftlab.data.cases import Case
from driftlab.inference import predict
from driftlab.model.task_model import TaskModel
from tests.analysis.models import model_of
from tests.analysis.planted import (
    between,
    but_for,
    check_end,
    check_honest,
    flat,
    many,
    red_of,
    scene_case,
    searched,
)

RED = "white_balance.r"


@pytest.mark.parametrize(("low", "high"), [(0.17, 0.26), (0.199, 0.55), (0.06, 0.2001), (0.19, 0.201)])
def test_both_ends_of_a_linear_model(low: float, high: float) -> None:
    (finding,) = searched([flat(0.2)], between(low, high), {RED: None}).axes
    check_honest(finding)
    check_end(finding, "lower", low / 0.2)
    check_end(finding, "upper", high / 0.2)
    assert finding.status == "holds-on-samples" and finding.monotone and finding.axis.unit == ""
    first = finding.first_failure
    assert finding.lower.fails and finding.upper.fails
    nearer = finding.lower if 1 - finding.lower.fails < finding.upper.fails - 1 else finding.upper
    assert isinstance(first, Failure) and first == nearer.failure
    assert (first.case, first.before, first.after) == (0, "ok", "dark" if nearer is finding.lower else "bright")
    assert first.score == pytest.approx(min(0.2 * first.positions[0] - low, high - 0.2 * first.positions[0]), abs=1e-6)


def test_ends_are_found_to_the_resolution_that_is_asked_for() -> None:
    (finding,) = searched([flat(0.2)], between(0.17, 0.2634), {RED: None}, resolution=1 / 1000).axes
    for end, true in ((finding.lower, 0.17 / 0.2), (finding.upper, 0.2634 / 0.2)):
        assert end.fails is not None and abs(end.holds - end.fails) <= 3.75 / 1000 * 1.001
        assert min(end.holds, end.fails) <= true <= max(end.holds, end.fails)
    assert finding.resolution == pytest.approx(3.75 / 1000) and finding.evaluations < 25


def test_open_ends_are_at_least_the_searched_range() -> None:
    (finding,) = searched([flat(0.2)], between(0.01, 0.26), {RED: (0.5, 1.2)}).axes
    check_honest(finding)
    assert finding.safe == (0.5, 1.2) and finding.lower.open and finding.upper.open
    assert finding.lower.fails is None and finding.upper.failure is None and finding.first_failure is None
    (finding,) = searched([flat(0.2)], between(0.01, 0.26), {RED: (1.0, 4.0)}).axes
    check_honest(finding)
    check_end(finding, "upper", 0.26 / 0.2)
    assert finding.lower.open and finding.safe[0] == 1.0


def test_equal_steps_of_a_logarithmic_axis_are_equal_factors() -> None:
    changes = {"tone.on": True, "tone.curve": "power", "tone.gamma": 1.0, "tone.brightness": 0.0}
    (finding,) = searched([flat(0.5, **changes)], between(0.35, 0.8), {"tone.contrast": None}).axes
    check_honest(finding)
    assert finding.axis.log
    for side, red in (("lower", 0.35), ("upper", 0.8)):
        check_end(finding, side, np.log(red / 0.18) / np.log(0.5 / 0.18))


def test_a_factor_of_every_pictures_own_gain() -> None:
    cases = [flat(0.1, 0, **{RED: 2.0}), flat(0.2, 1, **{RED: 1.1}), flat(0.2, 2, **{RED: 0.9})]
    (finding,) = searched(cases, between(0.15, 0.3), {RED: (0.3, 3.0)}).axes
    check_honest(finding)
    assert (finding.axis.kind, finding.axis.unit, finding.axis.nominal) == ("factor", "× nominal", 1.0)
    check_end(finding, "lower", 0.15 / (0.2 * 0.9))
    check_end(finding, "upper", 0.3 / (0.2 * 1.1))
    assert finding.lower.failure and finding.lower.failure.case == 2
    assert finding.upper.failure and finding.upper.failure.case == 1


def test_an_offset_from_every_pictures_own_level() -> None:
    # Black levels in DN of 65535: a level more takes its share of white off the red, and stretches the rest.
    cases = [flat(0.2, number, **{"black_level.r": black}) for number, black in enumerate((0.0, 100.0))]
    (finding,) = searched(cases, between(0.1, 0.5), {"black_level.r": (0.0, 16000.0)}).axes
    check_honest(finding)
    assert (finding.axis.kind, finding.axis.unit, finding.axis.nominal) == ("offset", "DN", 0.0)
    # (0.2 − b) / (1 − b) = 0.1
    check_end(finding, "upper", 65535 * 0.1 / 0.9 - 100)


def texture(amount: float, number: int) -> Case:
    """A gray scene with a checkered green, and red that does not tell."""
    rows, columns = np.mgrid[:32, :32]
    checks = 0.4 + amount * ((rows // 2 + columns // 2) % 2 - 0.5)
    return scene_case(np.stack([np.full((32, 32), 0.3), checks, np.full((32, 32), 0.3)]), number)


def color_cue() -> TaskModel:
    def call(picture: Tensor) -> Tensor:
        red, green, _ = picture.mean((2, 3)).unbind(1)
        return torch.stack([green - red, red - green], 1)

    return model_of(call, ("green", "red"))


def texture_cue() -> TaskModel:
    def call(picture: Tensor) -> Tensor:
        green = picture[:, 1]
        contrast = green.diff(dim=2).square().mean((1, 2)).add(1e-12).sqrt() / green.mean((1, 2))
        return torch.stack([0.05 - contrast, contrast - 0.05], 1) * 10

    return model_of(call, ("smooth", "rough"))


def test_a_color_cue_is_tight_in_red_and_wide_in_blur() -> None:
    cases = [flat(0.3 * 1.08, 0), flat(0.3 * 0.93, 1)]
    blur, red = searched(cases, color_cue(), {RED: None, "optics.blur": None}).axes
    check_honest(blur), check_honest(red)
    check_end(red, "lower", 1 / 1.08)
    check_end(red, "upper", 1 / 0.93)
    assert blur.lower.open and blur.upper.open


def test_a_texture_cue_is_tight_in_blur_and_wide_in_red() -> None:
    cases, model = [texture(0.3, 0), texture(0.25, 1), texture(0.0, 2)], texture_cue()
    blur, red = searched(cases, model, {RED: None, "optics.blur": None}).axes
    check_honest(blur), check_honest(red)
    assert red.lower.open and red.upper.open
    grid = np.linspace(0, 4, 801)
    held = [value for value in grid if _unchanged(cases[1], model, value)]
    check_end(blur, "upper", held[-1])
    assert held[-1] < 1.5 and blur.upper.failure
    assert (blur.upper.failure.case, blur.upper.failure.before, blur.upper.failure.after) == (1, "rough", "smooth")


def _unchanged(case: Case, model: TaskModel, blur: float) -> bool:
    top = predict(case.frame, case.settings.changed({"optics.blur": float(blur)}), model).top
    return top[0].label == "rough"


@pytest.mark.parametrize("width", [0.1, 0.02, 0.012])
def test_beyond_a_hole_it_is_seen_to_hold_again(width: float) -> None:
    # Red runs from 0.05 to 0.8, in steps of the scan of 0.12; the hole of 2 · width may lie between two of them.
    (finding,) = searched([flat(0.2)], but_for(0.45, width), {RED: None}).axes
    check_honest(finding)
    check_end(finding, "upper", (0.45 - width) / 0.2)
    assert finding.lower.open and not finding.monotone
    ((first, last),) = finding.gaps
    assert first >= (0.45 + width) / 0.2 and last == 4.0


@pytest.mark.parametrize(
    ("criterion", "over", "failing"),
    [
        ("prediction-unchanged", "all", 0),
        ("prediction-unchanged", "quantile=0.8", 2),
        ("prediction-unchanged", "rate=0.3", 3),
        ("prediction-unchanged", "rate=0.39", 3),
        ("accuracy>=0.6", "all", 4),
        ("drop<=0.1", "all", 1),
    ],
)
def test_so_many_pictures_may_fail(criterion: str, over: str, failing: int) -> None:
    (finding,) = searched(many(), between(0.05, 0.5), {RED: None}, criterion, over).axes
    check_honest(finding)
    # The brightest pictures fail first: the one after those that may decides.
    check_end(finding, "upper", 0.5 / (0.2 + 0.01 * (9 - failing)))
    at_end = sum(finding.upper.holds * (0.2 + 0.01 * number) > 0.5 for number in range(10))
    assert at_end <= failing and finding.upper.failure_rate == pytest.approx(at_end / 10)
    assert finding.upper.low <= finding.upper.failure_rate <= finding.upper.high


def test_a_margin_is_to_be_kept() -> None:
    (finding,) = searched(many(), between(0.05, 0.5), {RED: None}, "margin>=0.08").axes
    check_honest(finding)
    check_end(finding, "lower", 0.13 / 0.2)
    check_end(finding, "upper", 0.42 / 0.29)
    assert finding.lower.failure and finding.lower.failure.before == finding.lower.failure.after == "ok"


def test_labels_count_but_for_an_unchanged_prediction() -> None:
    cases = [*many()[:9], flat(0.2, 9, "dark")]
    (unchanged,) = searched(cases, between(0.05, 0.5), {RED: None}).axes
    check_end(unchanged, "upper", 0.5 / 0.28)
    with pytest.raises(AnalysisError, match=r"accuracy>=0.95 fails at the nominal settings already, .* is 0.9"):
        searched(cases, between(0.05, 0.5), {RED: None}, "accuracy>=0.95")
    (accuracy,) = searched(cases, between(0.05, 0.5), {RED: None}, "accuracy>=0.85").axes
    check_end(accuracy, "upper", 0.5 / 0.28)
    assert accuracy.upper.failure_rate == 0.1 and accuracy.upper.failure and accuracy.upper.failure.case == 8


def test_a_black_box_has_the_same_intervals() -> None:
    def call(picture: Tensor) -> Tensor:
        red = red_of(picture)
        return torch.stack([0.15 - red, torch.zeros_like(red), red - 0.5], 1)

    model = model_of(call, ("dark", "ok", "bright"), no_gradient="It is a black box.")
    (finding,) = searched(many(), model, {RED: None}).axes
    check_honest(finding)
    check_end(finding, "lower", 0.15 / 0.2)
    check_end(finding, "upper", 0.5 / 0.29)


def test_whole_numbers() -> None:
    scene = np.random.default_rng(0).uniform(0.2, 0.6, (3, 32, 32))
    case = scene_case(scene, **{"denoise.method": "median", "denoise.size": 1.0})

    def call(picture: Tensor) -> Tensor:
        spread = picture[:, 1].std((1, 2))
        return torch.stack([0.05 - spread, spread - 0.05], 1)

    model = model_of(call, ("smooth", "rough"))
    (finding,) = searched([case], model, {"denoise.size": (1.0, 15.0)}).axes
    held = [
        size
        for size in range(1, 16)
        if predict(case.frame, case.settings.changed({"denoise.size": float(size)}), model).top[0].label == "rough"
    ]
    assert 1 < held[-1] < 15 and held == [*range(1, held[-1] + 1)]
    assert finding.safe == (1.0, held[-1]) and finding.upper.fails == held[-1] + 1
    assert all(probe.position == round(probe.position) for probe in finding.probes)
