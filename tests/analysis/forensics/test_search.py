"""Forensics: planted answers in closed form, the signs and units that the search must not confuse, and the example."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from driftlab import develop, load_model, load_raw, resource
from driftlab.analysis.axes import axes_of
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.forensics.breakage import Forensics
from driftlab.analysis.forensics.search import forensics, groups_of
from driftlab.data.cases import Case
from driftlab.isp.develop import mosaic_of
from driftlab.isp.pipeline import CAMERA, Pipeline, run
from driftlab.isp.stage import Domain, NoShader, Param, Sensor, Stage, Values, stacked
from driftlab.isp.stages import black_level, demosaic, tone
from driftlab.model.card import Task
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import CFA
from tests.analysis.models import linear, model_of, segmenter
from tests.isp.frames import frame_of, recorded, scene

WEIGHTS = (1e4, 1e3, 1e2)
#: A data model that is linear in gains and color matrix, where nothing is clipped.
LINEAR: Mapping[str, Any] = {
    "tone.curve": "power", "tone.gamma": 1.0, "tone.brightness": 0.0, "quantization.on": False,
    "white_balance.highlights": "keep",
}  # fmt: skip


def cases(count: int = 2, label: str | None = None, **changes: Any) -> list[Case]:
    """Small pictures that differ in their noise."""
    found = []
    for index in range(count):
        light = scene(24, 28, 0.25, 0.6)
        frame = frame_of(light, CFA.parse("rggb"), black=(500.0,) * 4, white=16383.0, bits=14, gains=(1.2, 1.0, 1.1))
        frame = replace(recorded(frame, 100.0 * (index + 1)), sha256=f"{index:064d}", name=f"frame {index}")
        found.append(Case(frame, CAMERA.settings(frame).changed({**LINEAR, **changes}), None, label))
    return found


def last(*question: Any, **options: Any) -> Forensics:
    """The end of a search."""
    *_, found = forensics(*question, **options)
    assert found is not None and found.complete
    return found


def leaning(picture: NDArray[Any], lead: float, seed: int = 5) -> TaskModel:
    """A linear model that says "yes" of this picture `[3, H, W]`, by so much."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(picture.shape, generator=generator, dtype=torch.float64)
    weights += torch.tensor([1.0, -0.5, 0.2], dtype=torch.float64).view(3, 1, 1)
    mean = torch.from_numpy(picture).double()
    weights -= mean * ((weights * mean).sum() - lead) / (mean * mean).sum()
    return linear(weights)


def by_name(found: Forensics, name: str) -> Any:
    return next(each for each in found.groups if each.name == name)


def test_the_nearest_break_of_a_linear_model_is_the_closed_form() -> None:
    (case,) = cases(1)
    picture = develop(case.frame, case.settings)
    assert picture.min() > 0.01 and picture.max() < 0.99
    model = leaning(picture, 3.0)
    found = by_name(last([case], model, groups=["color_matrix"], weights=WEIGHTS), "color_matrix")

    rgb = run(mosaic_of(case.frame), case.settings, Sensor.of(case.frame), CAMERA, until="demosaic")[0].double()
    weights = model(torch.from_numpy(picture)[None].double())  # the score is linear: its slopes by unit changes
    size = rgb[0].numel() * 3
    slopes, changes = [], []
    for row in range(3):
        for column in range(3):
            change = torch.zeros(3, *rgb.shape[1:], dtype=torch.float64)
            change[row] = rgb[column]
            changes.append(change.flatten())
            slopes.append(float(model(torch.from_numpy(picture)[None].double() + change[None])[0, 1] - weights[0, 1]))
    jacobian, slope = torch.stack(changes), torch.tensor(slopes, dtype=torch.float64)
    direction = torch.linalg.solve(jacobian @ jacobian.T / size, slope)
    nearest = 3.0 / float(slope @ direction) ** 0.5
    assert found.breaks.metric == 0.0
    assert found.breaks.distance == pytest.approx(nearest, rel=0.02)
    moved = torch.tensor([move.position - move.nominal for move in found.breaks.moves], dtype=torch.float64)
    length = lambda t: float(t @ (jacobian @ jacobian.T / size) @ t) ** 0.5  # noqa: E731
    cosine = float(-moved @ (jacobian @ jacobian.T / size) @ direction) / length(moved) / length(direction)
    assert cosine > 0.98


def test_one_parameter_is_bracketed_to_where_it_flips() -> None:
    (case,) = cases(1)
    picture = develop(case.frame, case.settings)
    model = leaning(picture, 2.0)
    found = last([case], model, ranges={"white_balance.r": (0.6, 1.8), "white_balance.b": (0.6, 1.8)}, weights=[1e3])
    for finding, channel in zip(found.parameters, (0, 2), strict=True):
        # Demosaicing mixes colors, each linearly: a gain's slope is that of any two values.
        other = case.settings.changed({finding.axis.key: finding.axis.nominal * 1.1})
        scores = [
            float(model(torch.from_numpy(develop(case.frame, each))[None].double())[0, 1])
            for each in (case.settings, other)
        ]
        crossing = finding.axis.nominal - scores[0] * 0.1 * finding.axis.nominal / (scores[1] - scores[0])
        flip = finding.first_flip
        if not 0.6 < crossing < 1.8:
            assert flip is None
            continue
        assert flip is not None and flip.flips[0].before == "yes" and flip.flips[0].after == "no"
        (move,) = flip.moves
        assert move.position == pytest.approx(crossing, rel=0.02)
        assert abs(move.position - move.nominal) >= abs(crossing - move.nominal) - 1e-6
        assert move.travel == pytest.approx((move.position - move.nominal) / 1.2)
        assert channel == "rgb".index(finding.axis.key[-1])
    assert any(finding.first_flip for finding in found.parameters)


def test_a_small_budget_brackets_every_parameter_before_it_searches_groups() -> None:
    pictures = cases(2)
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 3.0)
    keys = ("white_balance.r", "white_balance.g", "white_balance.b")
    whole = last(pictures, model, ranges=dict.fromkeys(keys), weights=WEIGHTS)
    small = last(pictures, model, ranges=dict.fromkeys(keys), weights=WEIGHTS, budget=2 * 45)
    assert small.spent and not whole.spent and small.evaluations <= 90
    for fine, coarse in zip(whole.parameters, small.parameters, strict=True):
        assert fine.flip_bracket is not None and fine.flip_bracket.closed and coarse.flip_bracket is not None
        # What is known of a few trials holds what is known of many.
        assert coarse.flip_bracket.lower <= fine.flip_bracket.upper <= coarse.flip_bracket.upper * (1 + 1 / 60)
        assert coarse.flip_bracket.upper - coarse.flip_bracket.lower < 0.25 * coarse.flip_bracket.upper


@pytest.mark.parametrize("distance", ["l2", "ssim", "de2000"])
def test_a_larger_weight_keeps_the_view_nearer(distance: str) -> None:
    pictures = cases(1)
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 20.0)
    found = last(pictures, model, groups=["all"], ranges={
        "white_balance.r": None, "white_balance.b": None, "tone.saturation": None,
    }, distance=distance, restarts=0, weights=(1e9, 1e3, 1.0))  # fmt: skip
    for group in found.groups:
        distances = [each.sight.distance for each in group.curve]
        losses = [each.sight.loss for each in group.curve]
        assert [each.weight for each in group.curve] == [1e9, 1e3, 1.0]
        assert all(near <= far for near, far in pairwise(distances))
        assert all(low <= high for low, high in pairwise(losses))
        assert distances[0] < 0.2 * distances[-1]
        reached = [metric for _, metric in group.reached]
        assert reached == sorted(reached, reverse=True) and group.reached[0] == (pytest.approx(0, abs=1e-4), 1.0)


def _tinting(scale: float) -> Pipeline:
    """A pipeline whose first of two color parameters counts in other units."""

    def forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
        factors = 1 + stacked(p.a / scale, torch.zeros_like(p.a), p.b)
        return image * factors[..., None, None]

    def wgsl(choices: Mapping[str, str], sensor: Sensor) -> NoShader:
        return NoShader("planted")

    tint = Stage(
        "tint", "Tint", "", Domain.CAMERA_RGB, Domain.LINEAR_RGB, forward, wgsl,
        tuple(
            Param(name, name, 0.0, -0.4 * k, 0.4 * k, (-0.8 * k, 0.8 * k), "") for name, k in (("a", scale), ("b", 1.0))
        ),
    )  # fmt: skip
    stages = (black_level.STAGE, replace(demosaic.STAGE, reads=Domain.MOSAIC), tint, tone.STAGE)
    return Pipeline(f"tinted by {scale:g}", "", stages)


def test_the_unit_of_a_parameter_changes_nothing() -> None:
    frame = cases(1)[0].frame
    found = []
    for scale in (1.0, 1e-4, 1e5):
        settings = (
            _tinting(scale).settings(frame).changed({"tone.curve": "power", "tone.gamma": 1.0, "tone.brightness": 0.0})
        )
        model = leaning(develop(frame, settings), 2.0)
        ranges = {"tint.a": None, "tint.b": None}
        found.append(last([Case(frame, settings)], model, groups=["tint"], ranges=ranges, weights=WEIGHTS))
    base, *others = ((each.groups[0], scale) for each, scale in zip(found, (1.0, 1e-4, 1e5), strict=True))
    for other, scale in others:
        assert other.breaks.distance == pytest.approx(base[0].breaks.distance, rel=1e-3)
        for one, same in zip(base[0].breaks.moves, other.breaks.moves, strict=True):
            assert same.travel == pytest.approx(one.travel, rel=0.02, abs=1e-4)
        assert other.breaks.moves[0].position == pytest.approx(base[0].breaks.moves[0].position * scale, rel=0.02)
        for one, same in zip(base[0].curve, other.curve, strict=True):
            assert same.sight.distance == pytest.approx(one.sight.distance, rel=0.05)


def test_whole_numbers_never_move_and_nothing_leaves_its_range() -> None:
    pictures = cases(2, **{"noise.intensity": 0.5, "noise.seed": 7, "denoise.method": "median"})
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 5.0)
    found = last(pictures, model, groups=["noise", "exposure"], weights=[1e-2], restarts=0)
    keys = {axis.key for axis in found.axes}
    assert "noise.intensity" in keys and not keys & {"noise.seed", "denoise.size"}
    for group in found.groups:
        assert {axis.key for axis in group.axes} <= keys
        for sight in (group.worst, *(each.sight for each in group.curve)):
            for axis, move in zip(group.axes, sight.moves, strict=True):
                assert axis.low <= move.position <= axis.high
                assert move.at_end == (move.travel != 0 and move.position in (axis.low, axis.high))


def test_all_breaks_as_near_as_any_group_and_a_group_as_any_of_its_parameters() -> None:
    pictures = cases(3)
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 5.0)
    found = last(pictures, model, groups=["white_balance", "color_matrix", "all"], weights=[1e3], break_at=0.7)
    assert [each.name for each in found.groups] == ["white_balance", "color_matrix", "all"]
    nearest = {rank.name: rank.distance for rank in found.ranked}
    for finding in found.parameters:
        group = finding.axis.key.partition(".")[0]
        if finding.breaks:
            assert nearest["all"] <= nearest.get(group, nearest["all"]) <= nearest[finding.axis.key]
            assert finding.breaks.metric <= found.floor
    order = [rank.distance for rank in found.ranked if rank.distance is not None]
    assert order == sorted(order) and order
    # A picture of the gallery is what the data model makes of the settings that it names.
    for view in found.gallery:
        case = pictures[view.case]
        settings = case.settings.changed({move.key: move.position for move in view.sight.moves})
        assert np.allclose(view.drifted, develop(case.frame, settings), atol=1e-5)
        assert np.allclose(view.nominal, develop(case.frame, case.settings), atol=1e-5)
        apart = float(((view.drifted - view.nominal) ** 2).mean() ** 0.5)
        assert view.flip.distance == pytest.approx(apart, rel=1e-3)
        assert view.flip.margin <= 0 < view.flip.margin_before
    assert found.gallery


def test_the_same_seed_gives_the_same_bits_and_one_may_stop_anywhere() -> None:
    pictures = cases(2)
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 5.0)
    options: dict[str, Any] = {"groups": ["white_balance", "all"], "weights": [1e2], "seed": 3,
                               "ranges": {"white_balance.r": None, "white_balance.b": None}}  # fmt: skip
    first, second = (last(pictures, model, **options) for _ in range(2))
    assert first.groups == second.groups and first.parameters == second.parameters
    assert first.evaluations == second.evaluations
    steps = forensics(pictures, model, **options)
    seen = [each for each, _ in zip(steps, range(30), strict=False)]
    steps.close()  # type: ignore[attr-defined]
    shares = [each.share for each in seen if each is not None]
    assert shares == sorted(shares) and not any(each.complete for each in seen if each)
    assert None in seen


def test_the_budget_is_kept() -> None:
    pictures = cases(2)
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 5.0)
    free = last(pictures, model, groups=["white_balance"], weights=WEIGHTS)
    assert not free.spent and free.groups[0].complete
    for budget in (4, 60, 200, 700):
        found = last(pictures, model, groups=["white_balance"], weights=WEIGHTS, budget=budget)
        assert found.evaluations <= budget
        assert found.spent == (not found.groups[0].complete)
    assert found.groups[0].breaks is not None


def test_a_black_box_is_broken_by_trial() -> None:
    pictures = cases(2)
    open_model = leaning(develop(pictures[0].frame, pictures[0].settings), 3.0)
    closed = model_of(lambda view: open_model(view).detach(), no_gradient="The planted model has no gradient.")
    options: dict[str, Any] = {"groups": ["white_balance"], "weights": WEIGHTS, "break_at": 0.5}
    near, far = (last(pictures, model, **options) for model in (open_model, closed))
    assert (near.method, far.method) == ("gradient", "random")
    assert near.groups[0].breaks is not None and far.groups[0].breaks is not None
    assert near.groups[0].breaks.distance <= far.groups[0].breaks.distance * 1.02 <= 2 * near.groups[0].breaks.distance


def test_a_segmentation_loses_its_iou() -> None:
    pictures = cases(2)
    found = last(pictures, segmenter(), groups=["white_balance"], weights=[1e2, 1.0], break_at=0.8)
    assert found.metric == 1.0 and found.floor == 0.8
    breaks = found.groups[0].breaks
    assert breaks is not None and breaks.metric <= 0.8 and breaks.distance > 0
    assert all(flip.before == flip.after == "" and flip.margin <= 0.8 for flip in breaks.flips)


def test_what_can_not_be_searched_is_refused_in_one_sentence() -> None:
    pictures = cases(1)
    model = leaning(develop(pictures[0].frame, pictures[0].settings), 3.0)

    def refused(match: str, pictures: list[Case] = pictures, model: TaskModel = model, **options: Any) -> None:
        with pytest.raises(AnalysisError, match=match):
            next(forensics(pictures, model, **options))

    refused("There is no group 'lens' under these settings: use exposure, optics", groups=["lens"])
    refused("use l2 or ssim or de2000", distance="mse")
    refused("at least 2", budget=1)
    refused("must be above 0", weights=[1.0, 0.0])
    refused("a fraction between 0 and 1", break_at=1.5)
    refused("There is no picture", pictures=[])
    wrong = [replace(case, label="no") for case in pictures]
    with pytest.raises(AnalysisError, match="wrong on every picture as it is"):
        list(forensics(wrong, model))
    refused("makes no decision", model=model_of(lambda view: view.mean((2, 3)), (), Task.EMBEDDING))


def test_groups_are_stages_all_or_single_keys() -> None:
    axes = axes_of([case.settings for case in cases(1)])
    groups = groups_of(axes)
    assert list(groups)[-1] == "all" and groups["all"] == tuple(range(len(axes)))
    assert [axes[number].key for number in groups["white_balance"]] == [f"white_balance.{c}" for c in "rgb"]
    assert list(groups_of(axes, ["tone", "optics.blur", "tone"])) == ["tone", "optics.blur"]


@pytest.mark.parametrize(
    ("pair", "first", "never"), [("eosinophil", "white_balance", "optics"), ("basophil", "optics", "exposure")]
)
def test_the_example_is_broken_by_its_cues(pair: str, first: str, never: str) -> None:
    """Of what light, lens and gains do, color breaks the colored class first, and blur the textured one."""
    with resource("demo/labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == pair][:3]
    pictures = []
    for row in rows:
        frame = load_raw(resource(f"demo/{row['file']}"))
        pictures.append(Case(frame, CAMERA.settings(frame), None, row["label"]))
    model = load_model(resource("demo/leukocyte_net.safetensors"))
    keys = ("exposure.ev", "optics.blur", "noise.intensity", "white_balance.r")
    found = last(pictures, model, ranges=dict.fromkeys(keys), weights=[1e3], restarts=0, budget=900,
                 groups=["exposure", "optics", "noise", "white_balance"])  # fmt: skip
    groups = [rank for rank in found.ranked if rank.kind == "group"]
    assert groups[0].name == first and groups[0].distance is not None
    nearest = {rank.name: rank.distance for rank in groups}
    assert nearest[never] is None or nearest[never] > 2 * groups[0].distance
