"""What holds for a task model whatever its format, its resize rule and its way of taking batches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from driftlab.model.card import ModelError, Resize
from driftlab.model.load import load_model
from driftlab.model.prediction import Prediction
from driftlab.model.sniff import Format, sniff
from driftlab.model.task_model import TaskModel
from tests.model.tiny import CLASSES, SIDE, WRITERS, network, pictures, save_torchscript, write

FORMATS = tuple(WRITERS)
SIZES = {"same": (SIDE, SIDE), "wide": (11, 19), "tall": (13, 9), "small": (5, 6)}


def load(kind: str, folder: Path, dtype: torch.dtype = torch.float32, **card: object) -> TaskModel:
    return load_model(write(kind, folder, dtype, **card), trust=True)


@pytest.mark.parametrize("kind", FORMATS)
def test_logits_are_those_of_the_network_on_the_prepared_picture(kind: str, folder: Path) -> None:
    model = load(kind, folder, channels="BGR", scale=255, mean=[10, 20, 30], std=[60, 70, 80])
    image = pictures(3, 11, 19)
    inputs = model.prepare(image)
    seen = torch.nn.functional.interpolate(image, (SIDE, SIDE), mode="bilinear", antialias=True)
    mean, std = torch.tensor([10.0, 20, 30]).view(3, 1, 1), torch.tensor([60.0, 70, 80]).view(3, 1, 1)
    planted = (seen.flip(1) * 255 - mean) / std
    torch.testing.assert_close(inputs, planted)
    torch.testing.assert_close(model.view(image), seen)
    torch.testing.assert_close(model(image), network()(inputs), rtol=1e-4, atol=1e-5)
    assert model.format == kind
    assert model.ran_code == (kind != "onnx"), "a factory or an archive ran"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule", Resize)
def test_a_batch_is_a_loop_and_the_picture_stays_as_it_was(rule: Resize, size: str, folder: Path) -> None:
    model = load("state_dict", folder, resize=rule)
    image = pictures(3, *SIZES[size])
    before = image.clone()
    together = model(image)
    assert together.shape == (3, CLASSES)
    assert torch.equal(image, before)
    torch.testing.assert_close(together, torch.cat([model(one) for one in image.split(1)]))
    assert torch.equal(together, model(image)), "a call leaves a trace"


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "onnx"])
@pytest.mark.parametrize("rule", Resize)
def test_gradients_reach_the_picture(kind: str, rule: Resize, folder: Path) -> None:
    model = load(kind, folder, torch.float64, resize=rule, crop_fraction=0.8, mean=0.3, std=0.4)
    assert model.differentiable
    image = pictures(2, 9, 13, torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(model, image, fast_mode=True)


def test_onnx_is_a_black_box_with_the_reason(folder: Path) -> None:
    model = load("onnx", folder)
    assert not model.differentiable
    assert model.no_gradient == "An ONNX file runs in ONNX Runtime, which gives no gradients."
    assert not model(pictures(1, 8, 8).requires_grad_()).requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("own", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", FORMATS)
def test_logits_have_the_dtype_of_the_picture(kind: str, own: torch.dtype, dtype: torch.dtype, folder: Path) -> None:
    model = load(kind, folder, own)
    assert model.network.dtype is own
    assert model(pictures(1, 8, 8, dtype)).dtype is dtype


def test_predictions(folder: Path) -> None:
    model = load("torchscript", folder, labels=["a", "b", "c", "d", "e"])
    image = pictures(2, 8, 8)
    predictions = model.predict(image, top=3)
    for logits, answer in zip(model(image), predictions, strict=True):
        assert isinstance(answer, Prediction)
        ordered = logits.sort(descending=True)
        assert [choice.index for choice in answer.top] == ordered.indices[:3].tolist()
        assert [choice.label for choice in answer.top] == ["abcde"[index] for index in ordered.indices[:3]]
        assert answer.margin == pytest.approx(float(ordered.values[0] - ordered.values[1]))
        expected = logits.softmax(0)[ordered.indices[:3]].tolist()
        assert [choice.probability for choice in answer.top] == pytest.approx(expected)
    assert model.predict(image, top=1)[0].margin == predictions[0].margin


def test_a_regression_has_numbers_only(folder: Path) -> None:
    path = write("torchscript", folder, task="regression")
    answer = load_model(path, trust=True).predict(pictures(1, 8, 8))[0]
    assert isinstance(answer, Prediction)
    assert answer.logits.shape == (CLASSES,)
    assert (answer.top, answer.margin) == ((), None)


@pytest.mark.parametrize(
    "image",
    [torch.rand(3, 8, 8), torch.rand(1, 1, 8, 8), torch.rand(1, 3, 0, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)],
    ids=["no batch", "one channel", "empty", "bytes"],
)
def test_what_is_no_picture_is_refused(image: torch.Tensor, folder: Path) -> None:
    with pytest.raises(ModelError, match=r"display RGB of shape \[B, 3, H, W\] in float, not"):
        load("torchscript", folder)(image)


def test_outputs_that_are_not_finite_are_refused(folder: Path) -> None:
    model = load("torchscript", folder)
    with pytest.raises(ModelError, match="not finite"):
        model(torch.full((1, 3, 8, 8), torch.nan))


class Picky(nn.Module):
    """Fails on a dark picture."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if bool(inputs.mean() < 0.1):
            raise ValueError("too dark")
        return inputs.mean(dim=(2, 3))


def test_a_model_that_raises_says_so_in_its_own_words(folder: Path) -> None:
    model = load_model(save_torchscript(Picky(), folder / "picky.pt"), trust=True, flags={"input_size": 8})
    with pytest.raises(ModelError, match=r"The model fails on an input of shape \[1, 3, 8, 8\]: .*too dark\."):
        model(torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("kind", FORMATS)
def test_loading_leaves_torch_as_it_was(kind: str, folder: Path) -> None:
    path = write(kind, folder)
    before = (torch.random.get_rng_state(), torch.get_num_threads(), torch.is_grad_enabled())
    load_model(path, trust=True)(pictures(1, 8, 8))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before[1:]


def test_the_format_is_found_by_content(folder: Path) -> None:
    for kind in FORMATS:
        disguised = WRITERS[kind](network(), folder).rename(folder / "model.bin")
        assert sniff(disguised) is Format(kind)
