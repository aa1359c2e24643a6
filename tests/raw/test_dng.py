from __future__ import annotations

import os
import struct

import numpy as np
import pytest
import rawpy
import tifffile

from driftlab.raw.dng import write_dng
from driftlab.raw.frame import CFA, NAMED, Origin, RawError
from driftlab.raw.load import load_raw

LEVELS = (512.0, 510.5, 509.25, 511.125)


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("cfa", NAMED)
def test_round_trip(tmp_path, make_frame, cfa, compress):
    kind = CFA.parse(cfa).kind
    black = LEVELS if kind in ("bayer", "quad") else (500.25,) * 4 if kind == "mono" else (512.0, 510.5, 510.5, 511.0)
    path = tmp_path / "a.dng"
    frame = make_frame(
        cfa, black=black, make="Acme", model="Acme One", lens="50 mm f/2", iso=400.0, exposure_time=0.004, aperture=2.8,
        orientation=6, pixel_aspect=1.25, origin=Origin.SIMULATED,
    )  # fmt: skip
    write_dng(frame, path, compress=compress)
    back = load_raw(path)
    assert np.array_equal(back.mosaic, frame.mosaic)
    assert back.cfa == frame.cfa
    assert back.black == pytest.approx(black, abs=1e-4)
    assert back.white == frame.white
    for fact in ("make", "model", "lens", "iso", "exposure_time", "aperture", "orientation", "pixel_aspect", "origin"):
        assert getattr(back, fact) == getattr(frame, fact), fact
    if kind != "mono":
        assert back.gains == pytest.approx(frame.gains, abs=1e-4)
        assert np.allclose(back.matrix.values, frame.matrix.values, atol=1e-4)
    assert back.remarks == ()


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GRBG", "GBRG", "xtrans", "mono"])
def test_libraw_itself_sees_the_same(tmp_path, make_frame, cfa):
    frame, path = make_frame(cfa), tmp_path / "a.dng"
    write_dng(frame, path)
    with rawpy.imread(str(path)) as raw:
        assert np.array_equal(raw.raw_image_visible, frame.mosaic[0])
        assert raw.white_level == 16383
        assert raw.black_level_per_channel[:3] == [512] * 3
        if cfa != "mono":
            assert raw.camera_whitebalance[:3] == pytest.approx(frame.gains, abs=1e-4)
            letters = np.array(list(raw.color_desc.decode()))[raw.raw_colors_visible]
            rows, columns = len(frame.cfa.pattern), len(frame.cfa.pattern[0])
            assert tuple("".join(row) for row in letters[:rows, :columns]) == frame.cfa.pattern


def test_compressed_is_smaller(tmp_path, make_frame):
    ramp = np.add.outer(np.arange(64.0), np.arange(64.0))[None].astype(np.float32) + 600
    write_dng(make_frame(mosaic=ramp), tmp_path / "a.dng")
    write_dng(make_frame(mosaic=ramp), tmp_path / "b.dng", compress=True)
    assert (tmp_path / "b.dng").stat().st_size < (tmp_path / "a.dng").stat().st_size / 1.5


def test_fractions_of_a_dn_are_rounded(tmp_path, make_frame):
    mosaic = make_frame().mosaic + np.float32(0.4)
    write_dng(make_frame(mosaic=mosaic), tmp_path / "a.dng")
    assert np.array_equal(load_raw(tmp_path / "a.dng").mosaic, np.rint(mosaic))


@pytest.mark.parametrize("shift", [-2000, 60000])
def test_samples_beyond_16_bits_are_refused(tmp_path, make_frame, shift):
    with pytest.raises(RawError, match="0 to 65535"):
        write_dng(make_frame(mosaic=make_frame().mosaic + np.float32(shift)), tmp_path / "a.dng")
    assert not list(tmp_path.iterdir())


def test_filters_that_readers_do_not_know_are_refused(tmp_path, make_frame):
    with pytest.raises(RawError, match="RG/BG"):
        write_dng(make_frame("RG/BG"), tmp_path / "a.dng")


def test_nothing_half_written_under_the_name(tmp_path, make_frame, monkeypatch):
    path = tmp_path / "a.dng"
    write_dng(make_frame(), path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", full)
    with pytest.raises(RawError, match="No space left"):
        write_dng(make_frame("BGGR"), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.dng"]


def test_a_folder_that_is_not_there(tmp_path, make_frame):
    with pytest.raises(RawError, match="cannot be written"):
        write_dng(make_frame(), tmp_path / "no" / "a.dng")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path, make_frame):
    write_dng(make_frame(), tmp_path / "a.dng")
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.dng").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(("scale", "white"), [(1.0, None), (4000.0, 4000)])
def test_float_dng_keeps_every_digit(tmp_path, scale, white):
    path = tmp_path / "a.dng"
    samples = (np.random.default_rng(2).random((32, 40)) * scale).astype(np.float32)
    tags = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 5, "Test", True), (33421, 3, 2, (2, 2), True),
            (33422, 1, 4, b"\2\1\1\0", True), *([(50717, 4, 1, white, True)] if white else [])]  # fmt: skip
    tifffile.imwrite(path, samples, photometric=32803, metadata=None, extratags=tags)
    frame = load_raw(path)
    factor = np.float32(1 if white else 65535)
    assert np.array_equal(frame.mosaic[0], samples * factor)
    assert (frame.white, frame.cfa.name) == (white or 65535, "BGGR")
    assert bool(white) != any("65535" in remark for remark in frame.remarks)


@pytest.mark.parametrize("area", [(2, 4, 38, 48), (3, 5, 37, 46), (2, 5, 37, 46), (3, 4, 36, 46)])
@pytest.mark.parametrize("cfa", ["RGGB", "GRBG", "quad-RGGB", "xtrans"])
def test_masked_borders_are_cropped_and_the_phase_is_that_of_the_visible_area(tmp_path, cfa, area):
    """Every sample tells its own filter and place; the pattern in a DNG begins at its active area."""
    path, tile = tmp_path / "a.dng", CFA.parse(cfa).colors()
    y, x = np.mgrid[0:40, 0:50]
    colors = tile[(y - area[0]) % len(tile), (x - area[1]) % len(tile)]
    samples = (10000 * (colors + 1) + 50 * y + x).astype(np.uint16)
    tags = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 5, "Test", True), (33421, 3, 2, tile.shape, True),
            (33422, 1, tile.size, tile.astype("u1").tobytes(), True), (50829, 4, 4, area, True)]  # fmt: skip
    tifffile.imwrite(path, samples, photometric=32803, metadata=None, extratags=tags)
    frame = load_raw(path)
    (height, width), (top, left, bottom, right) = frame.size, frame.margins
    visible = slice(top, top + height), slice(left, left + width)
    assert (height + top + bottom, width + left + right) == (40, 50)
    assert np.array_equal(frame.mosaic[0], samples[visible])
    found = frame.cfa.colors()
    assert np.array_equal(np.tile(found, (20, 25))[:height, :width], colors[visible])
    assert top - area[0] in (0, 1) and left - area[1] in (0, 1)


def test_four_colors_are_refused(tmp_path):
    path = tmp_path / "a.dng"
    samples = np.random.default_rng(2).integers(64, 4096, (40, 50), np.uint16)
    tags = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 5, "Test", True), (33421, 3, 2, (2, 2), True),
            (33422, 1, 4, b"\0\1\2\3", True), (50710, 1, 4, b"\0\1\2\3", True)]  # fmt: skip
    tifffile.imwrite(path, samples, photometric=32803, metadata=None, extratags=tags)
    with pytest.raises(RawError, match="red, green and blue"):
        load_raw(path)


def test_a_true_second_green_plane_is_averaged(tmp_path):
    path = tmp_path / "a.dng"
    samples = np.random.default_rng(2).integers(64, 4096, (40, 50, 4), np.uint16)
    tags = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 5, "Test", True)]
    tifffile.imwrite(path, samples, photometric=34892, planarconfig="contig", metadata=None, extratags=tags)
    frame = load_raw(path)
    expected = [samples[..., 0], (samples[..., 1].astype(float) + samples[..., 3]) / 2, samples[..., 2]]
    assert np.array_equal(frame.mosaic, expected)
    assert any("second green" in remark for remark in frame.remarks)


def test_a_cut_file_is_said_to_be_cut(tmp_path, make_frame):
    path = tmp_path / "a.dng"
    write_dng(make_frame(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: -len(whole) // 4])
    with pytest.raises(RawError, match=r"is cut short, 2\d% of its samples are missing"):
        load_raw(path)


def lossy_dng(path):
    """A lossy DNG of two tiles, black level and polynomial; returns the samples in its JPEGs."""
    y, x = np.mgrid[0:32, 0:64]
    picture = np.dstack([60 + 2 * x, 80 + 3 * y, 60 + x + 2 * y]).astype(np.uint8)
    opcodes = struct.pack(">I", 3)
    for plane in range(3):
        opcodes += struct.pack(">4I", 8, 0x01030000, 0, 68) + struct.pack(">4I", 0, 0, 32, 64)
        opcodes += struct.pack(">5I", plane, 1, 1, 1, 3) + struct.pack(">4d", 0.0, 0.25, 0.0, 0.75)
    tags = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 5, "Test", True), (51009, 7, len(opcodes), opcodes, True),
            (50714, 3, 3, (51,) * 3, True), (50717, 3, 3, (255,) * 3, True)]  # fmt: skip
    tifffile.imwrite(path, picture, photometric="rgb", tile=(32, 32), compression="jpeg", metadata=None, extratags=tags)
    stored = tifffile.imread(path)
    with tifffile.TiffFile(path, mode="r+") as file:
        for code in (259, 262):  # lossy JPEG, linear raw
            file.pages.first.tags[code].overwrite(34892)
    return stored


def test_lossy_dng_by_the_book(tmp_path):
    """Black and white first, then the polynomial."""
    stored = lossy_dng(tmp_path / "a.dng")
    frame = load_raw(tmp_path / "a.dng")
    light = np.clip((stored - 51.0) / 204, 0, 1)
    expected = 65535 * (0.25 * light + 0.75 * light**3)
    assert np.allclose(frame.mosaic, np.moveaxis(expected, 2, 0), atol=0.05)
    assert (frame.black, frame.white, frame.bits) == ((0.0,) * 4, 65535.0, 8)


def test_a_cut_file_that_decodes_has_a_remark(tmp_path):
    path = tmp_path / "a.dng"
    lossy_dng(path)
    with tifffile.TiffFile(path) as file:
        counts, offsets = file.pages.first.databytecounts, file.pages.first.dataoffsets
    end = offsets[1] + counts[1] - 100
    path.write_bytes(path.read_bytes()[:end])
    missing = (offsets[1] + counts[1] - end) / sum(counts)
    assert f"truncated: {missing:.1%} of the samples are missing from the file" in load_raw(path).remarks


def test_without_as_shot_gains_the_daylight_ones_stand_in(tmp_path, make_frame):
    path = tmp_path / "a.dng"
    write_dng(make_frame(), path)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags[50728].overwrite((0, 1) * 3)  # as-shot neutral of nothing
    frame = load_raw(path)
    assert frame.gains_source == "daylight"
    assert frame.gains == pytest.approx(make_frame().gains, abs=1e-3)  # its matrix is one for daylight
    assert any("daylight" in remark for remark in frame.remarks)
