"""What a file may cost: pixels, expansion, seconds and memory, and the checks made before anything is decoded."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driftlab.raw.frame import RawError

__all__ = ["Limits", "check_file", "check_size"]

MEGA: Final = 1_000_000
SECONDS_PER_MEGABYTE: Final = 0.2  # a slow disk and a slow codec together stay below this


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost; the decoder is ended when it takes more.

    `megapixels` bounds the declared size; `ratio` bounds the declared bytes (two a sample) per byte of the file;
    `seconds` is wall time, to which every megabyte of the file adds a fifth of a second, so that large good files
    have time and small bad ones do not; `memory` is the decoder's address space in megabytes (POSIX only).
    """

    megapixels: float = 400.0
    ratio: float = 500.0
    seconds: float = 8.0
    memory: int = 6144

    def __post_init__(self) -> None:
        flags = {
            "megapixels": "max-megapixels",
            "ratio": "max-ratio",
            "seconds": "time-limit",
            "memory": "memory-limit",
        }
        for name, flag in flags.items():
            value = getattr(self, name)
            if not 0 < value <= 1e7:
                raise RawError(f"A limit of {value:g} cannot be: give --{flag} a number above 0, up to 10000000.")

    def time_for(self, size: int) -> float:
        """Seconds that a file of `size` bytes may take."""
        return self.seconds + SECONDS_PER_MEGABYTE * size / MEGA


def check_file(path: Path) -> int:
    """Size of a readable ordinary file in bytes; raises RawError for anything else."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise RawError(f"'{path}' is a folder: give the files in it.")
        if not stat.S_ISREG(status.st_mode):
            raise RawError(f"'{path}' is no ordinary file: copy its content into one.")
        if status.st_size == 0:
            raise RawError(f"'{path}' is empty: copy it from the camera again.")
        with path.open("rb"):
            return status.st_size
    except FileNotFoundError:
        raise RawError(f"There is no file '{path}': check the path.") from None
    except PermissionError:
        raise RawError(f"'{path}' may not be read: give yourself the permission to read it.") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise RawError(f"'{path}' cannot be read: {reason}.") from None


def check_size(width: int, height: int, channels: int, size: int, limits: Limits) -> None:
    """Refuse `width` × `height` × `channels` samples from a file of `size` bytes that break `limits`."""
    if width <= 0 or height <= 0:
        raise RawError(f"The file declares a picture of {width} × {height} samples: it is damaged.")
    if width * height > limits.megapixels * MEGA:
        raise RawError(
            f"The file declares {width} × {height} pixels, above the limit of {limits.megapixels:g} megapixels: "
            "raise it with --max-megapixels if you trust the file."
        )
    if 2 * width * height * channels > limits.ratio * size:
        raise RawError(
            f"The file declares {width} × {height} pixels in {size} bytes, an expansion above the limit of "
            f"{limits.ratio:g}: it is damaged or cut short; raise the limit with --max-ratio if you trust it."
        )
