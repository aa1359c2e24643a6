"""The search as a whole: what it refuses, what it gives on its way, and that it comes to the same again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from driftlab.analysis import pictures as pictures_module
from driftlab.analysis.axes import axes_of, parse_ranges
from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.statistics import bootstrapped_mean, clopper_pearson
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.analysis.tolerance.tolerances import Progress, question_digest, tolerances
from driftlab.analysis.trials import trials_of
from driftlab.inference import predict
from driftlab.isp.develop import Region
from driftlab.model.card import ModelError
from driftlab.model.task_model import TaskModel
from tests.analysis.models import model_of, segmenter, smooth
from tests.analysis.planted import between, check_honest, flat, items, many, red_of, searched
from tests.analysis.test_trials import cases, finished

RED = "white_balance.r"
KEYS = ("exposure.ev", "optics.blur", RED, "noise.intensity")


def counted(model: TaskModel) -> tuple[TaskModel, list[int]]:
    """The model, and how many pictures it was asked about by each call."""
    calls: list[int] = []
    inner: Callable[[Tensor], Tensor] = model.network.call

    def call(picture: Tensor) -> Tensor:
        calls.append(len(picture))
        return inner(picture)

    return replace(model, network=replace(model.network, call=call)), calls


def same(one: Tolerance, other: Tolerance) -> bool:
    """Equal to the bit."""
    names = ("metric", "nominals", "axes", "joint", "searched", "budget", "seed", "evaluations", "complete")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def test_on_its_way_it_gives_more_and_more_and_stops_after_every_batch() -> None:
    model, calls = counted(smooth())
    found, last = [], 0
    for item in items(cases(), model, dict.fromkeys(KEYS)):
        assert len(calls) - last <= 1
        last = len(calls)
        if isinstance(item, Tolerance):
            found.append(item)
        else:
            assert isinstance(item, Progress) and 0 <= item.share <= 1
    assert [each.complete for each in found] == [False] * (len(found) - 1) + [True]
    assert [len(each.axes) for each in found][:-1] == [*range(len(KEYS) + 1)]
    assert all(one.axes == other.axes[: len(one.axes)] for one, other in pairwise(found))
    assert found[-1].evaluations == sum(calls) == 2 * 3 + sum(axis.evaluations for axis in found[-1].axes)
    for finding in found[-1].axes:
        check_honest(finding)


def test_it_comes_to_the_same_again_to_the_bit() -> None:
    ranges = dict.fromkeys(KEYS)
    assert same(searched(cases(), smooth(), ranges, seed=3), searched(cases(), smooth(), ranges, seed=3))


@pytest.mark.parametrize("after", [5, 8, 15])
def test_an_interrupted_search_goes_on(after: int) -> None:
    ranges, known = dict.fromkeys(KEYS), dict[str, tuple[float, ...]]()
    model, calls = counted(smooth())
    whole = searched(cases(), model, ranges)
    all_calls, calls[:] = sum(calls), []
    steps = items(cases(), model, ranges, known=known)
    for _ in range(after):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    before = sum(calls)
    assert same(searched(cases(), model, ranges, known=known), whole)
    nominal = 3
    assert sum(calls) == all_calls + nominal and len(known) == whole.evaluations - nominal and before > nominal


def test_large_pictures_are_searched_without_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    (small,) = searched(cases(1), smooth(), {RED: None}).axes
    monkeypatch.setattr(pictures_module, "LARGE", 100)
    found = searched(cases(1), smooth(), {RED: None})
    (large,) = found.axes
    assert found.evaluations == 1 + large.evaluations
    for one, other in ((small.lower, large.lower), (small.upper, large.upper)):
        assert one.open == other.open and abs(one.holds - other.holds) <= large.resolution * 1.001


def test_what_a_question_is_known_by() -> None:
    pictures, model, criterion = cases(), smooth(), parse_criterion("prediction-unchanged")
    digest = question_digest(pictures, model, criterion)
    assert digest == question_digest(cases(), smooth(), parse_criterion("prediction-unchanged", "rate=0.1"))
    brighter, frame = pictures[0].settings.changed({"exposure.ev": 1.0}), pictures[0].frame
    others = [
        ([replace(pictures[0], label="a"), *pictures[1:]], model, criterion),
        ([replace(pictures[0], region=Region(0, 0, 8, 8)), *pictures[1:]], model, criterion),
        ([replace(pictures[0], settings=brighter), *pictures[1:]], model, criterion),
        (pictures[:2], model, criterion),
        (pictures, model, parse_criterion("accuracy>=0.5")),
        (pictures, replace(model, card=replace(model.card, mean=(0.1, 0.1, 0.1))), criterion),
        ([replace(pictures[0], frame=replace(frame, white=2 * frame.white)), *pictures[1:]], model, criterion),
        ([replace(pictures[0], frame=replace(frame, mosaic=frame.mosaic / 2)), *pictures[1:]], model, criterion),
    ]  # fmt: skip
    digests = [question_digest(*other) for other in others]
    assert len({digest, *digests}) == len(others) + 1


@pytest.mark.parametrize("budget", [10, 11, 25, 40, 60, 100])
def test_what_the_budget_does_not_reach_for_is_unproven(budget: int) -> None:
    ranges = {"optics.blur": None, RED: None, "exposure.ev": (-2.0, 2.0)}
    full = {finding.axis.key: finding for finding in searched(many(), between(0.05, 0.5), ranges).axes}
    found = searched(many(), between(0.05, 0.5), ranges, budget=budget)
    assert found.evaluations <= budget and len(found.axes) == 3
    for finding in found.axes:
        known = full[finding.axis.key]
        assert known.lower.fails is None or finding.safe[0] >= known.lower.fails
        assert known.upper.fails is None or finding.safe[1] <= known.upper.fails
        assert finding.status in ("unproven", "holds-on-samples")
        if finding.status == "unproven":
            assert finding.evaluations < known.evaluations
            assert not (finding.lower.open and finding.upper.open)
        else:
            assert finding.safe == known.safe
    assert budget > 25 or {finding.status for finding in found.axes} == {"unproven"}
    assert all(finding.safe == (1.0, 1.0) for finding in found.axes if budget < 25 and finding.axis.key == RED)


def test_where_the_criterion_fails_nominally_nothing_is_searched() -> None:
    model, calls = counted(between(0.05, 0.255))
    said = "margin>=0.01 fails at the nominal settings already, where the share of pictures that hold is 0.5 and the"
    with pytest.raises(AnalysisError, match=said):
        searched(many(), model, {RED: None}, "margin>=0.01")
    assert sum(calls) == 10


def test_what_can_not_be_searched_is_refused() -> None:
    with pytest.raises(AnalysisError, match="A budget of 9 does not reach for 10 nominal answers"):
        searched(many(), between(0.05, 0.5), {RED: None}, budget=9)
    with pytest.raises(AnalysisError, match="A resolution of 0 is none"):
        searched(many(), between(0.05, 0.5), {RED: None}, resolution=0.0)
    with pytest.raises(AnalysisError, match="No parameter has an effect"):
        searched(many(), between(0.05, 0.5), {})
    for criterion, over in (("margin>=0", "rate=1"), ("margin>=0", "quantile=0"), ("accuracy>=0", "all")):
        with pytest.raises(AnalysisError, match="lets every picture fail"):
            searched(many(), between(0.05, 0.5), {RED: None}, criterion, over)
    with pytest.raises(AnalysisError, match=r"accuracy>=0 lets every picture fail, where nominally 1 is reached"):
        searched(cases(), segmenter(), {RED: None}, "accuracy>=0")
    with pytest.raises(AnalysisError, match=r"'demosaic\.method' is a choice, which has no range"):
        searched(many(), between(0.05, 0.5), {"demosaic.method": None})
    with pytest.raises(AnalysisError, match=r"'optics\.on' is a choice"):
        searched(many(), between(0.05, 0.5), {"optics.on": None})
    with pytest.raises(AnalysisError, match=r"'a\.b' is given twice"):
        parse_ranges(["a.b=1:2", "a.b"])
    unlabeled = [replace(case, mask=torch.full((case.extent.height, case.extent.width), 255)) for case in cases()]
    with pytest.raises(AnalysisError, match="labels no pixel with a class of the model"):
        searched(unlabeled, segmenter(), {RED: None}, "accuracy>=0.5")
    for criterion in ("prediction-unchanged", "margin>=0.1"):
        with pytest.raises(AnalysisError, match=r"use accuracy>=… or drop<=…"):
            searched(cases(), segmenter(), {RED: None}, criterion)


def test_a_model_that_gives_no_numbers_is_told() -> None:
    def call(picture: Tensor) -> Tensor:
        red = red_of(picture)
        return torch.stack([torch.zeros_like(red), torch.where(red > 0.5, torch.nan, red)], 1)

    with pytest.raises(ModelError, match=r"not finite .*: it was 'frame 0', at the settings searched\."):
        searched([flat(0.2)], model_of(call), {RED: None})
    trials, _ = finished(trials_of([flat(0.2)], model_of(call), axes_of([flat(0.2).settings], {RED: None})))
    with pytest.raises(ModelError, match=r"it was 'frame 0', at white_balance.r = 3.6\."):
        finished(trials.ask([0], [[3.6]]))
    nominal = "one of 2 pictures, 'frame 0' the first of them, at the nominal settings"
    with pytest.raises(ModelError, match=nominal):
        searched([flat(0.2), flat(0.7, 1)], model_of(call), {RED: None})


def test_answers_without_slopes_are_searched_all_the_same() -> None:
    def call(picture: Tensor) -> Tensor:
        red = red_of(picture)
        ahead = torch.where(red > 2, red.detach() * torch.nan, 0.3 - red)  # whose derivative is not a number
        return torch.stack([torch.zeros_like(red), ahead + (red.detach() - red.detach()) * (red - red).sqrt()], 1)

    known: dict[str, tuple[float, ...]] = {}
    (finding,) = searched([flat(0.2)], model_of(call), {RED: None}, known=known).axes
    assert finding.status == "holds-on-samples" and finding.upper.holds <= 1.5 <= (finding.upper.fails or 0)
    assert all(math.isfinite(number) for numbers in known.values() for number in numbers)


@pytest.mark.parametrize(("criterion", "floor"), [("accuracy>=0.9", 0.9), ("drop<=0.2", 0.8)])
def test_a_segmentation_keeps_its_mean_iou(criterion: str, floor: float) -> None:
    pictures, model = cases(), segmenter()
    found = searched(pictures, model, {RED: None, "optics.blur": (0.0, 2.0)}, criterion)
    assert found.metric.metric == 1.0 and {(each.answer, each.self_label) for each in found.nominals} == {("", True)}
    for finding in found.axes:
        key, axis = finding.axis.key, finding.axis
        check_honest(finding)
        for end in (finding.lower, finding.upper):
            kept = _mean_iou(pictures, model, key, axis.kind == "factor", end.holds)
            assert kept >= floor and end.failure_rate == pytest.approx(1 - kept)
            assert end.open or end.low <= end.failure_rate <= end.high
            if end.fails is not None:
                assert _mean_iou(pictures, model, key, axis.kind == "factor", end.fails) < floor
                assert end.failure and end.failure.before == end.failure.after == ""


def _mean_iou(pictures: list, model: TaskModel, key: str, factor: bool, position: float) -> float:  # type: ignore[type-arg]
    total = 0.0
    for case in pictures:
        value = case.settings.number(key) * position if factor else position
        nominal = predict(case.frame, case.settings, model, region=case.region).mask
        drifted = predict(case.frame, case.settings.changed({key: value}), model, region=case.region)
        total += float(drifted.iou(nominal)[nominal.unique()].mean())
    return total / len(pictures)


def test_exact_intervals_of_shares() -> None:
    for hits, count in ((0, 1), (0, 40), (1, 40), (20, 40), (40, 40), (3, 1000)):
        low, high = clopper_pearson(hits, count)
        exact = binomtest(hits, count).proportion_ci(0.95, "exact")
        assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_a_bootstrap_is_seeded_and_covers_the_mean() -> None:
    values = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64).tolist()
    low, high = bootstrapped_mean(values, 5)
    assert (low, high) == bootstrapped_mean(values, 5) != bootstrapped_mean(values, 6)
    error = torch.tensor(values).std().item() / 50**0.5
    mean = sum(values) / 50
    assert low == pytest.approx(mean - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.15 * error)


@pytest.mark.parametrize("count", [1, 2, 40])
def test_equal_values_are_not_said_to_be_sure(count: int) -> None:
    others = 1 - 0.025 ** (1 / count)  # so many may be other ones, seldom as it is that none of them was seen
    low, high = bootstrapped_mean([0.6] * count)
    assert (low, high) == pytest.approx((0.6 * (1 - others), 0.6 + 0.4 * others))
    low, high = bootstrapped_mean([0.6] * count, least=-1.0)
    assert (low, high) == pytest.approx((0.6 - 1.6 * others, 0.6 + 0.4 * others))


def test_a_drop_that_nobody_saw_is_not_said_to_be_none() -> None:
    (finding,) = searched(many(), between(0.05, 0.9), {RED: (0.9, 1.1)}, "drop<=0.1").axes
    assert finding.upper.failure_rate == 0.0 and finding.upper.high == clopper_pearson(0, 10)[1] == -finding.upper.low


def test_axes_may_be_given_or_all_there_are() -> None:
    pictures = cases(2)
    axes = axes_of([case.settings for case in pictures])
    *_, found = tolerances(pictures, smooth(), axes[:2], parse_criterion("margin>=-100"))
    assert isinstance(found, Tolerance) and [each.axis for each in found.axes] == axes[:2]
    assert all(each.lower.open and each.upper.open for each in found.axes)
