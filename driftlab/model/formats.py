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
from typing import Final

import torch
from torch import Tensor, nn
from torch.jit._fuser import optimized_execution

from driftlab.model.architectures import ARCHITECTURES
from driftlab.model.card import ModelError
from driftlab.model.huggingface import open_folder
from driftlab.model.inference import reason
from driftlab.model.network import Network, claims_of_shape, of_module, only_tensor
from driftlab.model.onnx_file import open_onnx
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
    claims = claims_of_shape(source.name, inputs[0].shape)
    return Network(lambda values: only_tensor(module(values)), inputs[0].dtype, claims=claims)


def _weights(source: Source) -> Network:
    """A network with weights from a file that holds nothing else, or a factory's network with its own."""
    architecture = str(source.architecture)
    built_in = ARCHITECTURES.get(architecture)
    # The random weights that a new network starts with are not to be taken from anybody else's sequence.
    with torch.random.fork_rng(devices=[]):
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
    with _current_folder_last(path):
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
def _current_folder_last(path: Path) -> Iterator[None]:
    """Where the trusted module at `path` is in the current folder, its neighbors can be imported too.

    They come last, so that none takes the place of an installed module.
    """
    folder = Path.cwd()
    if not path.is_relative_to(folder):
        yield
        return
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


OPENERS: Final[Mapping[Format, Callable[[Source], Network]]] = {
    Format.TORCHSCRIPT: _torchscript,
    Format.TORCH_EXPORT: _torch_export,
    Format.STATE_DICT: _weights,
    Format.SAFETENSORS: _weights,
    Format.FACTORY: _weights,
    Format.ONNX: open_onnx,
    Format.HUGGING_FACE: open_folder,
}
