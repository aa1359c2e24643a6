"""Bad input of every kind is one sentence; good input is what it is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from driftlab.raw.description import Description
from driftlab.raw.dng import write_dng
from driftlab.raw.frame import CFA, RawError, RawFrame
from driftlab.raw.limits import Limits
from driftlab.raw.load import load_raw
from tests.conftest import data_folder

DATA = data_folder()
BAD = sorted(path for folder in ("corrupt", "unsupported") for path in (DATA / folder).iterdir()) if DATA else []


def sentence(path, **options):
    with pytest.raises(RawError) as caught:
        load_raw(path, **options)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text
    return text


def test_no_file(tmp_path):
    assert "no file" in sentence(tmp_path / "a.dng")


def test_folder(tmp_path):
    assert "folder" in sentence(tmp_path)


def test_empty_file(tmp_path):
    (tmp_path / "a.dng").touch()
    assert "empty" in sentence(tmp_path / "a.dng")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.dng")
    assert "no ordinary file" in sentence(tmp_path / "a.dng")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.dng"
    path.write_bytes(b"II*\0")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read" in sentence(path)


def test_a_name_that_cannot_be():
    assert "cannot be read" in sentence("a\0b.dng")


def test_text(tmp_path):
    (tmp_path / "a.dng").write_text("Dear diary,\nno picture here.\n")
    assert "text" in sentence(tmp_path / "a.dng")


def test_noise(tmp_path):
    (tmp_path / "a.dng").write_bytes(np.random.default_rng(5).bytes(5000))
    assert "no known format" in sentence(tmp_path / "a.dng")


def test_a_suffix_means_nothing(tmp_path, make_frame):
    path = tmp_path / "a.jpeg"
    write_dng(make_frame("GRBG"), path)
    assert load_raw(path).cfa.name == "GRBG"


def test_a_name_that_is_no_unicode(tmp_path, make_frame):
    path = tmp_path / os.fsdecode(b"\xff\xfe.dng")
    try:
        write_dng(make_frame(), tmp_path / "a.dng")
        (tmp_path / "a.dng").rename(path)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert load_raw(path).cfa.name == "RGGB"


def test_sha256_and_decoder_are_on_record(tmp_path, make_frame):
    path = tmp_path / "a.dng"
    write_dng(make_frame(), path)
    frame = load_raw(path)
    assert frame.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert frame.decoder.startswith("LibRaw ")
    assert frame.name == "a.dng"


@pytest.mark.skipif(os.name != "posix", reason="memory is limited on POSIX systems only")
def test_the_memory_limit(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((10000, 10000), "u2"))
    assert "--memory-limit" in sentence(path, limits=Limits(memory=500))


def test_a_description_wins_over_a_camera_file(tmp_path, make_frame):
    path = tmp_path / "a.dng"
    write_dng(make_frame(), path)
    frame = load_raw(path, description=Description(cfa="mono", white=16000.0))
    assert (frame.cfa.name, frame.white) == ("monochrome", 16000.0)
    assert "filters cannot be linear" in sentence(path, description=Description(cfa="linear"))


def test_levels_that_cannot_be(tmp_path, make_frame):
    path = tmp_path / "a.dng"
    write_dng(make_frame(), path)
    assert "--black" in sentence(path, description=Description(white=100.0))


@pytest.mark.parametrize("path", BAD or [pytest.param(None, marks=pytest.mark.skip("no external test data"))],
                         ids=lambda path: path and path.name)  # fmt: skip
@pytest.mark.timeout(10)
def test_files_that_are_no_picture(path):
    sentence(path)


def mutants(good, count, seed):
    """Copies of a file cut short, or with some bytes changed, most of them in its head."""
    choice = np.random.default_rng(seed)
    for index in range(count):
        data = bytearray(good)
        if index % 3 == 0:
            del data[int(choice.integers(1, len(data))) :]
        else:
            reach = len(data) if index % 3 == 1 else min(len(data), 4096)
            for at in choice.integers(0, reach, choice.integers(1, 20)):
                data[at] = choice.integers(0, 256)
        yield bytes(data)


def survives(path, good, count):
    """Whether every mutant is a frame or one sentence; how many are frames."""
    frames = 0
    for mutant in mutants(good, count, seed=len(good)):
        path.write_bytes(mutant)
        try:
            frame = load_raw(path)
        except RawError as error:
            assert str(error).endswith(".")
        else:
            assert isinstance(frame, RawFrame) and np.isfinite(frame.mosaic).all()
            frames += 1
    return frames


@pytest.mark.parametrize("cfa", ["RGGB", "xtrans", "mono", "linear"])
def test_mutated_dngs(tmp_path, make_frame, cfa):
    path = tmp_path / "a.dng"
    write_dng(make_frame(cfa), path, compress=CFA.parse(cfa).kind == "bayer")
    assert 0 < survives(path, path.read_bytes(), 90) < 90


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".npy"])
def test_mutated_pictures(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    picture = np.random.default_rng(1).integers(0, 256, (40, 50, 3), "u1")
    if suffix == ".npy":
        np.save(path, picture[..., 0])
    else:
        Image.fromarray(picture).save(path)
    survives(path, path.read_bytes(), 60)


@pytest.mark.parametrize(
    ("name", "count"),
    [("digicam_DC50_DC0009L.KDC", 60), ("digicam_DC120_P003911.KDC", 60), ("magicknet_DSC8695.dng", 60),
     ("imageio_Nikon_uncompressed.nef", 30), ("digicam_S40_CRW_0117.CRW", 30)],
)  # fmt: skip
def test_mutated_camera_files(tmp_path, data, name, count):
    good = data / "raw" / name
    survives(tmp_path / f"a{good.suffix}", good.read_bytes(), count)
