"""Tiny models with known answers, written in every format."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

SIDE = 8
CLASSES = 5


def network(dtype: torch.dtype = torch.float32, seed: int = 1) -> nn.Sequential:
    """`[N, 3, 8, 8]` -> `[N, 5]`: takes no other size, and no picture leaves its answer alone."""
    generator = torch.Generator().manual_seed(seed)
    linear = nn.Linear(3 * SIDE * SIDE, CLASSES, dtype=dtype)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=dtype) / 4)
    return nn.Sequential(nn.Tanh(), nn.Flatten(), linear).eval()


def pictures(count: int, height: int, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Display RGB `[count, 3, height, width]` of noise."""
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(5), dtype=dtype)


def save_torchscript(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(path))
    return path


def save_export(module: nn.Module, path: Path, example: Tensor, batch: torch.export.Dim | None = None) -> Path:
    """A torch.export archive, fixed to the batch of its example as `torch.export` does by default."""
    shapes = ({0: batch},) if batch else None
    torch.export.save(torch.export.export(module, (example,), dynamic_shapes=shapes), path)
    return path


def save_onnx(module: nn.Sequential, path: Path, element: int = TensorProto.FLOAT, batch: int | str = "N") -> Path:
    """`network` as an ONNX file."""
    kind = helper.tensor_dtype_to_np_dtype(element)
    linear = module[2]
    held = [
        numpy_helper.from_array(parameter.detach().numpy().astype(kind), name)
        for name, parameter in (("weight", linear.weight), ("bias", linear.bias))
    ]
    nodes = [
        helper.make_node("Tanh", ["picture"], ["bent"]),
        helper.make_node("Flatten", ["bent"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["scores"], transB=1),
    ]
    return save_graph(nodes, path, [batch, 3, SIDE, SIDE], [batch, CLASSES], held, element)


def save_graph(
    nodes: list[onnx.NodeProto],
    path: Path,
    shape: list[int | str],
    output: list[int | str],
    held: list[TensorProto] | None = None,
    element: int = TensorProto.FLOAT,
    answer: int | None = None,
) -> Path:
    """An ONNX file from `picture` to `scores`."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("picture", element, shape)],
        [helper.make_tensor_value_info("scores", element if answer is None else answer, output)],
        held or [],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


FACTORY = """
from tests.model.tiny import network

def make():
    return network(seed=9)

def make_double():
    import torch
    return network(torch.float64, seed=9)
"""


def save_segmenter(path: Path) -> Path:
    """Three classes a pixel, of pictures of any size, as TorchScript with its card."""
    conv = nn.Conv2d(3, 3, 3, padding=1)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)) * 3)
            parameter.requires_grad_(False)
    card = {"task": "segmentation", "labels": ["sky", "sea", "land"], "input_size": None, "output": "logits"}
    path.with_suffix(".json").write_text(json.dumps(card))
    return save_torchscript(nn.Sequential(conv).eval(), path)


def save_safetensors(module: nn.Module, path: Path) -> Path:
    safetensors.torch.save_file(module.state_dict(), path)
    return path


def save_state_dict(module: nn.Module, path: Path) -> Path:
    """A checkpoint as training scripts write them: wrapped, and with the prefix of DataParallel."""
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in module.state_dict().items()}}, path)
    return path


#: Format -> writes `network` (of its dtype) into a folder, whose card, if it needs one, names a factory.
WRITERS: dict[str, Callable[[nn.Sequential, Path], Path]] = {
    "torchscript": lambda module, folder: save_torchscript(module, folder / "m.pt"),
    "torch.export": lambda module, folder: save_export(
        module, folder / "m.pt2", torch.zeros(1, 3, SIDE, SIDE, dtype=module[2].weight.dtype)
    ),
    "safetensors": lambda module, folder: save_safetensors(module, folder / "m.safetensors"),
    "state_dict": lambda module, folder: save_state_dict(module, folder / "m.pth"),
    "onnx": lambda module, folder: save_onnx(
        module,
        folder / "m.onnx",
        {torch.float32: TensorProto.FLOAT, torch.float64: TensorProto.DOUBLE}[module[2].weight.dtype],
    ),
}


def write(kind: str, folder: Path, dtype: torch.dtype = torch.float32, **card: object) -> Path:
    """`network` in a format, with a card beside it; for formats of mere weights a factory in `folder`."""
    path = WRITERS[kind](network(dtype), folder)
    if kind in ("safetensors", "state_dict"):
        (folder / f"tiny_{kind}.py").write_text(FACTORY)
        card["architecture"] = f"tiny_{kind}:" + ("make" if dtype is torch.float32 else "make_double")
    path.with_suffix(".json").write_text(json.dumps({"input_size": SIDE, "task": "classification", **card}))
    return path
