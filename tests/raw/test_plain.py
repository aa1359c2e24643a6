from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from driftlab.raw.description import Description
from driftlab.raw.frame import Origin, RawError
from driftlab.raw.limits import Limits
from driftlab.raw.load import load_raw

RNG = np.random.default_rng(3)
MOSAICS = {"u1": RNG.integers(0, 256, (9, 14), "u1"), "u2": RNG.integers(0, 65536, (9, 14), "u2")}


def save(path, samples):
    if path.suffix == ".npy":
        np.save(path, samples)
    elif path.suffix == ".png":
        Image.fromarray(samples).save(path)
    else:
        tifffile.imwrite(path, samples, compression="zlib" if path.suffix == ".tiff" else None)


@pytest.mark.parametrize("suffix", [".npy", ".png", ".tif", ".tiff", ".wrong"])
@pytest.mark.parametrize("kind", MOSAICS)
def test_mosaics(tmp_path, suffix, kind):
    path = tmp_path / f"a{suffix}"
    save(path, MOSAICS[kind])
    frame = load_raw(path)
    assert np.array_equal(frame.mosaic[0], MOSAICS[kind])
    assert (frame.cfa.name, frame.white, frame.bits) == ("RGGB", np.iinfo(kind).max, 8 * np.dtype(kind).itemsize)
    assert frame.origin is Origin.SENSOR
    assert any("assumed to be RGGB" in remark for remark in frame.remarks)


def test_a_description_wins(tmp_path):
    path = tmp_path / "a.npy"
    save(path, MOSAICS["u2"])
    frame = load_raw(path, description=Description(cfa="BGGR", black=(1.0, 2.0, 3.0, 4.0), white=60000.0, bits=12))
    assert (frame.cfa.name, frame.black, frame.white, frame.bits) == ("BGGR", (1.0, 2.0, 3.0, 4.0), 60000.0, 12)
    assert any(remark.startswith("described") for remark in frame.remarks)


def test_a_mosaic_repeated_in_every_channel(tmp_path):
    path = tmp_path / "a.png"
    rgba = np.dstack([MOSAICS["u1"]] * 3 + [np.full_like(MOSAICS["u1"], 255)])
    save(path, rgba)
    frame = load_raw(path)
    assert np.array_equal(frame.mosaic[0], MOSAICS["u1"])
    assert any("repeated" in remark for remark in frame.remarks)


def test_floats_in_unit_range(tmp_path):
    path = tmp_path / "a.npy"
    save(path, (MOSAICS["u2"] / 65535).astype(np.float32))
    frame = load_raw(path)
    assert np.allclose(frame.mosaic[0], MOSAICS["u2"], atol=0.01)
    assert frame.white == 65535
    assert any("65535" in remark for remark in frame.remarks)


def test_linear_arrays_by_description(tmp_path):
    path = tmp_path / "a.npy"
    samples = RNG.integers(0, 4096, (5, 7, 3), "u2")
    save(path, samples)
    frame = load_raw(path, description=Description(cfa="linear", white=4095.0))
    assert np.array_equal(frame.mosaic, np.moveaxis(samples, 2, 0))


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".png", ".tif"])
def test_pictures_become_pseudo_raw(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(RNG.integers(0, 256, (8, 10, 3), "u1")).save(path)
    frame = load_raw(path)
    assert frame.origin is Origin.PSEUDO_RAW
    assert frame.size == (8, 10)


def test_orientation_is_recorded_and_not_applied(tmp_path):
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RNG.integers(0, 256, (8, 10, 3), "u1")).save(path, exif=exif)
    frame = load_raw(path)
    assert (frame.orientation, frame.size) == (6, (8, 10))


def test_a_picture_named_as_a_camera_file_is_refused(tmp_path):
    path = tmp_path / "a.nef"
    Image.fromarray(RNG.integers(0, 256, (8, 10, 3), "u1")).save(path, format="JPEG")
    with pytest.raises(RawError, match="suffix"):
        load_raw(path)


def test_a_picture_takes_no_description(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(RNG.integers(0, 256, (8, 10, 3), "u1")).save(path)
    with pytest.raises(RawError, match="un-processing"):
        load_raw(path, description=Description(cfa="BGGR"))


@pytest.mark.parametrize(
    "samples",
    [
        np.full((4, 6), 7, "u2"),
        np.full((4, 6), np.nan, "f4"),
        np.zeros((0, 6), "u2"),
        np.zeros((4, 6, 5), "u2"),
        np.ones((2, 3, 4, 6), "u2"),
        np.array([["a", "b"], ["c", "d"]]),
        np.array([[{}, {}], [{}, {}]], dtype=object),
        np.arange(24).reshape(4, 6) * 1j,
    ],
    ids=["constant", "nan", "empty", "five planes", "four dimensions", "text", "pickled", "complex"],
)
def test_arrays_that_are_no_picture(tmp_path, samples):
    path = tmp_path / "a.npy"
    np.save(path, samples, allow_pickle=True)
    with pytest.raises(RawError, match=r"a\.npy"):
        load_raw(path)


def test_the_pixel_limit_holds_before_decoding(tmp_path):
    path = tmp_path / "a.png"
    save(path, RNG.integers(0, 256, (1000, 1001), "u1"))
    with pytest.raises(RawError, match="--max-megapixels"):
        load_raw(path, limits=Limits(megapixels=1.0))


def test_the_expansion_limit_holds_before_decoding(tmp_path):
    path = tmp_path / "a.png"
    save(path, np.zeros((4000, 4000), "u1"))
    with pytest.raises(RawError, match="--max-ratio"):
        load_raw(path)
