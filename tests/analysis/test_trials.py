"""Trials: batches, shared work and gradients give what single runs of the whole give."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, TypeVar

import pytest
import torch

from driftlab.analysis import pictures as pictures_module
from driftlab.analysis.axes import Axis, axes_of
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.pictures import Pictures
from driftlab.analysis.trials import Answers, Trials, trials_of
from driftlab.data.cases import Case
from driftlab.inference import predict
from driftlab.isp.develop import Region
from driftlab.isp.pipeline import PIPELINES
from driftlab.model.card import Task
from driftlab.model.task_model import TaskModel
from tests.analysis.models import model_of, segmenter, smooth
from tests.isp.frames import smooth_frame

T = TypeVar("T")

LEVELS: dict[str, Any] = {"black": (500.0, 510.0, 520.0, 530.0), "white": 16383.0, "bits": 14}
KEYS = ("exposure.ev", "optics.blur", "white_balance.r", "color_matrix.rg", "denoise.sigma", "tone.gamma")


def finished(steps: Generator[None, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def cases(count: int = 3, pipeline: str = "camera", **changes: Any) -> list[Case]:
    """Pictures of one size that differ in content and in their gains as shot, and one of another size."""
    found = []
    for index in range(count):
        frame = smooth_frame("rggb", 48 + 8 * (index == 2), 56, noise=40.0 * (index + 1), **LEVELS)
        frame = replace(frame, gains=(1.7 + 0.1 * index, 1.0, 1.5), sha256=f"{index:064d}", name=f"frame {index}")
        settings = PIPELINES[pipeline].settings(frame)
        if pipeline == "camera":
            settings = settings.changed(
                {"denoise.method": "gaussian", "quantization.on": False, "tone.curve": "power", **changes}
            )
        found.append(Case(frame, settings, Region(3, 5, 40, 32) if index != 1 else None))
    return found


def started(model: TaskModel, pictures: list[Case], keys: tuple[str, ...] = KEYS) -> tuple[Trials, Answers]:
    axes = axes_of([case.settings for case in pictures], dict.fromkeys(keys))
    return finished(trials_of(pictures, model, axes))  # type: ignore[no-any-return]


def somewhere(axes: tuple[Axis, ...], count: int) -> list[list[float]]:
    shares = torch.rand(count, len(axes), generator=torch.Generator().manual_seed(1))
    return [[axis.at_share(share) for axis, share in zip(axes, row, strict=True)] for row in shares.tolist()]


def by_key(pictures: list[Case], *keys: str) -> list[Axis]:
    found = {axis.key: axis for axis in axes_of([case.settings for case in pictures], dict.fromkeys(keys))}
    return [found[key] for key in keys]


def alone(trials: Trials, index: int, positions: list[float]) -> tuple[float, int]:
    """Margin and class of one picture, the whole run anew."""
    case = trials.cases[index]
    answer = predict(case.frame, trials.settings_at(index, positions), trials.model, region=case.region)
    logits = answer.logits.double()
    others = [value for k, value in enumerate(logits.tolist()) if k != trials.truths[index]]
    return float(logits[trials.truths[index]]) - max(others), int(logits.argmax())


@pytest.mark.parametrize("pipeline", ["camera", "paper"])
@pytest.mark.parametrize("keys", [KEYS, ("white_balance.r",), ("denoise.sigma",), ("tone.gamma",), ("optics.blur",)])
def test_a_batch_answers_as_each_picture_does_by_itself(pipeline: str, keys: tuple[str, ...]) -> None:
    trials, nominal = started(smooth(), cases(pipeline=pipeline), keys)
    which = [2, 0, 1, 0, 0, 2, 1]
    places = [*somewhere(trials.axes, 5), trials.nominal, trials.nominal]
    answers = finished(trials.ask(which, places))
    for row, (index, place) in enumerate(zip(which, places, strict=True)):
        margin, top = alone(trials, index, place)
        assert float(answers.scores[row]) == pytest.approx(margin, abs=1e-5)
        assert int(answers.top[row]) == top
    assert answers.scores[5:].tolist() == pytest.approx([float(nominal.scores[2]), float(nominal.scores[1])], abs=1e-6)
    assert trials.evaluations == len(which) + 3


def test_slopes_are_those_of_differences() -> None:
    trials, _ = started(smooth(), cases())
    which, places = [0, 1, 2], somewhere(trials.axes, 3)
    answers, slopes = finished(trials.slopes(which, places))
    assert answers.scores.tolist() == pytest.approx(finished(trials.ask(which, places)).scores.tolist(), abs=1e-5)
    for row, index in enumerate(which):
        for number, axis in enumerate(trials.axes):
            step = 2e-3 * (axis.high - axis.low)
            ends = []
            for sign in (-1, 1):
                place = list(places[row])
                place[number] += sign * step
                ends.append(alone(trials, index, place)[0])
            expected = (ends[1] - ends[0]) / (2 * step)
            assert float(slopes[row, number]) == pytest.approx(expected, rel=0.05, abs=0.02), axis.key


def test_a_slope_by_what_does_nothing_yet_is_zero() -> None:
    trials, _ = started(smooth(), cases(2), ("optics.blur",))
    _, slopes = finished(trials.slopes([0, 1], [trials.nominal] * 2))
    assert slopes.tolist() == [[0.0], [0.0]]


def test_a_large_picture_has_the_same_scores_and_slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    trials, _ = started(smooth(), cases())
    which, places = [0, 1], somewhere(trials.axes, 2)
    answers, slopes = finished(trials.slopes(which, places))
    monkeypatch.setattr(pictures_module, "LARGE", 100)
    again, others = finished(trials.along(trials.axes).slopes(which, places))
    assert again.scores.tolist() == pytest.approx(answers.scores.tolist(), abs=1e-5)
    assert torch.allclose(others, slopes, rtol=1e-3, atol=1e-3)


def test_pictures_that_do_not_fit_into_memory_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    which, runs = [0, 1, 2, 1, 0, 2], []
    trials, _ = started(smooth(), cases(), ("tone.gamma",))
    places = somewhere(trials.axes, 6)
    expected = finished(trials.ask(which, places))
    monkeypatch.setattr(pictures_module, "KEPT", 1)
    small = trials.along(trials.axes)
    make = Pictures._make
    monkeypatch.setattr(Pictures, "_make", lambda self, index: runs.append(index) or make(self, index))
    for _ in range(2):
        answers = finished(small.ask(which, places))
        assert answers.scores.tolist() == expected.scores.tolist()
        assert len(small._pictures._made) == 1
    assert len(runs) > 3


def test_a_segmentation_is_scored_by_its_mean_iou() -> None:
    pictures = cases(2)
    trials, nominal = started(segmenter(), pictures, ("white_balance.r",))
    assert nominal.scores.tolist() == [1.0, 1.0]
    (answer,) = (finished(trials.ask([1], [[2.5]])),)
    case = pictures[1]
    truth = predict(case.frame, case.settings, trials.model).mask
    ious = predict(case.frame, trials.settings_at(1, [2.5]), trials.model).iou(truth)
    assert float(answer.scores[0]) == pytest.approx(float(ious[truth.unique()].mean()))
    assert 0.0 < float(answer.scores[0]) < 1.0
    _, slopes = finished(trials.slopes([1], [[2.5]]))
    assert float(slopes[0, 0]) != 0.0


def test_positions_are_factors_where_gains_differ_and_values_where_they_do_not() -> None:
    pictures = cases()
    red, green, ev = by_key(pictures, "white_balance.r", "white_balance.g", "exposure.ev")
    assert (red.kind, red.unit, red.nominal) == ("factor", "× nominal", 1.0)
    assert (green.kind, green.nominal) == ("value", 1.0)
    assert (ev.kind, ev.unit, ev.nominal) == ("value", "EV", 0.0)
    trials, _ = started(smooth(), pictures, ("white_balance.r",))
    assert trials.settings_at(1, [1.1])["white_balance.r"] == pytest.approx(1.8 * 1.1)
    # As far as the sliders of all pictures go.
    assert (red.low, red.high) == pytest.approx((0.25 / 1.7, 4 / 1.9))


def test_what_can_not_be_searched_is_refused_in_one_sentence() -> None:
    pictures = cases(2)
    nominals = [case.settings for case in pictures]
    with pytest.raises(AnalysisError, match=r"exposure\.ev is nominally 0 EV, outside 1:2"):
        axes_of(nominals, {"exposure.ev": (1.0, 2.0)})
    with pytest.raises(AnalysisError, match="has no effect under these settings"):
        axes_of(nominals, {"denoise.range": None})
    with pytest.raises(AnalysisError, match="give a range within"):
        axes_of(nominals, {"exposure.ev": (-99.0, 2.0)})
    one = model_of(lambda picture: picture.mean((1, 2, 3))[:, None], ("only",))
    with pytest.raises(AnalysisError, match="one class only"):
        started(one, pictures)
    with pytest.raises(AnalysisError, match="makes no decision"):
        started(model_of(lambda p: p.mean((2, 3)), (), Task.EMBEDDING), pictures)
    with pytest.raises(AnalysisError, match="labeled 'zebra'"):
        started(smooth(), [replace(pictures[0], label="zebra")])


def test_what_the_model_was_shown_hangs_on_the_positions() -> None:
    trials, _ = started(smooth(), cases(2))
    which, places = [0, 1], somewhere(trials.axes, 2)
    expected = [trials.pictures(index, [place])[0] for index, place in zip(which, places, strict=True)]
    for slopes in (False, True):
        for batch in trials.shown(which, places, slopes=slopes):
            for row, picture, loss, score in zip(batch.rows, batch.pictures, batch.losses, batch.scores, strict=True):
                assert torch.allclose(picture, expected[row], atol=1e-6)
                logits = trials.model(picture.detach()[None]).double()
                assert loss.item() == pytest.approx(-float(logits.log_softmax(1)[0, trials.truths[row]]), abs=1e-6)
                assert score == pytest.approx(alone(trials, row, places[row])[0], abs=1e-5)
    # Of any number made of the pictures, such as their mean, also for a picture that is developed by itself.
    for limit in (pictures_module.LARGE, 100):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pictures_module, "LARGE", limit)
            again = trials.along(trials.axes)
            batches = {batch.rows[0]: batch for batch in again.shown(which, places, slopes=True)}
            for row, batch in batches.items():
                found = batch.pull(batch.pictures.mean((1, 2, 3)))[0]
                for number, axis in enumerate(trials.axes):
                    step = 1e-3 * (axis.high - axis.low)
                    ends = []
                    for sign in (-1, 1):
                        place = list(places[row])
                        place[number] += sign * step
                        ends.append(float(trials.pictures(row, [place]).double().mean()))
                    expected_slope = (ends[1] - ends[0]) / (2 * step)
                    assert float(found[number]) == pytest.approx(expected_slope, rel=0.05, abs=2e-3), axis.key
