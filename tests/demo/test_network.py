"""The bundled network: as good as it says on fresh frames, worse under each drift, and made again by its seed."""

import json
from collections.abc import Iterator

import pytest
import torch

from driftlab import resource
from driftlab.demo.camera import series
from driftlab.demo.scene import CLASSES
from driftlab.demo.sweep import DRIFTS, Drift, accuracies, answers, develop
from driftlab.demo.train import CARD, Recipe, Trained, build, train
from driftlab.isp.pipeline import CAMERA, run
from driftlab.isp.stage import Sensor
from driftlab.model.leukocyte_net import LeukocyteNet, folded
from driftlab.model.load import load_model
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawFrame

BY_KEY = {drift.key: drift for drift in DRIFTS}
TINY = Recipe(frames=40, epochs=2, batch=8, hold_out=10)


@pytest.fixture(scope="module")
def model() -> TaskModel:
    return load_model(resource("demo/leukocyte_net.safetensors"))


@pytest.fixture(scope="module")
def fresh() -> tuple[tuple[RawFrame, ...], torch.Tensor]:
    frames, labels = zip(*series(100, 77), strict=True)
    return frames, torch.tensor(labels)


def right(model: TaskModel, fresh: tuple[tuple[RawFrame, ...], torch.Tensor], key: str, value: float) -> torch.Tensor:
    frames, labels = fresh
    return answers(model, frames, BY_KEY[key], value).argmax(1) == labels


def test_fresh_frames_as_shot(model: TaskModel, fresh: tuple[tuple[RawFrame, ...], torch.Tensor]) -> None:
    frames, labels = fresh
    assert (answers(model, frames).argmax(1) == labels).double().mean() >= 0.95


@pytest.mark.parametrize(
    ("key", "near", "far"),
    [
        ("white_balance.r", 0.95, 0.7),
        ("white_balance.r", 1.05, 1.3),
        ("optics.blur", 0.7, 1.5),
        ("noise.intensity", 0.85, 0.1),
    ],
)
def test_drift_is_borne_near_and_breaks_far(
    model: TaskModel, fresh: tuple[tuple[RawFrame, ...], torch.Tensor], key: str, near: float, far: float
) -> None:
    assert right(model, fresh, key, near).double().mean() >= 0.9
    assert right(model, fresh, key, far).double().mean() <= 0.82


def test_red_gain_confuses_the_colored_pair_and_blur_the_textured(
    model: TaskModel, fresh: tuple[tuple[RawFrame, ...], torch.Tensor]
) -> None:
    frames, labels = fresh
    of = {name: labels == index for index, name in enumerate(CLASSES)}

    def said(key: str, value: float, label: str, answer: str) -> float:
        found = answers(model, frames, BY_KEY[key], value).argmax(1)
        return float((found[of[label]] == CLASSES.index(answer)).double().mean())

    assert said("white_balance.r", 0.8, "eosinophil", "neutrophil") >= 0.6
    assert said("white_balance.r", 1.2, "neutrophil", "eosinophil") >= 0.6
    assert said("optics.blur", 1.5, "basophil", "lymphocyte") >= 0.9
    assert right(model, fresh, "optics.blur", 1.25)[~of["basophil"]].double().mean() >= 0.9


def test_what_ships_is_what_is_measured(model: TaskModel) -> None:
    metrics = json.loads(resource("demo/metrics.json").read_text(encoding="utf-8"))
    assert metrics["simulated"] is True
    assert metrics["accuracy"] >= 0.95
    assert {row["key"] for row in metrics["drift"]} == set(BY_KEY)
    assert all(set(row["by_class"]) == set(CLASSES) for row in metrics["drift"])
    assert metrics["parameters"] <= 150_000
    assert json.loads(resource("demo/leukocyte_net.json").read_text(encoding="utf-8")) == CARD
    assert model.labels == CLASSES
    assert model.source.risk is None
    assert model.differentiable


def test_frames_of_a_batch_develop_as_they_do_alone() -> None:
    frames = [frame for frame, _ in series(4, 9)]
    for drift, value in ((None, 0.0), (BY_KEY["white_balance.r"], 1.2), (BY_KEY["optics.blur"], 1.0)):
        together = develop(frames, drift, value)
        for frame, image in zip(frames, together, strict=True):
            settings = dict(CAMERA.settings(frame))
            if drift is not None:
                settings[drift.key] = frame.gains[0] * value if drift.relative else value
            alone = run(torch.tensor(frame.mosaic)[None], settings, Sensor.of(frame), CAMERA)[0]
            assert torch.allclose(image, alone, atol=1e-6)


def test_folding_changes_no_answer() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = LeukocyteNet(normalized=True)
        for _ in range(3):
            network(torch.rand(8, 3, 64, 64))  # gives the normalization something to remember
        images = torch.rand(4, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(folded(network.eval())(images), network(images), atol=1e-5)


def trained(seed: int) -> Trained:
    def last() -> Iterator[str]:
        result.append((yield from train(TINY, seed)))

    result: list[Trained] = []
    assert list(last())[-1].startswith("epoch 2 of 2")
    return result[0]


def test_same_seed_same_weights_and_no_global_state() -> None:
    before = torch.get_rng_state()
    first, again, other = (trained(seed).network.state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_build_leaves_a_model_that_loads(tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("build") / "new"
    assert "hold-out accuracy" in " ".join(build(TINY, 0, out))
    assert load_model(out / "leukocyte_net.safetensors").labels == CLASSES
    assert len(json.loads((out / "metrics.json").read_text(encoding="utf-8"))["losses"]) == TINY.epochs


def test_accuracies_count() -> None:
    frames, labels = zip(*series(10, 3), strict=True)

    def always_the_second(images: torch.Tensor) -> torch.Tensor:
        return torch.eye(len(CLASSES))[1].expand(len(images), -1)

    drift = Drift("optics.blur", "Blur", "px", 0.0, (0.0, 1.0))
    rows = list(accuracies(always_the_second, frames, labels, drift))
    assert [row.value for row in rows] == [0.0, 1.0]
    assert all(row.overall == pytest.approx(0.2) for row in rows)
    assert rows[0].by_class == {name: float(index == 1) for index, name in enumerate(CLASSES)}
