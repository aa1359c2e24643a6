"""Hugging Face folders: tiny models made from a config, opened offline and without torchvision."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from driftlab.model.card import CardSource, ModelError
from driftlab.model.load import load_model, needs_trust
from driftlab.model.prediction import Segmentation
from tests.model.tiny import pictures

NAMES = {0: "cat", 1: "dog", 2: "owl"}


@pytest.fixture(scope="module")
def transformers() -> Any:
    return pytest.importorskip("transformers", reason="the extra 'hf' is not installed")


def save(model: Any, folder: Path, processor: dict[str, Any] | None) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")
        model.save_pretrained(folder)
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def classifier(transformers: Any) -> Any:
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", id2label=NAMES
    )
    return transformers.ResNetForImageClassification(config).eval()


PROCESSORS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "stretch": (
        {
            "size": {"height": 48, "width": 64},
            "resample": 3,
            "image_mean": [0.5, 0.4, 0.3],
            "image_std": [0.2, 0.3, 0.4],
        },
        {"input_size": (48, 64), "resize": "stretch", "interpolation": "bicubic", "mean": (0.5, 0.4, 0.3)},
    ),
    "crop": (
        {"size": {"shortest_edge": 64}, "do_center_crop": True, "crop_size": {"height": 56, "width": 56}},
        {"input_size": (56, 56), "resize": "center_crop", "crop_fraction": 0.875},
    ),
    "old": ({"size": 40, "do_normalize": False, "image_mean": [1, 1, 1]}, {"input_size": (40, 40), "mean": (0.0,)}),
    "percentage": (
        {"size": {"shortest_edge": 56}, "crop_pct": 0.875},
        {"input_size": (56, 56), "resize": "center_crop", "crop_fraction": 0.875},
    ),
    "not rescaled": (
        {"size": 32, "do_rescale": False, "do_flip_channel_order": True},
        {"scale": 255.0, "channels": "BGR"},
    ),
    "symmetric": ({"size": 32, "rescale_factor": 1 / 127.5}, {"scale": pytest.approx(2.0)}),
}


@pytest.mark.parametrize("case", PROCESSORS)
def test_the_image_processor_is_read_into_the_card(case: str, transformers: Any, folder: Path) -> None:
    said, meant = PROCESSORS[case]
    network = classifier(transformers)
    path = save(network, folder / "resnet", said)
    assert needs_trust(path) is None
    model = load_model(path)
    assert {key: getattr(model.card, key) for key in meant} == meant
    assert (model.labels, model.card.sources["labels"]) == (("cat", "dog", "owl"), CardSource.FILE)
    assert (model.task, model.format, model.ran_code) == ("classification", "huggingface", False)
    image = pictures(2, 70, 90)
    with torch.no_grad():
        torch.testing.assert_close(model(image), network(model.prepare(image)).logits)


def test_a_segmentation(transformers: Any, folder: Path) -> None:
    config = transformers.SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 8], patch_sizes=[3, 3], strides=[2, 2],
        num_attention_heads=[1, 1], mlp_ratios=[1, 1], decoder_hidden_size=8, id2label=NAMES,
    )  # fmt: skip
    path = save(transformers.SegformerForSemanticSegmentation(config), folder / "segformer", {"size": 32})
    model = load_model(path)
    image = pictures(1, 40, 50).requires_grad_()
    logits = model(image)
    assert logits.shape == (1, 3, 32, 32), "brought from a quarter of the resolution to the input's"
    logits.sum().backward()
    assert image.grad is not None and bool(image.grad.any())
    answer = model.predict(image.detach())[0]
    assert isinstance(answer, Segmentation)
    assert answer.mask.shape == (40, 50)


def test_without_a_processor_the_size_is_asked_for(transformers: Any, folder: Path) -> None:
    path = save(classifier(transformers), folder / "resnet", None)
    with pytest.raises(ModelError, match=r"several sizes .*'input_size' in resnet\.json"):
        load_model(path)
    (folder / "resnet.json").write_text('{"input_size": 64}')
    assert load_model(path).card.input_size == (64, 64)


def test_other_tasks_are_refused(transformers: Any, folder: Path) -> None:
    (folder / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    with pytest.raises(ModelError, match="is a BertForMaskedLM: only image classification and semantic segmentation"):
        load_model(folder)


def test_code_that_a_folder_brings_is_not_run(transformers: Any, folder: Path) -> None:
    (folder / "planted.py").write_text("import os\nos.mkdir('mark')\n")
    config = {
        "architectures": ["PlantedForImageClassification"],
        "model_type": "planted",
        "auto_map": {"AutoConfig": "planted.Config", "AutoModelForImageClassification": "planted.Model"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    for trust in (False, True):
        with pytest.raises(ModelError, match="cannot be loaded as huggingface"):
            load_model(folder, trust=trust)
    assert not Path("mark").exists()


def test_pickled_weights_in_a_folder_are_not_read(transformers: Any, folder: Path) -> None:
    path = save(classifier(transformers), folder / "resnet", {"size": 32})
    (path / "model.safetensors").unlink()
    torch.save(classifier(transformers).state_dict(), path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded as huggingface"):
        load_model(path)


def test_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config.json").write_text('{"architectures": ["ResNetForImageClassification"]}')
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r"install the extra 'hf' \(pip install driftlab\[hf\]\)"):
        load_model(folder)
