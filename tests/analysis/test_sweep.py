"""Curves and maps, against a model whose margin is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import beta

from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.sweep import Curve, Map, sweep
from driftlab.analysis.sweep_rows import rows_of
from driftlab.data.cases import Case
from driftlab.isp.pipeline import CAMERA
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import CFA
from tests.analysis.models import model_of, segmenter
from tests.isp.frames import frame_of, smooth_frame

RED, EV = "white_balance.r", "exposure.ev"
#: Nothing but gains, exposure and the clip at white.
PLAIN: dict[str, Any] = {"quantization.on": False, "tone.on": False, "black_level.range": "black to white"}


def redder() -> TaskModel:
    """The logits (green, red): the means of the two colors."""
    return model_of(lambda picture: picture.mean((2, 3))[:, [1, 0]], ("green", "red"))


def flat(red: float, green: float = 0.2, **changes: Any) -> Case:
    """A picture of one color, red and green as given, whose margin is linear in the gains."""
    frame = frame_of(
        np.full((3, 8, 8), 0.1) + np.array([red - 0.1, green - 0.1, 0])[:, None, None], CFA.parse("linear")
    )
    return Case(frame, CAMERA.settings(frame).changed({**PLAIN, **changes}))


def last(*question: Any, **options: Any) -> Any:
    return [item for item in sweep(*question, **options) if item is not None][-1]


def test_a_curve_is_the_closed_form() -> None:
    case = flat(0.3)
    found = last([case], redder(), {RED: (0.25, 2.5)}, points=18)
    assert isinstance(found, Curve)
    places = [point.position for point in found.points]
    assert places == sorted(places) and len(places) == 19 and 1.0 in places
    assert places[0] == 0.25 and places[-1] == 2.5
    assert np.allclose(np.diff([place for place in places if place != 1.0]), 2.25 / 17)
    for point in found.points:
        assert point.scores == pytest.approx([0.3 * point.position - 0.2], abs=1e-6)
        assert point.metric == float(point.scores[0] >= 0)
        assert point.tops == (int(point.scores[0] > 0),)
    assert (found.level, found.floor, found.share, found.evaluations) == (0.0, 1.0, 1.0, 19)


def test_coarse_comes_first_and_every_result_has_more() -> None:
    steps = list(sweep([flat(0.3)], redder(), {RED: (0.25, 2.5)}, points=17))
    curves = [step for step in steps if isinstance(step, Curve)]
    assert [len(each.points) for each in curves] == [2, 3, 5, 9, 17, 18]
    assert [point.position for point in curves[0].points] == [0.25, 2.5]
    shares = [each.share for each in curves]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert steps.count(None) >= len(curves)


def test_a_data_set_has_shares_with_their_interval_and_a_floor() -> None:
    reds = [0.25, 0.3, 0.4, 0.6]
    found = last(
        [flat(red) for red in reds], redder(), {RED: (0.25, 1.5)}, parse_criterion("margin>=0.05", "quantile=0.75")
    )
    assert found.floor == pytest.approx(0.75) and found.level == 0.05
    for point in found.points:
        margins = [red * point.position - 0.2 for red in reds]
        hits = sum(margin >= 0.05 for margin in margins)
        assert point.scores == pytest.approx(margins, abs=1e-6)
        assert point.metric == hits / 4
        assert point.low == pytest.approx(beta.ppf(0.025, hits, 5 - hits) if hits else 0.0, abs=1e-9)
        assert point.high == pytest.approx(beta.ppf(0.975, hits + 1, 4 - hits) if hits < 4 else 1.0, abs=1e-9)


def test_as_many_as_may_fail_are_not_below_the_floor() -> None:
    pictures, criterion = [flat(0.25), flat(0.5), flat(0.5)], parse_criterion("margin>=0", "rate=0.34")
    found = last(pictures, redder(), {RED: (0.5, 1.0)}, criterion, points=3)
    assert [point.metric for point in found.points] == [found.floor, found.floor, 1.0] == [2 / 3, 2 / 3, 1.0]


def test_positions_are_of_each_pictures_own_nominal_value() -> None:
    found = last([flat(0.3), flat(0.3, **{RED: 1.2})], redder(), {RED: (0.5, 1.5)}, points=5)
    assert found.axis.unit == "× nominal"
    for point in found.points:
        expected = [0.3 * point.position - 0.2, 0.3 * 1.2 * point.position - 0.2]
        assert point.scores == pytest.approx(expected, abs=1e-6)


def test_a_map_is_the_closed_form_and_says_the_class() -> None:
    found = last([flat(0.3)], redder(), {RED: (0.5, 2.0), EV: (-1.0, 0.5)}, points=9)
    assert isinstance(found, Map) and (found.across.key, found.up.key) == (RED, EV)
    red, ev = np.meshgrid(found.across_at, found.up_at)
    expected = 2**ev * (0.3 * red - 0.2)
    assert np.allclose(found.scores.numpy(), expected, atol=1e-6)
    assert np.array_equal(found.tops.numpy(), expected > 0)
    assert found.evaluations == 81 and found.share == 1.0
    assert torch.equal(found.filled(), found.scores)


def test_a_map_of_several_pictures_holds_where_the_criterion_does() -> None:
    reds = [0.25, 0.3, 0.4, 0.6]
    for over, rank in (("all", 0), ("quantile=0.75", 1), ("rate=0.5", 2)):
        criterion = parse_criterion("margin>=0.02", over)
        found = last([flat(red) for red in reds], redder(), {EV: (-1.0, 0.5), RED: (0.5, 1.5)}, criterion, points=5)
        ev, red = np.meshgrid(found.across_at, found.up_at)
        assert np.allclose(found.scores.numpy(), 2**ev * (reds[rank] * red - 0.2), atol=1e-6)
        assert found.level == 0.02


def test_a_map_shows_the_coarse_grid_until_it_has_the_fine_one() -> None:
    maps = [item for item in sweep([flat(0.3)], redder(), {RED: (0.5, 2.0), EV: (-1.0, 0.5)}, points=9) if item]
    first = maps[0]
    assert isinstance(first, Map)
    assert int((~first.scores.isnan()).sum()) == 4
    corners = first.scores[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert not first.filled().isnan().any()
    assert set(first.filled().flatten().tolist()) == set(corners.tolist())
    assert [int((~each.scores.isnan()).sum()) for each in maps] == [4, 9, 25, 81]  # type: ignore[union-attr]


def test_a_segmentation_is_swept_by_its_mean_iou() -> None:
    frame = smooth_frame("rggb", 32, 32)
    cases = [Case(frame, CAMERA.settings(frame))] * 2
    found = last(cases, segmenter(), {RED: None}, parse_criterion("drop<=0.1"), points=5)
    assert found.level is None and found.floor == pytest.approx(0.9)
    nominal = next(point for point in found.points if point.position == 1.0)
    assert (nominal.metric, nominal.high) == (1.0, 1.0)
    assert nominal.low == pytest.approx(beta.ppf(0.025, 2, 1))  # two pictures alone are no certainty
    for point in found.points:
        assert point.metric == pytest.approx(sum(point.scores) / 2)
    assert min(point.metric for point in found.points) < 0.9
    assert {row["answers"] for row in rows_of(found)} == {""}
    assert last(cases, segmenter(), {RED: None, EV: None}, parse_criterion("drop<=0.1"), points=3).level == found.floor


def test_the_same_question_has_the_same_bits_and_stops_where_asked() -> None:
    question = [flat(0.3), flat(0.5)], redder(), {RED: (0.5, 2.0)}
    assert last(*question).points == last(*question).points
    steps = sweep(*question)
    next(steps)
    steps.close()  # type: ignore[attr-defined]


def test_what_is_no_sweep_is_refused() -> None:
    with pytest.raises(AnalysisError, match="one parameter or over two, not 3"):
        last([flat(0.3)], redder(), dict.fromkeys((RED, EV, "white_balance.g")))
    with pytest.raises(AnalysisError, match="margin>=0 over rate=1 lets every picture fail"):
        last([flat(0.3)], redder(), {RED: None}, parse_criterion("margin>=0", "rate=1"))
    with pytest.raises(AnalysisError, match="3 or more"):
        last([flat(0.3)], redder(), {RED: None}, points=2)


def test_whole_numbers_are_asked_once() -> None:
    found = last([flat(0.3)], redder(), {"noise.seed": (0.0, 4.0)}, points=33)
    assert [point.position for point in found.points] == [0, 1, 2, 3, 4]
