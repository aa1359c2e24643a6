"""Masks as files: what is read and written is class indices, and what is none is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from driftlab.mask_file import MaskError, looks_like_mask, read_mask, write_mask

INDICES = np.arange(35).reshape(5, 7) % 21


def _palette(path: Path) -> None:
    picture = Image.fromarray(INDICES.astype(np.uint8), "L").convert("P")
    picture.putdata(INDICES.flatten().tolist())
    picture.putpalette([255 - value for value in range(63)])
    picture.save(path)


WRITERS = {
    "gray.png": lambda path: Image.fromarray(INDICES.astype(np.uint8)).save(path),
    "palette.png": _palette,
    "deep.png": lambda path: Image.fromarray(INDICES.astype(np.uint16)).save(path),
    "mask.bmp": lambda path: Image.fromarray(INDICES.astype(np.uint8)).save(path),
    "mask.tif": lambda path: tifffile.imwrite(path, INDICES.astype(np.uint16)),
    "mask.npy": lambda path: np.save(path, INDICES.astype(np.int32)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_mask_is_read(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    found = read_mask(tmp_path / name)
    assert found.dtype == np.int64
    assert np.array_equal(found, INDICES)


@pytest.mark.parametrize(("classes", "mode", "none"), [(21, "L", 255), (300, "I;16", 65535)])
def test_a_written_mask_has_one_channel(classes: int, mode: str, none: int, tmp_path: Path) -> None:
    mask = INDICES.copy()
    mask[0, 0], mask[4, 6] = -1, classes - 1
    write_mask(mask, tmp_path / "mask.png", classes)
    with Image.open(tmp_path / "mask.png") as picture:
        assert picture.mode == mode
        pixels = np.asarray(picture)
    assert pixels[0, 0] == none
    assert np.array_equal(pixels.flatten()[1:], mask.flatten()[1:])
    assert [path.name for path in tmp_path.iterdir()] == ["mask.png"]


def _refused(tmp_path: Path, name: str) -> str:
    with pytest.raises(MaskError) as caught:
        read_mask(tmp_path / name)
    return str(caught.value)


def test_what_is_no_mask_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "colors.png")
    np.save(tmp_path / "floats.npy", np.zeros((4, 4), np.float32))
    np.save(tmp_path / "object.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "cut.png").write_bytes((tmp_path / "colors.png").read_bytes()[:40])
    assert "has 3 channels" in _refused(tmp_path, "colors.png")
    assert "float32 [4, 4]" in _refused(tmp_path, "floats.npy")
    for name in ("object.npy", "cut.png"):
        assert "can't be read" in _refused(tmp_path, name)
    assert "PNG, BMP, TIFF or NPY" in _refused(tmp_path, "mask.jpg")
    assert "There is no mask" in _refused(tmp_path, "none.png")


def test_a_mask_is_told_from_samples_and_pictures(tmp_path: Path) -> None:
    for name in WRITERS:
        WRITERS[name](tmp_path / name)
        assert looks_like_mask(tmp_path / name, {(9, 9), (5, 7)}, 21)
        assert not looks_like_mask(tmp_path / name, {(7, 5)}, 21)
        assert not looks_like_mask(tmp_path / name, {(5, 7)}, 20), "samples, with values that are no class"
    Image.fromarray(np.where(INDICES == 0, 255, INDICES).astype(np.uint8)).save(tmp_path / "void.png")
    assert looks_like_mask(tmp_path / "void.png", {(5, 7)}, 21)
    Image.new("RGB", (7, 5)).save(tmp_path / "colors.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "colors.png").read_bytes()[:40])
    for name in ("colors.png", "cut.png", "none.png", "photo.dng"):
        assert not looks_like_mask(tmp_path / name, {(5, 7)}, 21)
