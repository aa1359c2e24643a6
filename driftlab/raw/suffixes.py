"""How files are named that can be frames: the one list of suffixes, in lower case, for every place that goes by names.

A file that somebody names may have any suffix: headerless dumps have none of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["CAMERA", "FRAMES", "PICTURES", "frames_below"]

#: What cameras write.
CAMERA: Final = frozenset(
    (
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mef",
        ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    )
)  # fmt: skip
#: Pictures, and arrays of samples.
PICTURES: Final = frozenset((".bmp", ".jpeg", ".jpg", ".npy", ".png", ".tif", ".tiff"))
#: What counts as a frame where a folder is searched.
FRAMES: Final = CAMERA | PICTURES


def frames_below(folder: Path) -> list[Path]:
    """All frames in a folder and below, by their paths; nothing hidden."""
    inside = (path for path in folder.rglob("*") if path.suffix.lower() in FRAMES and path.is_file())
    return sorted(path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts))
