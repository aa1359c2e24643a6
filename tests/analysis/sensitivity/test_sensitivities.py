"""Sensitivities and heatmaps, held by sums, by differences, and by models whose answers are known."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from driftlab import load_model, load_raw, resource
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.sensitivity.differences import scale_of
from driftlab.analysis.sensitivity.sensitivities import (
    Heatmap,
    Item,
    Progress,
    Sensitivity,
    StageHeatmaps,
    Table,
    sensitivities,
)
from driftlab.analysis.sensitivity.summary import summarized
from driftlab.inference import predict
from driftlab.isp import linearized
from driftlab.isp.develop import Region, develop
from driftlab.isp.linearized import actives
from driftlab.isp.pipeline import CAMERA, PAPER, PIPELINES
from driftlab.isp.settings import Settings
from driftlab.isp.stage import IspError
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawFrame
from tests.analysis.models import linear, model_of, segmenter, smooth
from tests.isp.frames import smooth_frame
from tests.model.test_real_models import load

LEVELS: dict[str, Any] = {"black": (500.0, 510.0, 520.0, 530.0), "white": 16383.0, "gains": (1.9, 1.0, 1.5), "bits": 14}
#: No rounding, and no parameter at a value where its stage gives a kink a useful derivative.
SMOOTH: dict[str, Any] = {
    "quantization.on": False,
    "noise.intensity": 0.7,
    "noise.read_noise": 4.0,
    "optics.blur": 0.9,
    "optics.vignetting": 0.4,
    "exposure.ev": -0.3,
    "tone.contrast": 1.1,
    "white_balance.highlights": "keep",
}
PAPER_KERNELS = {f"{stage}.method": "kernel" for stage in ("demosaic", "sharpen", "denoise")}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "camera": ("camera", {}),
    "smooth": ("camera", SMOOTH),
    "luma": ("camera", {"denoise.method": "gaussian", "sharpen.method": "unsharp", "denoise.sigma": 0.8}),
    "bilateral": ("camera", {"denoise.method": "bilateral", "demosaic.method": "menon2007"}),
    "rows": ("camera", {"denoise.method": "fft", "demosaic.method": "bilinear"}),
    "jpeg": ("camera", {"jpeg.mode": "on"}),
    "superpixel": ("camera", {"demosaic.method": "superpixel", "optics.blur": 1.2}),
    "off": ("camera", {"tone.on": False, "white_balance.on": False, "denoise.method": "median"}),
    "paper": ("paper", {"white_balance.r": 1.3, "white_balance.b": 1.2}),
    "kernels": ("paper", PAPER_KERNELS),
}


def asked(case: str, name: str = "grbg", height: int = 70, width: int = 84) -> tuple[RawFrame, Settings]:
    frame = smooth_frame(name, height, width, noise=60.0, **LEVELS)
    pipeline, changes = CASES[case]
    return frame, PIPELINES[pipeline].settings(frame).changed(changes)


def answered(*question: Any, **options: Any) -> tuple[Table, dict[str, Heatmap], StageHeatmaps | None]:
    items = list(sensitivities(*question, **options))
    table = [item for item in items if isinstance(item, Table)][-1]
    stages = [item for item in items if isinstance(item, StageHeatmaps)]
    return table, {item.key: item for item in items if isinstance(item, Heatmap)}, stages[0] if stages else None


def rows_of(table: Table) -> dict[str, Sensitivity]:
    return {row.key: row for row in table.rows}


@pytest.mark.parametrize("case", CASES)
def test_a_heatmap_sums_to_the_sensitivity(case: str) -> None:
    frame, settings = asked(case)
    table, heatmaps, _ = answered(frame, settings, smooth(), dtype=torch.float64)
    region = table.question.region
    by_key = {each.key: each for each in actives(settings)}
    assert [row.key for row in table.rows] == list(by_key)
    assert set(heatmaps) == {key for key, each in by_key.items() if each.kind != "none"}
    for row in table.rows:
        assert row.normalized == pytest.approx(row.gradient * scale_of(by_key[row.key].param, row.value))
        if row.key in heatmaps:
            heatmap = heatmaps[row.key]
            assert heatmap.values.shape == (region.height, region.width)
            assert heatmap.total == pytest.approx(row.gradient, rel=1e-9, abs=1e-12)
            assert float(heatmap.values.sum()) == pytest.approx(heatmap.total, rel=1e-9, abs=1e-12)
    assert sum(abs(row.gradient) > 1e-9 for row in table.rows) > len(table.rows) // 2


@pytest.mark.parametrize("name", ["rggb", "xtrans", "mono", "linear"])
def test_gradients_are_those_of_differences(name: str) -> None:
    frame, settings = asked("smooth", name)
    table, _, _ = answered(frame, settings, smooth(), region=Region(7, 5, 50, 40), check=True, dtype=torch.float64)
    assert table.share == 1.0
    for row in table.rows:
        assert row.finite_difference is not None and row.finite_difference_error is not None
        # Blur cuts its gaussian off and contrast is cut at black: both have kinks of their own.
        assert row.finite_difference_error < 2e-3, row


def test_gradients_of_the_bundled_model() -> None:
    model = load_model(resource("demo/leukocyte_net.safetensors"))
    # Of the first one a difference falls into a kink of the network where a gradient is nearly none: 0.25 for 0.29.
    frame = load_raw(resource("demo/eosinophil-02.dng"))
    settings = CAMERA.settings(frame)
    table, heatmaps, _ = answered(frame, settings, model, check=True)
    answer = predict(frame, settings, model)
    assert table.value == pytest.approx(answer.margin, abs=1e-5)  # type: ignore[union-attr]
    assert table.question.target.classes[0] == "eosinophil"
    after = [row for row in table.rows if row.key.partition(".")[0] in ("white_balance", "color_matrix", "tone")]
    assert len(after) == 15
    for row in after:
        assert row.finite_difference_error is not None and row.finite_difference_error < 0.06, row
        assert heatmaps[row.key].total == pytest.approx(row.gradient, rel=1e-4)
    # The heatmap lies where the cell is, not in the empty corners.
    values = heatmaps[table.ranked()[0].key].values.abs()
    assert float(values[40:88, 40:88].mean()) > 3 * float(values[:16, :16].mean())


def test_a_linear_model_has_a_closed_form() -> None:
    """Mono, nothing but black level, gain and a linear tone: I = g (x − b) / (w − b), z = Σ a I."""
    frame = smooth_frame("mono", 20, 24, black=(100.0,) * 4, white=1100.0)
    changes = {"tone.on": False, "white_balance.g": 0.7, "white_balance.highlights": "keep", "color_matrix.rg": 0.0}
    settings = CAMERA.settings(frame).changed(changes)
    a = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    table, heatmaps, _ = answered(frame, settings, linear(a), dtype=torch.float64)
    x = torch.tensor(frame.mosaic.tolist(), dtype=torch.float64)
    light = (x - 100) / 1000
    rows = rows_of(table)
    assert table.value == -table.value or table.value == pytest.approx(float((a * 0.7 * light).sum()))
    by_gain = (a * light).sum(0)
    torch.testing.assert_close(heatmaps["white_balance.g"].values, by_gain, rtol=1e-6, atol=1e-9)
    assert rows["white_balance.g"].gradient == pytest.approx(float(by_gain.sum()), rel=1e-6)
    assert rows["white_balance.g"].normalized == pytest.approx(float(by_gain.sum()) * 3.75, rel=1e-6)
    by_black = (a * 0.7 * (x - 1100) / 1000**2).sum(0)
    torch.testing.assert_close(heatmaps["black_level.g1"].values, by_black, rtol=1e-6, atol=1e-9)
    assert rows["black_level.r"].gradient == 0.0
    torch.testing.assert_close(heatmaps["color_matrix.rb"].values, a[0] * 0.7 * light[0], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(
        heatmaps["exposure.ev"].values, math.log(2) * (a * 0.7 * light).sum(0), rtol=1e-6, atol=1e-9
    )
    log = rows["noise.full_well"]
    assert log.scale == pytest.approx(log.value * math.log(200))


def test_targets() -> None:
    frame, settings = asked("smooth")
    model = smooth()
    margin, _, _ = answered(frame, settings, model, heatmaps=())
    top, second = margin.question.target.classes
    assert margin.question.target.name == "margin" and str(margin.question.target) == f"margin of {top} over {second}"
    of = {name: answered(frame, settings, model, target=name, heatmaps=())[0] for name in (top, second)}
    assert of[top].question.target.name == top and of[top].value == pytest.approx(float(margin.logits.max()))
    assert margin.value == pytest.approx(of[top].value - of[second].value)
    for one, first, other in zip(margin.rows, of[top].rows, of[second].rows, strict=True):
        assert one.gradient == pytest.approx(first.gradient - other.gradient, rel=1e-3, abs=1e-6)
    number = str("abcd".index(second))
    assert answered(frame, settings, model, target=number, heatmaps=())[0].value == of[second].value
    for name in ("4", "-1", "abcde", ""):
        with pytest.raises(AnalysisError, match=f"no output '{name}'"):
            next(sensitivities(frame, settings, model, target=name))
    with pytest.raises(AnalysisError, match="A mask is for segmentation"):
        next(sensitivities(frame, settings, model, mask=torch.zeros(70, 84)))


def test_other_tasks_need_a_named_output() -> None:
    from driftlab.model.card import Task

    frame, settings = asked("camera")
    two = model_of(lambda x: x.mean((2, 3))[:, :2], (), Task.REGRESSION)
    with pytest.raises(AnalysisError, match="regression has no margin: name one of its 2 outputs"):
        next(sensitivities(frame, settings, two))
    named, _, _ = answered(frame, settings, two, target="1", heatmaps=())
    one, _, _ = answered(frame, settings, model_of(lambda x: x.mean((2, 3))[:, 1:2], (), Task.REGRESSION), heatmaps=())
    assert named.value == pytest.approx(one.value) and one.question.target.classes == ("0",)


def test_soft_dice_of_a_segmentation() -> None:
    frame, settings = asked("smooth")
    model = segmenter()
    nominal = predict(frame, settings, model).mask  # type: ignore[union-attr]
    table, heatmaps, _ = answered(frame, settings, model, check=True, dtype=torch.float64)
    assert table.question.target.name == "soft Dice" and 0.5 < table.value < 1
    given, _, _ = answered(frame, settings, model, mask=nominal, heatmaps=(), dtype=torch.float64)
    assert given.value == pytest.approx(table.value, abs=1e-3)
    for row in table.rows:
        assert row.finite_difference_error is not None and row.finite_difference_error < 2e-3, row
        assert row.key not in heatmaps or heatmaps[row.key].total == pytest.approx(row.gradient, rel=1e-9, abs=1e-12)
    sea, _, _ = answered(frame, settings, model, target="sea", heatmaps=())
    assert sea.question.target.classes == ("sea",)
    no_sea = torch.where(nominal == 1, 255, nominal)  # unlabeled: left out
    classes = answered(frame, settings, model, mask=no_sea, heatmaps=())[0].question.target.classes
    assert set(classes) == set(table.question.target.classes) - {"sea"} != set()
    with pytest.raises(AnalysisError, match="holds no 'sea'"):
        next(sensitivities(frame, settings, model, mask=no_sea, target="sea"))
    with pytest.raises(AnalysisError, match="give one of its size"):
        next(sensitivities(frame, settings, model, mask=nominal[1:]))


def test_a_black_box_by_differences() -> None:
    frame, settings = asked("smooth")
    open_ = linear(torch.rand(3, 70, 84, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    closed = replace(open_, network=replace(open_.network, no_gradient="It is closed."))
    truth, _, _ = answered(frame, settings, open_, heatmaps=(), dtype=torch.float64)
    items = list(sensitivities(frame, settings, closed, check=True, stage_heatmaps=True, dtype=torch.float64))
    assert {type(item) for item in items} == {Table}
    table = items[-1]
    assert isinstance(table, Table) and table.no_heatmaps == "It is closed." and truth.no_heatmaps is None
    shares = [item.share for item in items if isinstance(item, Table)]
    assert shares == sorted(shares) and shares[0] < 0.1 and shares[-1] == 1.0 and len(shares) > len(table.rows)
    assert all(row.step is not None and row.step > 0 for row in table.rows)
    table_of, exact_of = rows_of(table), rows_of(truth)
    for key in ("exposure.ev", "white_balance.r", "black_level.b", "color_matrix.gg", "tone.contrast"):
        assert table_of[key].gradient == pytest.approx(exact_of[key].gradient, rel=0.03), key


def test_a_model_that_is_cut_off_is_a_black_box() -> None:
    frame, settings = asked("camera")
    model = smooth()
    cut = replace(model, network=replace(model.network, call=lambda x: model.network.call(x).detach()))
    table, heatmaps, _ = answered(frame, settings, cut)
    assert "no gradient passes" in str(table.no_heatmaps) and not heatmaps
    assert any(abs(row.gradient) > 1e-3 for row in table.rows)


def test_whole_numbers_by_differences() -> None:
    frame, settings = asked("off")
    table, heatmaps, _ = answered(frame, settings, smooth(), dtype=torch.float64)
    size = rows_of(table)["denoise.size"]
    assert size.gradient_kind == "none" and size.step == 1.0 and size.gradient != 0 and "denoise.size" not in heatmaps
    values = []
    for side in (2, 4):
        picture = torch.from_numpy(develop(frame, settings.changed({"denoise.size": side})))[None]
        logits = smooth()(picture.double())[0]
        labels = ["abcd".index(name) for name in table.question.target.classes]
        values.append(float(logits[labels[0]] - logits[labels[1]]))
    assert size.gradient == pytest.approx((values[1] - values[0]) / 2, rel=1e-3)


@pytest.mark.parametrize("case", ["camera", "smooth", "luma", "superpixel", "jpeg"])
def test_a_region_in_pieces_is_as_in_one(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, settings = asked(case, height=150, width=190)
    region = Region(13, 6, 57, 63)
    options: dict[str, Any] = {"region": region, "stage_heatmaps": True, "dtype": torch.float64}
    one, heatmaps, stages = answered(frame, settings, smooth(), **options)
    monkeypatch.setattr(linearized, "SIDE", 32)
    items = list(sensitivities(frame, settings, smooth(), **options))
    assert any(isinstance(item, Progress) for item in items)
    for item in items:
        if isinstance(item, Table):
            for row, other in zip(item.rows, one.rows, strict=False):
                assert row.gradient == pytest.approx(other.gradient, rel=1e-8, abs=1e-10)
        elif isinstance(item, Heatmap):
            torch.testing.assert_close(item.values, heatmaps[item.key].values, rtol=1e-8, atol=1e-12)
        elif isinstance(item, StageHeatmaps):
            assert stages is not None
            for name, values in item.maps.items():
                torch.testing.assert_close(values, stages.maps[name], rtol=1e-8, atol=1e-12)


def test_stage_heatmaps() -> None:
    frame, settings = asked("luma")
    model = smooth()
    table, _, stages = answered(frame, settings, model, stage_heatmaps=True, heatmaps=(), dtype=torch.float64)
    assert stages is not None and list(stages.maps) == [stage.name for stage in CAMERA.stages]
    assert stages.limit == max(float(values.max()) for values in stages.maps.values()) > 0
    picture = torch.from_numpy(develop(frame, settings))[None].double().requires_grad_()
    first, second = ("abcd".index(name) for name in table.question.target.classes)
    logits = model(picture)[0]
    (by_picture,) = torch.autograd.grad(logits[first] - logits[second], picture)
    torch.testing.assert_close(stages.maps["jpeg"], by_picture[0].abs().sum(0), rtol=1e-4, atol=1e-6)
    assert torch.equal(stages.maps["tone"], stages.maps["jpeg"])  # which is off
    # One sample more, in spans from black to white, moves the target by what the first stage's heatmap says.
    at, step = (31, 40), 1e-3
    ends = []
    for sign in (-1, 1):
        mosaic = frame.mosaic.copy()
        mosaic[0, *at] += sign * step * 15870
        moved = replace(frame, mosaic=mosaic)
        off = settings.changed({"quantization.on": False})
        logits = model(torch.from_numpy(develop(moved, off))[None].double())[0]
        ends.append(float(logits[first] - logits[second]))
    assert abs(ends[1] - ends[0]) / (2 * step) == pytest.approx(float(stages.maps["exposure"][at]), rel=0.02)


def test_order_choice_and_cancel() -> None:
    frame, settings = asked("camera")
    calls = itertools.count()
    model = smooth()
    counted = replace(model, network=replace(model.network, call=lambda x: (next(calls), model.network.call(x))[1]))
    steps = sensitivities(frame, settings, counted, check=True)
    table = next(item for item in steps if isinstance(item, Table) and len(item.rows) == 26)
    assert table.share == 0.5
    first = next(steps)
    assert isinstance(first, Heatmap) and first.key == table.ranked()[0].key
    assert next(calls) == 1  # one forward pass, and none for the checks that nobody asked for yet
    steps.close()
    assert next(calls) == 2
    again: list[Item] = list(sensitivities(frame, settings, model, heatmaps=("tone.contrast", "exposure.ev")))
    assert [item.key for item in again if isinstance(item, Heatmap)] == ["tone.contrast", "exposure.ev"]
    for item in again:
        asked_for = item.question
        assert (asked_for.frame_sha256, asked_for.settings) == (frame.sha256, settings)
        assert asked_for.region == Region(0, 0, 84, 70) and asked_for.model_sha256 == model.sha256
    with pytest.raises(AnalysisError, match=r"'tone\.gamma' has no effect"):
        list(sensitivities(frame, settings, model, heatmaps=("tone.gamma",)))
    with pytest.raises(IspError, match="does not lie in the picture"):
        next(sensitivities(frame, settings, model, region=Region(50, 50, 84, 70)))


def test_what_the_model_is_asked_is_the_exact_picture() -> None:
    frame, settings = asked("luma")
    region = Region(10, 12, 48, 40)
    model = smooth(dtype=torch.float32)
    table, _, _ = answered(frame, settings, model, region=region, heatmaps=())
    answer = predict(frame, settings, model, region=region)
    assert table.value == answer.margin  # type: ignore[union-attr]
    assert torch.equal(table.logits, answer.logits)  # type: ignore[union-attr]


def test_a_real_model_on_a_real_frame(data: Path) -> None:
    frame = load_raw(data / "raw" / "digicam_S40_CRW_0117.CRW")
    settings, region = CAMERA.settings(frame), Region(600, 500, 256, 256)
    table, heatmaps, _ = answered(frame, settings, load(data, "mobilenet_v2_224.pt2"), region=region, check=True)
    largest = abs(table.ranked()[0].normalized)
    for row in table.rows:
        if row.key.partition(".")[0] in ("black_level", "white_balance", "color_matrix", "tone"):
            assert row.finite_difference is not None
            assert abs(row.finite_difference - row.gradient) * row.scale < 0.05 * largest, row
        if row.key in heatmaps:
            assert abs(heatmaps[row.key].total - row.gradient) * row.scale < 1e-5 * largest
    closed, none, _ = answered(frame, settings, load(data, "squeezenet_fp16.onnx"), region=region)
    assert "ONNX" in str(closed.no_heatmaps) and not none
    assert all(row.step for row in closed.rows) and closed.ranked()[0].normalized


def test_a_data_set_is_summed_up() -> None:
    model = smooth()
    tables = []
    for noise in (0.0, 200.0, 800.0):
        frame = smooth_frame("rggb", 40, 44, noise=noise, **LEVELS)
        tables.append(answered(frame, CAMERA.settings(frame), model, heatmaps=())[0])
    summaries = summarized(tables)
    assert {each.key for each in summaries} == {row.key for row in tables[0].rows}
    sizes = [each.magnitude for each in summaries]
    assert sizes == sorted(sizes, reverse=True)
    for each in summaries:
        numbers = [rows_of(table)[each.key].normalized for table in tables]
        assert each.count == 3 and each.mean == pytest.approx(statistics.mean(numbers))
        assert each.spread == pytest.approx(statistics.stdev(numbers))
        assert each.magnitude == pytest.approx(statistics.mean(map(abs, numbers)))
        assert each.magnitude <= each.p95 + 1e-12 and each.p95 <= max(map(abs, numbers)) + 1e-12
        assert set(each.by_class) == {table.question.target.classes[0] for table in tables}
    assert summarized([]) == ()


@pytest.mark.parametrize("name", ["mono", "linear", "rggb"])
def test_parameters_without_effect_have_no_sensitivity(name: str) -> None:
    frame, settings = asked("smooth", name)
    changes = {"denoise.method": "gaussian", "denoise.sigma": 0.0, "demosaic.method": "kernel", "optics.blur": 0.0}
    table, heatmaps, _ = answered(frame, settings.changed(changes), smooth())
    still = [row for row in table.rows if row.gradient == 0]
    expected = {"denoise.sigma", "optics.blur"} | {row.key for row in table.rows if row.key.startswith("demosaic")}
    assert {row.key for row in still} >= (expected if name != "rggb" else {"denoise.sigma", "optics.blur"})
    assert all(not bool(heatmaps[row.key].values.any()) for row in still if row.key in heatmaps)


def test_kernel_weights_count_only_when_active() -> None:
    _, settings = asked("paper")
    assert not any(each.param.advanced for each in actives(settings))
    kernels = settings.changed(PAPER_KERNELS)
    assert settings.pipeline is PAPER and sum(each.param.advanced for each in actives(kernels)) == 18 + 9 + 25


def test_where_a_gradient_is_not_finite_differences_take_its_place() -> None:
    frame, settings = asked("camera")

    def call(x: torch.Tensor) -> torch.Tensor:
        score = (x.flatten(1).sum(1) * 0).sqrt() + x.mean((1, 2, 3))
        return torch.stack([torch.zeros_like(score), score], 1)

    model: TaskModel = model_of(call)
    *_, table = (item for item in sensitivities(frame, settings, model, heatmaps=()) if isinstance(item, Table))
    box = model_of(lambda x: torch.stack([x[:, 0, 0, 0] * 0, x.mean((1, 2, 3))], 1), no_gradient="It is a black box.")
    *_, asked_twice = (item for item in sensitivities(frame, settings, box, heatmaps=()) if isinstance(item, Table))
    assert table.no_heatmaps and "is not finite for this picture" in table.no_heatmaps
    assert [row.gradient for row in table.rows] == pytest.approx([row.gradient for row in asked_twice.rows], abs=1e-9)
    assert any(row.gradient for row in table.rows)
