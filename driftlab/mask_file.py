"""Masks as files: one class index a pixel, as PNG, BMP, TIFF or NPY.

What an index stands for is the task model's matter: indices without a class (255 for unlabeled, as data sets have it)
are read as they are.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftlab.atomic import whole_file
from driftlab.errors import DriftlabError

__all__ = ["MASKS", "MaskError", "looks_like_mask", "read_mask", "write_mask"]

#: The suffixes of files that can hold a mask.
MASKS: Final = frozenset({".png", ".bmp", ".tif", ".tiff", ".npy"})
#: Pixels of the largest mask that is read.
LARGEST: Final = 400_000_000
#: Modes of Pillow with one number a pixel; of a palette, the number is the index into it.
SINGLE: Final = frozenset({"1", "L", "P", "I", "I;16", "I;16B"})


class MaskError(DriftlabError):
    """A file that holds no mask, or a mask that fits nothing; the message is one sentence that names the mend."""


def read_mask(path: Path) -> NDArray[np.int64]:
    """Class indices `[H, W]`. Raises MaskError for a file that does not hold one whole number a pixel."""
    if path.suffix.lower() not in MASKS:
        raise MaskError(f"'{path.name}' is no mask: give class indices as PNG, BMP, TIFF or NPY.")
    try:
        indices = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else _of_picture(path)
    except FileNotFoundError:
        raise MaskError(f"There is no mask '{path}': check the path.") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # decoders fail on damaged files in many ways
        reason = getattr(error, "strerror", None) or "it is damaged, or of another format than its name says"
        raise MaskError(f"The mask '{path.name}' can't be read: {reason}.") from None
    if indices.ndim != 2 or indices.dtype.kind not in "biu" or 0 in indices.shape:
        raise MaskError(f"'{path.name}' holds {indices.dtype} {list(indices.shape)}: a mask has whole numbers [H, W].")
    return indices.astype(np.int64)


def _of_picture(path: Path) -> NDArray[np.generic]:
    from PIL import Image

    with Image.open(path, formats=("PNG", "BMP", "TIFF")) as picture:
        if picture.width * picture.height > LARGEST:
            raise MaskError(f"The mask '{path.name}' declares {picture.width} × {picture.height} pixels: too many.")
        if picture.mode not in SINGLE:
            raise MaskError(
                f"'{path.name}' has {len(picture.getbands())} channels: a mask has one, with the index of a class in "
                "each pixel."
            )
        return np.asarray(picture)


def looks_like_mask(path: Path, sizes: Collection[tuple[int, int]], classes: int) -> bool:
    """Whether a file holds a mask for a picture of one of these (height, width), and not samples or a picture.

    It has one channel, and in it nothing but classes, and the highest value of 8 or 16 bits for what has none.
    """
    try:
        if path.suffix.lower() not in MASKS or not _is_of_size(path, sizes):
            return False
        found = np.unique(read_mask(path))
    except (DriftlabError, OSError, ValueError, SyntaxError):
        return False
    return bool(np.isin(found[(found < 0) | (found >= classes)], (-1, 255, 65535)).all())


def _is_of_size(path: Path, sizes: Collection[tuple[int, int]]) -> bool:
    """Told from the file's head, for most pictures are no masks."""
    if path.suffix.lower() == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False).shape in sizes
    from PIL import Image

    with Image.open(path, formats=("PNG", "BMP", "TIFF")) as picture:
        return picture.mode in SINGLE and (picture.height, picture.width) in sizes


def write_mask(mask: NDArray[np.int64], path: Path, classes: int) -> None:
    """Write class indices `[H, W]` as a PNG of one channel; a pixel without a class (below 0) has its highest value.

    It has 8 bits for up to 255 `classes`, else 16. Raises MaskError where it can't be written.
    """
    import imagecodecs

    if path.suffix.lower() != ".png":
        raise MaskError(f"'{path}' names no mask: end it in .png.")
    kind = np.uint8 if classes <= 255 else np.uint16
    pixels = np.where(mask < 0, np.iinfo(kind).max, mask).astype(kind)
    try:
        with whole_file(path) as part:
            part.write_bytes(imagecodecs.png_encode(pixels, level=6))
    except OSError as error:
        raise MaskError(f"'{path}' can't be written: {error.strerror or error}.") from error
