"""Real pretrained models on real photos, where the external test data is."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from driftlab.model.card import ModelError
from driftlab.model.load import load_model
from driftlab.model.prediction import Prediction, Segmentation
from driftlab.model.task_model import TaskModel

CARDS = Path(__file__).parent / "cards"

#: Model -> photo -> a word in the label of the top class.
SEEN = {
    "mobilenet_v2_224.torchscript.pt": {
        "parrot.jpg": "macaw", "sunflower.bmp": "daisy", "hot_dog.jpg": "hotdog", "cat.bmp": "cat",
        "bird_segmentation.bmp": "kite",
    },
    "mobilenet_v2_224.pt2": {"parrot.jpg": "macaw", "hot_dog.jpg": "hotdog", "cat.bmp": "cat"},
    "mobilenet_v1_025_128.torchscript.pt": {"parrot.jpg": "macaw", "sunflower.bmp": "daisy", "cat.bmp": "cat"},
    "mobilenet_v1_025_128.pt2": {"parrot.jpg": "macaw", "sunflower.bmp": "daisy", "cat.bmp": "cat"},
    "squeezenet_fp16.onnx": {"parrot.jpg": "macaw", "sunflower.bmp": "bee", "hot_dog.jpg": "hotdog", "cat.bmp": "cat"},
    "cifar_resnet20.th": {"parrot.jpg": "bird", "owl.jpg": "bird", "cat.bmp": "cat", "bird_segmentation.bmp": "bird"},
}  # fmt: skip


@cache
def load(data: Path, name: str) -> TaskModel:
    """A model with its card of `cards/`, where label files are relative to the models."""
    card = json.loads((CARDS / f"{name.partition('.')[0]}.json").read_text())
    if isinstance(card.get("labels"), str):
        card["labels"] = str(data / "models" / card["labels"])
    return load_model(data / "models" / name, card=card, trust=name.endswith((".pt", ".pt2")))


def photo(data: Path, name: str) -> Tensor:
    with Image.open(data / "photos" / name) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB"))).movedim(-1, 0)[None] / 255


@pytest.mark.parametrize("name", SEEN)
def test_what_is_in_the_photo_is_on_top(name: str, data: Path) -> None:
    model = load(data, name)
    for picture, word in SEEN[name].items():
        answer = model.predict(photo(data, picture))[0]
        assert isinstance(answer, Prediction)
        assert word in answer.top[0].label, (picture, answer.top)


@pytest.mark.parametrize("name", ["mobilenet_v2_224", "mobilenet_v1_025_128", "deeplabv3_mnv2_voc_513"])
def test_both_archives_of_a_model_agree(name: str, data: Path) -> None:
    image = photo(data, "cat.bmp")
    script, export = (load(data, name + ending)(image) for ending in (".torchscript.pt", ".pt2"))
    torch.testing.assert_close(script, export, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ending", [".torchscript.pt", ".pt2"])
def test_a_batch_of_photos(ending: str, data: Path) -> None:
    """As exported with a batch of one: one archive refuses two, the other takes them."""
    model = load(data, "mobilenet_v2_224" + ending)
    images = torch.cat([photo(data, name)[..., :300, :400] for name in ("parrot.jpg", "owl.jpg", "hot_dog.jpg")])
    together = model(images)
    torch.testing.assert_close(together, torch.cat([model(one) for one in images.split(1)]), rtol=1e-4, atol=1e-4)
    assert model.batch == (1 if ending == ".pt2" else 16)


def test_the_bird_is_where_the_mask_says(data: Path) -> None:
    model = load(data, "deeplabv3_mnv2_voc_513.torchscript.pt")
    with Image.open(data / "photos" / "bird_segmentation_mask.bmp") as picture:
        truth = torch.from_numpy(np.array(picture)).long()
    answer = model.predict(photo(data, "bird_segmentation.bmp"))[0]
    assert isinstance(answer, Segmentation)
    background, bird = (float(answer.iou(truth)[model.labels.index(name)]) for name in ("background", "bird"))
    assert bird > 0.8 and background > 0.95
    found = model.predict(photo(data, "cat.bmp"))[0]
    assert isinstance(found, Segmentation)
    assert {area.label for area in found.areas if area.share > 0.1} == {"background", "cat"}
    assert found.mask.shape == (341, 512)


def test_a_gradient_of_a_real_model_against_finite_differences(data: Path) -> None:
    model = load(data, "mobilenet_v2_224.pt2")
    image = photo(data, "parrot.jpg")[..., 200:456, 100:356]

    def margin(picture: Tensor) -> Tensor:
        first, second = model(picture)[0].topk(2).values
        return first - second

    leaf = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(margin(leaf), leaf)
    # Along the gradient itself the slope is its length: large enough to stand out of the noise of float32.
    length = float(gradient.norm())
    step = 0.02 * gradient / length
    with torch.no_grad():
        slope = float(margin(image + step) - margin(image - step)) / 0.04
    assert slope == pytest.approx(length, rel=0.05)


def test_the_size_of_a_real_archive_is_probed(data: Path) -> None:
    card = load_model(data / "models" / "mobilenet_v2_224.torchscript.pt", trust=True).card
    assert (card.input_size, card.sources["input_size"], card.output) == ((224, 224), "probed", "logits")


def test_the_checkpoint_loads_by_the_name_of_its_architecture(data: Path) -> None:
    weights = data / "models" / "cifar_resnet20.th"
    image = photo(data, "cat.bmp")
    named = load_model("resnet20-cifar", weights=weights)
    assert torch.equal(named(image), load(data, "cifar_resnet20.th")(image))
    with pytest.raises(ModelError, match=r"does not fit resnet32-cifar: "):
        load_model("resnet32-cifar", weights=weights)


def test_importing_the_room_imports_no_format() -> None:
    code = "import sys, driftlab.model.load; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded
    assert not {"onnxruntime", "transformers", "torchvision", "onnx", "PIL"} & set(loaded)
