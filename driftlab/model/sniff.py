"""The format of a model file by its content. An extension is a hint to people; it decides nothing here."""

from __future__ import annotations

import os
import zipfile
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from driftlab.model.card import ModelError

__all__ = ["Format", "sniff"]


class Format(StrEnum):
    """What kind of thing a model is loaded from."""

    TORCHSCRIPT = "torchscript"
    TORCH_EXPORT = "torch.export"
    STATE_DICT = "state_dict"
    SAFETENSORS = "safetensors"
    ONNX = "onnx"
    HUGGING_FACE = "huggingface"
    FACTORY = "factory"


#: How `torch.save` began before it wrote archives: a pickle, protocol 2, of the magic number 0x1950a86a20f9469cfc6c.
LEGACY_CHECKPOINT: Final = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

#: (offset, bytes) of files that people try -> what they are and the mend.
FOREIGN: Final = {
    (0, b"\x89HDF"): "a Keras or HDF5 file: export it to ONNX",
    (4, b"TFL3"): "a TensorFlow Lite file: convert it to ONNX",
    (0, b"GGUF"): "a GGUF file, which holds no vision model that can be run here",
    (0, b"\x80"): "a plain pickle, which runs code when it is loaded: save the weights as safetensors",
}


def sniff(path: Path) -> Format:
    """The format of a file. Raises ModelError, naming the mend, for a file that is missing, damaged or no model."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(16)
            if head.startswith(b"PK\x03\x04"):
                return _archive(path.name, file)
            if head.startswith(LEGACY_CHECKPOINT):
                return Format.STATE_DICT
            if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
                return Format.SAFETENSORS
            if head.startswith(b"\x08") and _is_onnx(file, size):
                return Format.ONNX
    except OSError as error:
        raise ModelError(f"The model {path} cannot be read: {error.strerror}.") from error
    for (offset, mark), what in FOREIGN.items():
        if head[offset:].startswith(mark):
            raise ModelError(f"{path.name} is {what}.")
    raise ModelError(
        f"{path.name} is {'empty' if not size else 'damaged or no model file'}: "
        f"give TorchScript, torch.export, safetensors, a state_dict or ONNX."
    )


def _archive(name: str, file: BinaryIO) -> Format:
    """The format of a zip archive by its members; torch puts all of them into one folder."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
    except zipfile.BadZipFile as error:
        raise ModelError(f"{name} is damaged or cut short: its archive has no readable directory.") from error
    inner = {member.partition("/")[2] for member in members}
    if "constants.pkl" in inner and any(member.startswith("code/") for member in inner):
        return Format.TORCHSCRIPT
    if "archive_format" in inner or "serialized_exported_program.json" in members:
        return Format.TORCH_EXPORT
    if "data.pkl" in inner:
        return Format.STATE_DICT
    raise ModelError(f"{name} is a zip archive, but not one of torch: give TorchScript, torch.export or a state_dict.")


def _is_onnx(file: BinaryIO, size: int) -> bool:
    """Whether a file is one protobuf message with a graph (field 7) among its fields, to the last byte.

    The wire format: protobuf.dev/programming-guides/encoding; the fields: `ModelProto` of onnx.proto.
    """
    file.seek(0)
    fields = set()
    while file.tell() < size:
        key = _varint(file)
        fields.add(key >> 3)
        match key & 7:
            case 0:
                _varint(file)
            case 1:
                file.seek(8, os.SEEK_CUR)
            case 2:
                file.seek(_varint(file), os.SEEK_CUR)
            case 5:
                file.seek(4, os.SEEK_CUR)
            case _:
                return False
    return file.tell() == size and 7 in fields


def _varint(file: BinaryIO) -> int:
    """The next base-128 number; 0 at the end of the file."""
    value = shift = 0
    while shift < 64 and (byte := file.read(1)):
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            break
        shift += 7
    return value
