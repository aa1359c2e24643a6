"""Files and names that are no model: one sentence each, which names the mend."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from driftlab.model.card import ModelError
from driftlab.model.load import load_model
from tests.model.tiny import SIDE, WRITERS, network, save_graph, save_onnx, save_safetensors, save_state_dict


def file_of(content: bytes) -> Callable[[Path], str]:
    def plant(folder: Path) -> str:
        (folder / "m.pt").write_bytes(content)
        return "m.pt"

    return plant


def foreign_zip(folder: Path) -> str:
    with zipfile.ZipFile(folder / "m.pt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    return "m.pt"


def empty_folder(folder: Path) -> str:
    (folder / "sub").mkdir()
    return "sub"


def two_inputs(folder: Path) -> str:
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])],
        "two",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in "ab"],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1, 3, 8, 8])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return "m.onnx"


def flat_input(folder: Path) -> str:
    node = helper.make_node("Relu", ["picture"], ["scores"])
    return save_graph([node], folder / "m.onnx", [1, 192], [1, 192]).name


def weights_elsewhere(folder: Path) -> str:
    model = onnx.load(save_onnx(network(), folder / "m.onnx"))
    onnx.save_model(model, folder / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    return "m.onnx"


def factory_file(content: str) -> Callable[[Path], str]:
    def plant(folder: Path) -> str:
        (folder / "mine.py").write_text(content)
        return "mine:make"

    return plant


CASES = {
    "empty": (file_of(b""), r"m\.pt is empty: give"),
    "text": (file_of(b"hello, this is no model"), r"m\.pt is damaged or no model file: give TorchScript"),
    "keras": (file_of(b"\x89HDF\r\n\x1a\n0000"), "a Keras or HDF5 file: export it to ONNX"),
    "tflite": (file_of(b"\x1c\0\0\0TFL3"), "a TensorFlow Lite file: convert it to ONNX"),
    "half a zip": (file_of(b"PK\x03\x04" + bytes(100)), "damaged or cut short"),
    "foreign zip": (foreign_zip, "a zip archive, but not one of torch"),
    "header of safetensors": (file_of((2**40).to_bytes(8, "little") + b"{"), "damaged or no model file"),
    "protobuf of something": (file_of(b"\x08\x03\x12\x04abcd"), "damaged or no model file"),
    "folder": (empty_folder, r"no Hugging Face model: it has no config\.json"),
    "nothing": (lambda folder: "nowhere.pt", r"There is no model 'nowhere\.pt': give a file"),
    "architecture alone": (lambda folder: "resnet20-cifar", "has no weights of its own: give --weights FILE"),
    "no module": (lambda folder: "no_such.module:make", r"There is no module no_such\.module"),
    "no function": (factory_file(""), "The module mine has no function make"),
    "no network": (factory_file("def make(): return 3"), "returns int: let it return a torch.nn.Module"),
    "broken factory": (factory_file("def make(): raise OSError('gone')"), "cannot be loaded as factory: gone"),
    "broken module": (factory_file("1 +"), "cannot be loaded as factory: invalid syntax"),
    "two inputs": (two_inputs, r"takes the inputs \(a: tensor\(float\), b: tensor\(float\)\)"),
    "flat input": (flat_input, "takes an input of 2 axes"),
    "weights elsewhere": (weights_elsewhere, "keeps its weights in another file: save it as one file"),
}


@pytest.mark.parametrize("case", CASES)
def test_no_model(case: str, folder: Path) -> None:
    plant, sentence = CASES[case]
    with pytest.raises(ModelError, match=sentence) as caught:
        load_model(plant(folder), trust=True)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("kind", WRITERS)
def test_a_model_cut_short(kind: str, share: float, folder: Path) -> None:
    path = WRITERS[kind](network(), folder)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError) as caught:
        load_model(path, trust=True, flags={"architecture": "resnet20-cifar"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("save", [save_safetensors, save_state_dict])
def test_weights_without_an_architecture(save: Callable[..., Path], folder: Path) -> None:
    path = save(network(), folder / "m.bin")
    with pytest.raises(ModelError, match=r"m\.bin holds weights only: say of what, with 'architecture' in its card"):
        load_model(path)
    with pytest.raises(ModelError, match=r"m\.bin does not fit resnet20-cifar: "):
        load_model("resnet20-cifar", weights=path)
    with pytest.raises(ModelError, match="There is no architecture 'resnet18'"):
        load_model(path, flags={"architecture": "resnet18"})


def test_an_architecture_for_what_needs_none(folder: Path) -> None:
    path = save_onnx(network(), folder / "m.onnx")
    with pytest.raises(ModelError, match="is a complete onnx model: leave out the architecture"):
        load_model("resnet20-cifar", weights=path)
    with pytest.raises(ModelError, match="brings its own weights"):
        load_model(path, weights=path)


def test_a_checkpoint_without_weights(folder: Path) -> None:
    torch.save({"epoch": 3, "note": "nothing"}, folder / "m.pth")
    with pytest.raises(ModelError, match=r"m\.pth holds no state_dict"):
        load_model("resnet20-cifar", weights="m.pth")


def test_bytes_after_the_tensors_of_safetensors(folder: Path) -> None:
    path = save_safetensors(network(), folder / "m.safetensors")
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ModelError, match="cannot be loaded as safetensors"):
        load_model("resnet20-cifar", weights=path)


def test_a_missing_weights_file(folder: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        load_model("resnet20-cifar", weights="nowhere.pth")


def test_a_size_the_model_does_not_take(folder: Path) -> None:
    path = save_onnx(network(), folder / "m.onnx")
    path.with_suffix(".json").write_text(json.dumps({"input_size": 2 * SIDE}))
    with pytest.raises(ModelError, match=r"on an input of shape \[1, 3, 16, 16\]: .*invalid dimensions"):
        load_model(path)


def test_a_missing_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"install the extra 'onnx' \(pip install driftlab\[onnx\]\)"):
        load_model(save_onnx(network(), folder / "m.onnx"))
