"""An ONNX file through ONNX Runtime: a black box, which answers but gives no gradients."""

from __future__ import annotations

import os
import tempfile
from typing import Final

import torch
from torch import Tensor

from driftlab.model.card import ModelError
from driftlab.model.network import Network, claims_of_shape
from driftlab.model.source import Source

__all__ = ["open_onnx"]

#: The element types of ONNX inputs that a picture can be turned into.
ELEMENTS: Final = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
    "tensor(uint8)": torch.uint8,
}


def open_onnx(source: Source) -> Network:
    """The network of an ONNX file with one picture as input; of several outputs the first counts.

    Raises ModelError without the extra, for other inputs, and for weights outside of the file.
    """
    # It would look its maker's host up and report to it; told after the import it has begun already.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"{source.name} is an ONNX file: install the extra 'onnx' (pip install driftlab[onnx])."
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that spin while they wait take the cores from torch, which runs in turns with them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with tempfile.TemporaryDirectory() as nothing:
        # A model is the bytes that were hashed: weights in other files are looked for where there are none.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", nothing)
        try:
            content = source.files[0].content()
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            if "External data" in str(error):
                raise ModelError(f"{source.name} keeps its weights in another file: save it as one file.") from error
            raise
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in ELEMENTS:
        wanted = ", ".join(f"{entry.name}: {entry.type}" for entry in inputs)
        raise ModelError(f"{source.name} takes the inputs ({wanted}): export a model that takes one picture.")
    name, output = inputs[0].name, session.get_outputs()[0].name

    def call(values: Tensor) -> Tensor:
        return torch.from_numpy(session.run([output], {name: values.detach().cpu().numpy()})[0])

    return Network(
        call,
        ELEMENTS[inputs[0].type],
        claims=claims_of_shape(source.name, inputs[0].shape),
        no_gradient="An ONNX file runs in ONNX Runtime, which gives no gradients.",
    )
