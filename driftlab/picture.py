"""Pictures as files: 8-bit PNG, 16-bit TIFF and float32 NPY."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.atomic import whole_file
from driftlab.errors import DriftlabError

__all__ = ["PictureError", "bits_of", "write_picture"]

#: Suffix -> bits of an integer picture; None for float32, as it is.
DEPTHS: Final[dict[str, int | None]] = {".png": 8, ".tif": 16, ".tiff": 16, ".npy": None}


class PictureError(DriftlabError):
    """A picture can't be written; the message is one sentence that names the mend."""


def bits_of(path: Path) -> int | None:
    """The depth that a file of this name holds: 8 or 16 bits, or None for float32."""
    if path.suffix.lower() not in DEPTHS:
        raise PictureError(f"'{path}' names no kind of picture: end it in {', '.join(DEPTHS)}.")
    return DEPTHS[path.suffix.lower()]


def write_picture(picture: NDArray[Any], path: Path) -> None:
    """Write `picture` `[C, H, W]`, one or three channels, of the depth that `bits_of` tells for `path`."""
    bits = bits_of(path)
    expected = {None: np.float32, 8: np.uint8, 16: np.uint16}[bits]
    if picture.dtype != expected or picture.shape[0] not in (1, 3):
        raise PictureError(
            f"{picture.dtype} {picture.shape} does not go into '{path}', which holds {expected.__name__}."
        )
    pixels = np.ascontiguousarray(picture.transpose(1, 2, 0))
    try:
        with whole_file(path) as part:
            if bits is None:
                with part.open("wb") as file:
                    np.save(file, picture)
            elif bits == 8:
                import imagecodecs

                part.write_bytes(imagecodecs.png_encode(pixels.squeeze(), level=3))
            else:
                import tifffile

                with tifffile.TiffWriter(part) as tiff:
                    tiff.write(
                        pixels.squeeze(), photometric="rgb" if len(picture) == 3 else "minisblack", metadata=None
                    )
    except OSError as error:
        raise PictureError(f"'{path}' can't be written: {error.strerror or error}.") from error
