"""Mosaics in ordinary containers (TIFF, PNG, NPY), and ordinary pictures (JPEG, BMP, RGB PNG and TIFF).

One channel, or equal channels, is a mosaic; three different channels are a picture, which `unprocess` turns into a
pseudo-RAW frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL import __version__ as pillow_version

from driftlab.raw.decoded import Decoded
from driftlab.raw.description import Description
from driftlab.raw.dump import plain_facts
from driftlab.raw.frame import CFA, RawError
from driftlab.raw.limits import Limits, check_size
from driftlab.raw.unprocess import Unprocess, unprocess

__all__ = ["decode_picture_file", "is_picture"]

PNG: Final = b"\x89PNG\r\n\x1a\n"
NPY: Final = b"\x93NUMPY"
JPEG: Final = b"\xff\xd8\xff"
BMP: Final = b"BM"
EXIF_ORIENTATION: Final = 274


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with `head` is PNG, NPY, JPEG or BMP; a TIFF may be a camera file."""
    return head.startswith((PNG, NPY, JPEG, BMP))


def decode_picture_file(
    path: Path, head: bytes, description: Description, parameters: Unprocess, limits: Limits
) -> Decoded:
    """The mosaic in a TIFF, PNG or NPY file, or the pseudo-RAW frame of a picture in it, or in a JPEG or BMP."""
    samples, decoder, orientation = _samples(path, head, limits)
    if samples.dtype.kind not in "uf":
        raise RawError(f"'{path.name}' has samples of type {samples.dtype}: save them as unsigned integers or floats.")
    if samples.ndim == 2:
        decoded = _mosaic(samples[None], "RGGB", description)
    elif description.cfa is not None and CFA.parse(description.cfa).kind == "linear":
        decoded = _mosaic(np.moveaxis(samples[..., :3], 2, 0).copy(), "linear", description)
    elif head.startswith((JPEG, BMP)) or not _equal_channels(samples):
        if description.said():
            raise RawError(
                f"'{path.name}' is an RGB picture, whose camera un-processing makes up: a description of its "
                "samples cannot be right."
            )
        decoded = unprocess(samples[..., :3], parameters)
    else:
        decoded = _mosaic(samples[None, ..., 0], "RGGB", description)
        decoded = decoded.remarked("the mosaic is repeated in every channel: the first one is taken")
    return decoded.with_facts(decoder=decoder, orientation=orientation)


def _mosaic(samples: NDArray[Any], cfa: str, description: Description) -> Decoded:
    """Samples `[C, H, W]` as they are; floats in 0-1 are brought to 16 bits."""
    remarks = []
    if samples.dtype.kind == "f":
        bits = 16
        if float(np.nanmax(samples)) <= 1:
            samples = samples * np.float32(65535)
            remarks.append("float samples in 0-1 are multiplied by 65535")
    else:
        bits = 8 * samples.dtype.itemsize
    if description.cfa is None:
        remarks.append(f"the color filter array is assumed to be {cfa}")
    return Decoded(samples, plain_facts(CFA.parse(description.cfa or cfa), bits)).remarked(*remarks)


def _equal_channels(samples: NDArray[Any]) -> bool:
    """Whether the first three channels of `[H, W, C]` are the same."""
    first = samples[..., :1]
    return bool((samples[..., 1:3] == first).all())


def _samples(path: Path, head: bytes, limits: Limits) -> tuple[NDArray[Any], str, int]:
    """`[H, W]` or `[H, W, 3 or 4]`, what decoded it, and the EXIF orientation."""
    size = path.stat().st_size
    if head.startswith(NPY):
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        array = _image_shaped(path, array)
        check_size(array.shape[1], array.shape[0], array[0, :1].size, size, limits)
        return np.array(array), f"numpy {np.__version__}", 1
    if head[:2] in (b"II", b"MM"):
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            check_size(page.imagewidth, page.imagelength, page.samplesperpixel, size, limits)
            orientation = page.tags.valueof(EXIF_ORIENTATION, 1)
            array = page.asarray()
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and array.ndim == 3:
                array = np.moveaxis(array, 0, 2)
            return _image_shaped(path, array), f"tifffile {tifffile.__version__}", _orientation(orientation)
    Image.MAX_IMAGE_PIXELS = None  # `limits` decides
    with Image.open(path, formats=("PNG", "JPEG", "BMP")) as picture:
        check_size(*picture.size, len(picture.getbands()), size, limits)
        orientation = picture.getexif().get(EXIF_ORIENTATION, 1)
        if head.startswith(PNG):  # Pillow would cut 16-bit colors to 8
            array = imagecodecs.png_decode(path.read_bytes())
            return _image_shaped(path, array), f"imagecodecs {imagecodecs.__version__}", _orientation(orientation)
        return np.asarray(picture.convert("RGB")), f"Pillow {pillow_version}", _orientation(orientation)


def _image_shaped(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    """`[H, W]`, or `[H, W, C]` of three or more channels; an alpha channel beside one gray channel is dropped."""
    if array.ndim == 3 and array.shape[2] in (1, 2):
        array = array[..., 0]
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise RawError(f"'{path.name}' holds an array of {array.shape}: a mosaic is [H, W], a picture [H, W, 3].")
    return array


def _orientation(value: Any) -> int:
    return int(value) if value in range(1, 9) else 1
