"""What dropped or named paths are: frames, a task model, settings, a mask, or nothing that can be opened.

Told from names alone, for a drop must say what it will do before it is let go; the loaders look at the content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from driftlab.raw.suffixes import frames_below

__all__ = ["MODELS", "Sorted", "sort"]

MODELS: Final = frozenset({".pt", ".pth", ".pt2", ".onnx", ".safetensors", ".th", ".ckpt"})
#: What a Hugging Face folder holds.
CONFIG: Final = "config.json"


@dataclass
class Sorted:
    """Paths by what they are."""

    frames: list[Path] = field(default_factory=list)
    models: list[Path] = field(default_factory=list)
    settings: list[Path] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    #: Folders that have not been searched.
    folders: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def opens(self) -> bool:
        """Whether there is anything to open."""
        return bool(self.frames or self.models or self.settings or self.masks or self.folders)

    def sentence(self) -> str:
        """What opening them will do, or why it will do nothing."""
        parts = []
        if self.frames:
            parts.append(f"open {self.frames[0].name}" if len(self.frames) == 1 else f"open {len(self.frames)} frames")
        parts += [f"open the frames in {folder.name}" for folder in self.folders]
        if self.models:
            parts.append(f"use {self.models[-1].name} as the task model")
        if self.settings:
            parts.append(f"apply the settings of {self.settings[-1].name}")
        if self.masks:
            parts.append(f"hold the segmentation against the mask {self.masks[-1].name}")
        if parts:
            said = ", ".join(parts)
            return f"{said[0].upper()}{said[1:]}"
        return " ".join(f"{path.name or path}: {why}." for path, why in self.refused[:3]) or "Nothing to open."


def sort(paths: Iterable[Path], is_mask: Callable[[Path], bool] = lambda path: False, *, search: bool = True) -> Sorted:
    """Each path where it belongs; a folder stands for the frames in it and below, or for the model that it is.

    Folders may hold very many files: without `search` nobody looks. A picture that `is_mask` takes for one is a mask,
    which no name tells.
    """
    result = Sorted()
    for path in paths:
        suffix = path.suffix.lower()
        if path.is_dir():
            if (path / CONFIG).is_file():
                result.models.append(path)
                continue
            if not search:
                result.folders.append(path)
                continue
            inside = frames_below(path)
            result.frames += inside
            if not inside:
                result.refused.append((path, "a folder without camera files or pictures"))
        elif not path.exists():
            result.refused.append((path, "there is no such file"))
        elif suffix in MODELS:
            result.models.append(path)
        elif suffix == ".json":
            result.settings.append(path)
        elif suffix in {".csv", ".txt", ".md", ".html", ".xml", ".pdf", ".xmp", ".py", ".zip"}:
            result.refused.append((path, f"driftlab opens camera files, pictures and models, no {suffix} files"))
        elif is_mask(path):
            result.masks.append(path)
        else:  # headerless dumps have any name
            result.frames.append(path)
    return result
