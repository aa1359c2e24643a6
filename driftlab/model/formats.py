"""Opening a model: for every format the one way it is loaded. Trust has been settled before anything here is called.

Pickles are read with `weights_only=True` and in no other way; where that refuses, the model is refused.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.jit._fuser import optimized_execution

from driftlab.model.architectures import ARCHITECTURES
from driftlab.model.card import Channels, Layout, ModelError
from driftlab.model.inference import reason
from driftlab.model.network import Network, of_module, only_tensor
from driftlab.model.sniff import Format
from driftlab.model.source import Source

__all__ = ["open_network"]


def open_network(source: Source) -> Network:
    """The network of a source. Raises ModelError with one sentence, whatever the file does."""
    try:
        # Warnings of loaders are for their developers; a user of the model can do nothing about them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return OPENERS[source.format](source)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{source.name} cannot be loaded as {source.format}: {reason(error)}") from error


def _torchscript(source: Source) -> Network:
    script = torch.jit.load(io.BytesIO(source.files[0].content()), map_location="cpu")
    network = of_module(script)

    def call(inputs: Tensor) -> Tensor:
        # The optimizing executor spends seconds on compiling in the first calls and gains nothing afterwards.
        with optimized_execution(False):
            return only_tensor(script(inputs))

    return replace(network, call=call)


def _torch_export(source: Source) -> Network:
    program = torch.export.load(io.BytesIO(source.files[0].content()))
    inputs = [node.meta["val"] for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    if len(inputs) != 1 or not isinstance(inputs[0], Tensor):
        raise ModelError(f"{source.name} takes {len(inputs)} inputs: export a model that takes one picture.")
    module = program.module()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    # A symbolic side stands for any length.
    shape = [side if isinstance(side, int) else None for side in tuple[int | torch.SymInt, ...](inputs[0].shape)]
    return Network(lambda values: only_tensor(module(values)), inputs[0].dtype, claims=_claims(source, shape))


def _onnx(source: Source) -> Network:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"{source.name} is an ONNX file: install the extra 'onnx' (pip install driftlab[onnx])."
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(source.files[0].content(), options, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in ONNX_TYPES:
        wanted = ", ".join(f"{entry.name}: {entry.type}" for entry in inputs)
        raise ModelError(f"{source.name} takes the inputs ({wanted}): export a model that takes one picture.")
    name, output = inputs[0].name, session.get_outputs()[0].name

    def call(values: Tensor) -> Tensor:
        return torch.from_numpy(session.run([output], {name: values.detach().numpy()})[0])

    shape = [side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape]
    return Network(
        call,
        ONNX_TYPES[inputs[0].type],
        claims=_claims(source, shape),
        no_gradient="An ONNX file runs in ONNX Runtime, which gives no gradients.",
    )


#: The element types of ONNX inputs that a picture can be turned into.
ONNX_TYPES: Final = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
    "tensor(uint8)": torch.uint8,
}


def _claims(source: Source, shape: list[int | None]) -> dict[str, Any]:
    """What the declared shape of an input tells: the layout, by where its channels are, and the size if it is fixed."""
    if len(shape) != 4:
        raise ModelError(f"{source.name} takes an input of shape {shape}: export a model that takes one picture.")
    layout = Layout.NHWC if shape[3] in (1, 3) and shape[1] not in (1, 3) else Layout.NCHW
    channels, height, width = (shape[3], *shape[1:3]) if layout is Layout.NHWC else shape[1:]
    claims: dict[str, Any] = {"layout": layout}
    if height and width:
        claims["input_size"] = (height, width)
    if channels == 1:
        claims["channels"] = Channels.GRAY
    return claims


def _weights(source: Source) -> Network:
    """A network with weights from a file that holds nothing else, or a factory's network with its own."""
    architecture = str(source.architecture)
    built_in = ARCHITECTURES.get(architecture)
    module = built_in.make() if built_in else _made_by(architecture, source.files[0].path)
    if source.weights is not None:
        tensors = _tensors(source)
        try:
            module.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelError(f"{source.name} does not fit {architecture}: {reason(error)}") from error
    return of_module(module, built_in.claims if built_in else {})


def _tensors(source: Source) -> dict[str, Tensor]:
    """The weights by name, without what training wraps around them."""
    content = source.files[-1].content()
    if source.format is Format.SAFETENSORS:
        import safetensors.torch

        return safetensors.torch.load(content)
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{source.name} is a pickle of more than weights, which would run code when loaded: save "
            f"model.state_dict() or safetensors, or export the model with torch.export."
        ) from error
    while isinstance(loaded, Mapping) and not any(isinstance(value, Tensor) for value in loaded.values()):
        inner = next((loaded[key] for key in CHECKPOINT_KEYS if key in loaded), None)
        if inner is None:
            break
        loaded = inner
    if not isinstance(loaded, Mapping) or not loaded or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ModelError(f"{source.name} holds no state_dict: save model.state_dict().")
    return {name.removeprefix("module."): tensor for name, tensor in loaded.items()}


#: Under which key training scripts keep the state_dict in their checkpoints.
CHECKPOINT_KEYS: Final = ("state_dict", "model_state_dict", "model")


def _made_by(factory: str, path: Path) -> nn.Module:
    """What `package.module:factory` returns, where the module must be the file at `path`."""
    name, _, function = factory.partition(":")
    with _current_folder_first():
        module = importlib.import_module(name)
        if Path(str(module.__file__)) != path:
            raise ModelError(f"Another module {name} is in use already, {module.__file__}: rename yours.")
        make = getattr(module, function, None)
        if not callable(make):
            raise ModelError(f"The module {name} has no function {function}.")
        network = make()
    if not isinstance(network, nn.Module):
        raise ModelError(f"{factory} returns {type(network).__name__}: let it return a torch.nn.Module.")
    return network


@contextmanager
def _current_folder_first() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _hugging_face(source: Source) -> Network:
    # Only here: importing transformers takes seconds.
    from driftlab.model.huggingface import open_folder

    return open_folder(source)


OPENERS: Final[Mapping[Format, Callable[[Source], Network]]] = {
    Format.TORCHSCRIPT: _torchscript,
    Format.TORCH_EXPORT: _torch_export,
    Format.STATE_DICT: _weights,
    Format.SAFETENSORS: _weights,
    Format.FACTORY: _weights,
    Format.ONNX: _onnx,
    Format.HUGGING_FACE: _hugging_face,
}
