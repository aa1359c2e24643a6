"""What is found out by running a model: batch, size, task, output. What is not found out is asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from driftlab.model.card import Card, CardSource, ModelError
from driftlab.model.card_file import check_card
from driftlab.model.load import load_model
from driftlab.model.network import Network, of_module, only_tensor
from driftlab.model.prediction import Prediction, Segmentation
from driftlab.model.probe import settle
from driftlab.model.sniff import Format
from driftlab.model.source import Source
from driftlab.model.task_model import TaskModel
from tests.model.tiny import CLASSES, SIDE, network, pictures, save_export, save_graph, save_onnx, save_torchscript


def settled(call: Callable[[Tensor], Any], **card: Any) -> tuple[Card, int]:
    """The card and the batch of a function, with the values of a card."""
    claims = {CardSource.CARD: check_card(card, "m.json", Path())}
    return settle(Network(call, torch.float64), claims, "m.pt", "m.json")


def model_of(call: Callable[[Tensor], Any], **card: Any) -> TaskModel:
    found, batch = settled(call, **card)
    return TaskModel(Network(call, torch.float64), found, Source(Format.FACTORY, None, "m:m", (), None), batch)


def well_behaved(inputs: Tensor) -> Tensor:
    return inputs.mean(dim=(2, 3))


def refuses_two(inputs: Tensor) -> Tensor:
    assert len(inputs) == 1, "batch of one"
    return well_behaved(inputs)


def forgets_the_second(inputs: Tensor) -> Tensor:
    return well_behaved(inputs[:1])


def answers_the_first_twice(inputs: Tensor) -> Tensor:
    return well_behaved(inputs[:1]).expand(len(inputs), -1)


def mixes_them(inputs: Tensor) -> Tensor:
    return well_behaved(inputs) - inputs.mean()


BATCH_OF_ONE = [refuses_two, forgets_the_second, answers_the_first_twice, mixes_them]


def test_a_model_that_takes_a_batch_is_given_one() -> None:
    assert settled(well_behaved, input_size=(8, 8))[1] > 1


@pytest.mark.parametrize("call", BATCH_OF_ONE)
def test_a_model_for_a_batch_of_one_is_found_out_and_looped(call: Callable[[Tensor], Tensor]) -> None:
    model = model_of(call, input_size=(8, 8))
    assert model.batch == 1
    image = pictures(3, 9, 7, torch.float64).requires_grad_()
    torch.testing.assert_close(model(image), torch.cat([model(one) for one in image.split(1)]))
    assert torch.autograd.gradcheck(model, image, fast_mode=True)


@pytest.mark.parametrize("save", ["torch.export", "onnx"])
def test_files_with_a_batch_of_one(save: str, folder: Path) -> None:
    if save == "onnx":
        path = save_onnx(network(), folder / "m.onnx", batch=1)
    else:
        path = save_export(network(), folder / "m.pt2", torch.zeros(1, 3, SIDE, SIDE))
    model = load_model(path, trust=True)
    assert model.batch == 1
    image = pictures(3, SIDE, SIDE)
    torch.testing.assert_close(model(image), network()(image), rtol=1e-4, atol=1e-5)


def test_an_archive_of_any_batch_is_given_one(folder: Path) -> None:
    example = torch.zeros(2, 3, SIDE, SIDE)
    path = save_export(network(), folder / "m.pt2", example, torch.export.Dim("batch", min=1, max=64))
    model = load_model(path, trust=True)
    assert model.batch > 1
    assert model.card.input_size == (SIDE, SIDE)


def test_a_large_batch_and_many_tiles_are_given_in_parts() -> None:
    seen: list[int] = []

    def counting(inputs: Tensor) -> Tensor:
        seen.append(len(inputs))
        return well_behaved(inputs)

    model = model_of(counting, input_size=(8, 8), resize="tile")
    seen.clear()
    model(pictures(2, 40, 40))
    assert sum(seen) == 50 and max(seen) == model.batch


def test_the_size_is_probed_where_only_one_fits(folder: Path) -> None:
    def only_96(inputs: Tensor) -> Tensor:
        assert inputs.shape[2:] == (96, 96)
        return well_behaved(inputs)

    card, _ = settled(only_96)
    assert card.input_size == (96, 96)
    assert card.sources["input_size"] is CardSource.PROBED


def test_the_size_is_asked_for_where_several_fit() -> None:
    sentence = (
        r"m\.pt takes pictures of several sizes \(28 and 32 among them\): give --model-input-size or 'input_size' in m"
    )
    with pytest.raises(ModelError, match=sentence):
        settled(well_behaved)


def test_the_size_is_asked_for_where_none_fits(folder: Path) -> None:
    path = save_torchscript(network(), folder / "m.pt")
    with pytest.raises(ModelError, match=r"takes none of the common square sizes: give --model-input-size"):
        load_model(path, trust=True)


@pytest.mark.parametrize("batch", [1, "N"])
def test_the_size_is_read_off_the_file(batch: int | str, folder: Path) -> None:
    card = load_model(save_onnx(network(), folder / "m.onnx", batch=batch)).card
    assert (card.input_size, card.sources["input_size"]) == ((SIDE, SIDE), CardSource.FILE)
    card = load_model(save_export(network(), folder / "m.pt2", torch.zeros(1, 3, SIDE, SIDE)), trust=True).card
    assert (card.input_size, card.sources["input_size"]) == ((SIDE, SIDE), CardSource.FILE)


def test_a_picture_of_any_size_passes_as_it_is() -> None:
    model = model_of(well_behaved, input_size=None)
    image = pictures(1, 13, 21)
    assert torch.equal(model.prepare(image), image)


def per_pixel(inputs: Tensor) -> Tensor:
    return torch.cat([inputs, -inputs[:, :1]], dim=1) * 3


def test_numbers_per_pixel_are_a_segmentation() -> None:
    model = model_of(per_pixel, input_size=(8, 12))
    assert (model.task, model.card.sources["task"]) == ("segmentation", CardSource.PROBED)
    assert model.labels == ("class 0", "class 1", "class 2", "class 3")
    image = pictures(2, 16, 24)
    assert model(image).shape == (2, 4, 8, 12)
    answer = model.predict(image)[1]
    assert isinstance(answer, Segmentation)
    assert answer.mask.shape == (16, 24)


def test_a_row_of_numbers_is_assumed_to_be_a_classification() -> None:
    card, _ = settled(well_behaved, input_size=(8, 8))
    assert (card.task, card.sources["task"]) == ("classification", CardSource.DEFAULT)
    assert card.labels == ("class 0", "class 1", "class 2")


def single(inputs: Tensor) -> Tensor:
    return inputs.mean(dim=(1, 2, 3)).unsqueeze(1) * 4 - 3


def test_a_single_number_is_asked_about() -> None:
    with pytest.raises(ModelError, match=r"a single number, which may be .*: give --model-task or 'task' in m\.json"):
        settled(single, input_size=(8, 8))
    sigmoid = r"a probability or a logit: give --model-output or 'output'"
    with pytest.raises(ModelError, match=sigmoid):
        settled(lambda inputs: single(inputs).sigmoid(), input_size=(8, 8), task="classification")


@pytest.mark.parametrize("shape", [(-1, 1), (-1,), (-1, 1, 1, 1)])
def test_one_output_for_two_classes(shape: tuple[int, ...]) -> None:
    """A logit, and the probability of that same logit, are the same answer."""
    image = pictures(2, 8, 8)
    logit = model_of(lambda x: single(x).reshape(shape), input_size=(8, 8), task="classification")
    chance = model_of(
        lambda x: single(x).sigmoid().reshape(shape), input_size=(8, 8), task="classification", output="probabilities"
    )
    for one, other, planted in zip(logit.predict(image), chance.predict(image), single(image)[:, 0], strict=True):
        assert isinstance(one, Prediction) and isinstance(other, Prediction)
        assert one.margin == pytest.approx(abs(float(planted)), rel=1e-5)
        assert other.margin == pytest.approx(abs(float(planted)), rel=1e-4)
        assert one.top[0].index == int(planted > 0)
        assert one.top[0].probability == pytest.approx(other.top[0].probability)


def test_probabilities_are_found_out_and_read_as_logits() -> None:
    plain = model_of(lambda x: well_behaved(x) * 9, input_size=(8, 8))
    model = model_of(lambda x: (well_behaved(x) * 9).softmax(1), input_size=(8, 8))
    assert (model.card.output, model.card.sources["output"]) == ("probabilities", CardSource.PROBED)
    assert plain.card.output == "logits"
    image = pictures(2, 8, 8)
    torch.testing.assert_close(model(image).softmax(1), plain(image).softmax(1))
    torch.testing.assert_close(model(image).diff(dim=1), plain(image).diff(dim=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_probability_of_zero_is_a_finite_logit_with_a_finite_gradient(dtype: torch.dtype) -> None:
    sure = torch.tensor([[1.0, 0.0, 0.0]], dtype=dtype)
    model = model_of(
        lambda x: sure * (well_behaved(x) * 0 + 1).to(dtype),
        input_size=(8, 8),
        output="probabilities",
        task="classification",
    )
    image = pictures(1, 8, 8).requires_grad_()
    model(image).sum().backward()
    assert image.grad is not None and bool(image.grad.isfinite().all())


def test_a_mask_of_class_indices(folder: Path) -> None:
    nodes = [helper.make_node("ArgMax", ["picture"], ["scores"], axis=1, keepdims=0)]
    path = save_graph(nodes, folder / "m.onnx", [1, 3, 8, 8], [1, 8, 8], answer=TensorProto.INT64)
    with pytest.raises(ModelError, match=r"gives class indices, .* give --model-labels or 'labels' in m\.json"):
        load_model(path)
    model = load_model(path, flags={"labels": ["r", "g", "b"]})
    assert (model.card.output, model.task) == ("mask", "segmentation")
    assert not model.differentiable
    image = pictures(1, 8, 8)
    answer = model.predict(image)[0]
    assert isinstance(answer, Segmentation)
    assert torch.equal(answer.mask, image[0].argmax(0))


def test_channels_last(folder: Path) -> None:
    """An NHWC graph is told by its shape, is given its layout, and its per-pixel answers are read in it."""
    nodes = [helper.make_node("Neg", ["picture"], ["scores"])]
    model = load_model(save_graph(nodes, folder / "m.onnx", [1, 8, 12, 3], [1, 8, 12, 3]))
    assert (model.card.layout, model.card.input_size, model.task) == ("NHWC", (8, 12), "segmentation")
    image = pictures(1, 8, 12)
    torch.testing.assert_close(model(image), -image)


def test_one_gray_channel(folder: Path) -> None:
    nodes = [helper.make_node("GlobalAveragePool", ["picture"], ["scores"])]
    path = save_graph(nodes, folder / "m.onnx", [1, 1, 8, 8], [1, 1, 1, 1])
    model = load_model(path, flags={"task": "regression"})
    image = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert model.card.channels == "gray"
    assert float(model(image)) == pytest.approx(0.299 * 0.2 + 0.587 * 0.5 + 0.114 * 0.8)


@pytest.mark.parametrize(("element", "scale"), [(TensorProto.FLOAT16, 1.0), (TensorProto.UINT8, 255.0)])
def test_a_model_gets_its_own_element_type(element: int, scale: float, folder: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["picture"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["floats"], ["scores"]),
    ]
    path = save_graph(nodes, folder / "m.onnx", [1, 3, 8, 8], [1, 3, 1, 1], element=element, answer=TensorProto.FLOAT)
    image = pictures(1, 8, 8)
    planted = (image * scale).round() if element == TensorProto.UINT8 else image.half()
    answer = load_model(path, flags={"task": "classification", "scale": scale})(image)
    torch.testing.assert_close(answer, planted.float().mean(dim=(2, 3)), rtol=1e-3, atol=1e-4)


def test_a_model_that_gives_no_numbers_is_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        settled(lambda inputs: well_behaved(inputs) * torch.nan, input_size=(8, 8))


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_an_answer_that_does_not_fit_the_task(task: str) -> None:
    call = per_pixel if task == "classification" else well_behaved
    with pytest.raises(ModelError, match=rf"which is no {task}: give 'task' or 'input_size'"):
        settled(call, input_size=(8, 8), task=task)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda y: {"logits": y, "loss": None},
        lambda y: {"aux": y + 1, "out": y},
        lambda y: (y, None),
        lambda y: {"x": y},
    ],
)
def test_the_tensor_that_matters_is_found(wrap: Callable[[Tensor], Any]) -> None:
    answer = torch.rand(2, 3)
    assert only_tensor(wrap(answer)) is answer


@pytest.mark.parametrize("output", [None, (), {}, {"a": torch.ones(1), "b": torch.ones(1)}, [3]])
def test_an_answer_without_a_tensor(output: Any) -> None:
    with pytest.raises(ModelError, match="returns no tensor of outputs"):
        only_tensor(output)


def test_a_module_is_frozen_and_in_evaluation_mode() -> None:
    module = nn.Sequential(nn.Dropout(0.9), nn.Flatten(), nn.Linear(192, CLASSES, dtype=torch.float64)).train()
    found = of_module(module)
    assert found.dtype is torch.float64
    ones = torch.ones(1, 3, 8, 8, dtype=torch.float64)
    assert torch.equal(found.call(ones), found.call(ones)) and not found.call(ones).requires_grad


def test_low_resolution_logits_are_brought_to_the_input(folder: Path) -> None:
    model = model_of(lambda x: nn.functional.avg_pool2d(x, 4), input_size=(8, 12), task="segmentation")
    assert model(pictures(1, 8, 12)).shape == (1, 3, 8, 12)
