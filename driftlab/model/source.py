"""Where a model comes from: its files with their sha256, and whether loading it can run code.

All of this is found out without running anything of the model.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driftlab.model.architectures import ARCHITECTURES, OLDER
from driftlab.model.card import ModelError
from driftlab.model.sniff import Format, sniff

__all__ = ["Source", "SourceFile", "find", "locate"]

#: Why loading a format can run code; the other formats hold numbers and a fixed set of operations only.
RISKS: Final = {
    Format.TORCHSCRIPT: "a TorchScript file is a program, free to do whatever you can do",
    Format.TORCH_EXPORT: "a torch.export archive can hold pickles, which run any code when they are loaded",
    Format.FACTORY: "a factory is Python code, free to do whatever you can do",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a model and the sha256 of its bytes."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """The file at `path`, hashed. Raises ModelError when it cannot be read."""
        try:
            with path.open("rb") as file:
                return cls(path, hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise ModelError(f"The model {path} cannot be read: {error.strerror}.") from error

    def content(self) -> bytes:
        """The file's bytes, only if they still are those that were hashed: trust in a sha256 is trust in what runs."""
        content = self.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelError(f"{self.path.name} changed while it was being loaded: load it again.")
        return content


@dataclass(frozen=True, slots=True)
class Source:
    """What a model is made of. A loaded model carries it as the record of which code was trusted."""

    format: Format
    #: The file or folder of the weights; None for a factory that brings its own.
    weights: Path | None
    #: A built-in architecture or `package.module:factory`, where the file holds weights only.
    architecture: str | None
    files: tuple[SourceFile, ...]
    #: Why loading can run code, or None where it cannot.
    risk: str | None

    @property
    def name(self) -> str:
        """What to call the model in a sentence."""
        return self.weights.name if self.weights else str(self.architecture)

    @property
    def sha256(self) -> str:
        """The sha256 of the only file, or else that of the lines `sha256sum` prints for all of them, by bare name."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = "".join(f"{file.sha256}  {file.path.name}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()


def find(model: str | Path, weights: str | Path | None, architecture: str | None) -> Source:
    """The source of `model`: a file, a Hugging Face folder, a built-in architecture or `package.module:factory`.

    `weights` is the file for an architecture or factory; `architecture` is what the card of a weights file names.
    Raises ModelError when there is no such model, or when it takes more than was given.
    """
    path, spec = Path(model), OLDER.get(str(model), str(model))
    architecture = OLDER.get(architecture or "", architecture)
    if path.exists() and weights is not None:
        raise ModelError(f"{path.name} brings its own weights: leave out --weights, or name an architecture instead.")
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(f"The folder {path.name} is no Hugging Face model: it has no config.json.")
        return _source(Format.HUGGING_FACE, path, None, [path / "config.json", *sorted(path.glob("*.safetensors"))])
    if path.exists():
        return _of_weights(path, architecture)
    if spec not in ARCHITECTURES and not is_factory(spec):
        raise ModelError(
            f"There is no model '{model}': give a file, a Hugging Face folder, package.module:factory, or one of the "
            f"built-in architectures {', '.join(ARCHITECTURES)}."
        )
    if weights is not None:
        return _of_weights(Path(weights), spec)
    if spec in ARCHITECTURES:
        raise ModelError(f"The architecture {spec} has no weights of its own: give --weights FILE.")
    return _source(Format.FACTORY, None, spec, [])


def _of_weights(path: Path, architecture: str | None) -> Source:
    form = sniff(path)
    complete = form not in (Format.STATE_DICT, Format.SAFETENSORS)
    if complete and architecture:
        raise ModelError(f"{path.name} is a complete {form} model: leave out the architecture {architecture}.")
    if not complete and not architecture:
        raise ModelError(
            f"{path.name} holds weights only: say of what, with 'architecture' in its card, or with --model NAME "
            f"--weights {path.name}, where NAME is package.module:factory or one of {', '.join(ARCHITECTURES)}."
        )
    return _source(form, path, architecture, [path])


def _source(form: Format, weights: Path | None, architecture: str | None, paths: list[Path]) -> Source:
    risk = RISKS.get(form)
    if architecture is not None and architecture not in ARCHITECTURES:
        paths = [locate(architecture), *paths]
        risk = RISKS[Format.FACTORY]
    return Source(form, weights, architecture, tuple(SourceFile.of(path) for path in paths), risk)


def is_factory(spec: str) -> bool:
    """Whether `spec` reads `package.module:factory`."""
    return re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", spec) is not None


def locate(spec: str) -> Path:
    """The source file of `package.module:factory`, on Python's path or in the current folder, without importing it.

    The current folder comes last, as where it is imported from: what lies there takes no installed module's place.
    """
    if not is_factory(spec):
        raise ModelError(
            f"There is no architecture '{spec}': give package.module:factory or one of {', '.join(ARCHITECTURES)}."
        )
    module = spec.partition(":")[0]
    parts = module.split(".")
    folders: Sequence[str] | None = [*sys.path, str(Path.cwd())]
    found = None
    for depth in range(len(parts)):
        name = ".".join(parts[: depth + 1])
        if folders is not None:
            found = importlib.machinery.PathFinder.find_spec(name, folders)
        folders = found.submodule_search_locations if found else None
    if found is None or not found.has_location or found.origin is None:
        raise ModelError(f"There is no module {module} in the current folder or among the installed packages.")
    return Path(found.origin)
