"""What a card may say, who wins where several say it, and the one sentence for what it may not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftlab.model.card import CardSource, ModelError
from driftlab.model.card_file import CHECKS, check_card, flag, flag_value
from driftlab.model.load import load_model
from tests.model.tiny import CLASSES, network, save_torchscript, write

GOOD = {
    "task": [("segmentation", "segmentation")],
    "labels": [(["a", "b"], ("a", "b")), ({"1": "b", "0": "a"}, ("a", "b"))],
    "input_size": [(224, (224, 224)), ([480, 640], (480, 640)), (None, None), ("any", None)],
    "resize": [("letterbox", "letterbox")],
    "crop_fraction": [(0.875, 0.875), (1, 1.0)],
    "fill": [(0, 0.0), (0.5, 0.5)],
    "interpolation": [("bicubic", "bicubic")],
    "channels": [("BGR", "BGR"), ("gray", "gray")],
    "scale": [(255, 255.0)],
    "mean": [(0.5, (0.5,)), ([104, 117, 123], (104.0, 117.0, 123.0))],
    "std": [([0.2, 0.3, 0.4], (0.2, 0.3, 0.4))],
    "layout": [("NHWC", "NHWC")],
    "output": [("probabilities", "probabilities")],
    "architecture": [("resnet20-cifar", "resnet20-cifar")],
}
BAD: dict[str, list[Any]] = {
    "task": ["detection", 3, None, ["classification"]],
    "labels": [[], ["a", 1], {"0": "a", "2": "b"}, 7],
    "input_size": [0, -3, 2.5, True, "big", [1, 2, 3], [224, None]],
    "resize": ["squash"],
    "crop_fraction": [0, 1.5, "x", True],
    "fill": [-0.1, 2, None],
    "interpolation": ["nearest"],
    "channels": ["rgb", "RGBA"],
    "scale": [0, -1, "255", float("nan"), float("inf")],
    "mean": [[1, 2], [], "a", [None, 1, 2]],
    "std": [0, [0.2, 0, 0.2], [0.1, 0.2]],
    "layout": ["CHW"],
    "output": ["softmax"],
    "architecture": ["", 3],
}


def test_every_key_is_tried() -> None:
    assert set(CHECKS) == set(GOOD) == set(BAD)


@pytest.mark.parametrize(("key", "said", "meant"), [(key, *pair) for key, pairs in GOOD.items() for pair in pairs])
def test_a_good_value(key: str, said: Any, meant: Any) -> None:
    assert check_card({key: said}, "The card", Path()) == {key: meant}


@pytest.mark.parametrize(("key", "said"), [(key, value) for key, values in BAD.items() for value in values])
def test_a_bad_value_is_one_sentence_with_what_is_allowed(key: str, said: Any) -> None:
    with pytest.raises(ModelError) as caught:
        check_card({key: said}, "The card", Path())
    assert f"'{key}' must be {CHECKS[key][0]}, not " in str(caught.value)
    assert str(caught.value).endswith(".")


def test_an_unknown_key_is_named_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"m\.json has the unknown key 'labls'; a model card knows task, labels, .*\."):
        check_card({"labls": []}, "m.json", Path())


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("plain.txt", "red apple\npear\n\n", ("red apple", "pear")),
        ("numbered.txt", "0  background\n1  tench, Tinca tinca\n", ("background", "tench, Tinca tinca")),
        ("cards.txt", "2 of clubs\n3 of clubs\n", ("2 of clubs", "3 of clubs")),
        ("list.json", '["a", "b"]', ("a", "b")),
        ("index.json", '{"0": "a", "1": "b"}', ("a", "b")),
    ],
)
def test_labels_in_a_file_beside_the_card(name: str, content: str, names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert check_card({"labels": name}, "The card", tmp_path) == {"labels": names}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "must hold one JSON object"),
        ('{"task": 1}', "'task' must"),
    ],
)
def test_a_file_that_is_no_card(content: str | None, sentence: str, folder: Path) -> None:
    path = save_torchscript(network(), folder / "m.pt")
    card = folder / "other.json"
    if content is not None:
        card.write_text(content)
    with pytest.raises(ModelError, match=sentence):
        load_model(path, card=card, trust=True)


def test_a_missing_labels_file_is_named(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"labels file .*nowhere\.txt cannot be read"):
        load_model(write("torchscript", folder, labels="nowhere.txt"), trust=True)


def test_flags_win_over_the_card_and_the_card_over_the_file(folder: Path) -> None:
    path = write("onnx", folder, task="regression", scale=255)
    card = load_model(path, flags={"task": "embedding"}).card
    assert (card.task, card.scale, card.layout, card.resize) == ("embedding", 255, "NCHW", "stretch")
    sources = {key: card.sources[key] for key in ("task", "scale", "layout", "resize", "input_size")}
    assert sources == {
        "task": CardSource.FLAG,
        "scale": CardSource.CARD,
        "layout": CardSource.FILE,
        "resize": CardSource.DEFAULT,
        "input_size": CardSource.CARD,
    }
    assert set(card.sources) == set(CHECKS)


def beside_with_suffix(path: Path, content: str) -> None:
    path.with_name(path.name + ".json").write_text(content)


def beside_with_stem(path: Path, content: str) -> None:
    path.with_suffix(".json").write_text(content)


@pytest.mark.parametrize("write_card", [beside_with_suffix, beside_with_stem])
def test_a_card_is_found_beside_the_file(write_card: Callable[[Path, str], None], folder: Path) -> None:
    path = save_torchscript(network(), folder / "m.pt")
    write_card(path, json.dumps({"labels": list("abcde"), "input_size": 8}))
    assert load_model(path, trust=True).labels == tuple("abcde")


def test_a_card_is_a_mapping_too(folder: Path) -> None:
    path = write("onnx", folder)
    card = load_model(path, card={"fill": 0.5}).card
    assert card.fill == 0.5
    assert card.sources["task"] is CardSource.DEFAULT, "the card beside the file no longer counts"


@pytest.mark.parametrize("labels", [["a"] * (CLASSES - 1), ["a"] * (CLASSES + 1)])
def test_labels_must_be_as_many_as_outputs(labels: list[str], folder: Path) -> None:
    sentence = rf"m\.pt gives 5 outputs, but 'labels' \(card\) has {len(labels)} names"
    with pytest.raises(ModelError, match=sentence):
        load_model(write("torchscript", folder, labels=labels), trust=True)


def test_flags() -> None:
    assert flag("input_size") == "--model-input-size"
    typed = {"224": 224, "224,256": [224, 256], "0.5": 0.5, "RGB": "RGB", "null": None, '["a"]': ["a"]}
    assert {text: flag_value(text) for text in typed} == typed
