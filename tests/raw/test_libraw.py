"""Real camera files, against LibRaw asked directly, and against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
import rawpy

from driftlab.raw.description import Description
from driftlab.raw.frame import CFA, Origin, RawError
from driftlab.raw.levels import dng_black, libraw_black, likely_white
from driftlab.raw.load import load_raw
from driftlab.raw.tags import Tags, read_tags

FILES = {
    "adobedng_06_PGTM2_unsigned16.dng": ("linear", (200, 200), "as shot", "Test Camera"),
    "adobedng_08_PGTM2_float32.dng": ("linear", (200, 200), "as shot", "Test Camera"),
    "digicam_DC120_P003908.KDC": ("GRBG", (976, 848), "gray world", "Kodak DC120 ZOOM Digital Camera"),
    "digicam_DC120_P003911.KDC": ("GRBG", (976, 848), "gray world", "Kodak DC120 ZOOM Digital Camera"),
    "digicam_DC120_P003917.KDC": ("GRBG", (976, 848), "gray world", "Kodak DC120 ZOOM Digital Camera"),
    "digicam_DC50_DC0009L.KDC": ("GRBG", (512, 768), "gray world", "Kodak Digital Science DC50 Zoom Camera"),
    "digicam_G2_CRW_0304.CRW": ("RGGB", (1720, 2312), "as shot", "Canon PowerShot G2"),
    "digicam_S40_CRW_0117.CRW": ("RGGB", (1720, 2312), "as shot", "Canon PowerShot S40"),
    "digicam_S40_CRW_0118.CRW": ("RGGB", (1720, 2312), "as shot", "Canon PowerShot S40"),
    "digicam_S40_CRW_0119.CRW": ("RGGB", (1720, 2312), "as shot", "Canon PowerShot S40"),
    "imageio_Nikon_uncompressed.nef": ("linear", (593, 869), "none", "COOLSCAN IV ED"),
    "magicknet_DSC8695.dng": ("linear", (400, 600), "as shot", "NIKON D500"),
}


@pytest.mark.parametrize("name", FILES)
def test_camera_files(data, name):
    cfa, size, gains_source, camera = FILES[name]
    path = data / "raw" / name
    frame = load_raw(path)
    assert (frame.cfa.name, frame.size, frame.gains_source) == (cfa, size, gains_source)
    assert camera in frame.camera
    assert frame.origin is Origin.SENSOR
    assert frame.decoder.startswith("LibRaw ")
    assert frame.gains[1] == 1 and min(frame.gains) > 0.3 and max(frame.gains) < 4
    assert np.allclose(np.sum(frame.matrix.values, axis=1), 1)
    assert gains_source == "as shot" or any("white balance" in remark for remark in frame.remarks)
    assert frame.mosaic.max() <= frame.white
    if name.startswith("magicknet"):  # decoded by the book, which LibRaw does not: see `lossy`
        return
    with rawpy.imread(str(path)) as raw:
        expected = raw.raw_image_visible
        expected = expected[None] if expected.ndim == 2 else np.moveaxis(expected, 2, 0)[:3]
        assert np.array_equal(frame.mosaic, expected)
        if cfa != "linear":
            letters = np.array(list(raw.color_desc.decode()))[raw.raw_colors_visible[:2, :2]]
            assert "".join(letters.ravel()) == cfa


def test_facts_of_one_camera_file(data):
    frame = load_raw(data / "raw" / "digicam_S40_CRW_0117.CRW")
    assert (frame.make, frame.model, frame.camera) == ("Canon", "Canon PowerShot S40", "Canon PowerShot S40")
    assert (frame.iso, frame.exposure_time, frame.aperture) == (50.0, 0.25, 2.79796)
    assert (frame.black, frame.white, frame.bits) == ((32.0,) * 4, 1023.0, 10)
    assert frame.gains == pytest.approx((1964 / 1015, 1, 1544 / 1015))
    assert frame.margins == (6, 12, 2, 52)
    assert frame.remarks == ()
    assert frame.sha256.startswith("bea0d84747d5803f")


def test_a_white_level_that_cannot_be_is_replaced_and_told(data):
    frame = load_raw(data / "raw" / "imageio_Nikon_uncompressed.nef")
    assert frame.white == 65535
    assert any("white level" in remark for remark in frame.remarks)


@pytest.mark.parametrize("name", ["car.png", "micro.png"])
def test_the_papers_tiles(data, name):
    frame = load_raw(data / "tiles" / name)
    assert (frame.cfa.name, frame.size, frame.white, frame.bits) == ("RGGB", (256, 256), 255.0, 8)
    assert frame.origin is Origin.SENSOR
    assert sum("RGGB" in remark or "repeated" in remark for remark in frame.remarks) == 2


def test_dumps_of_one_scene_in_four_phases(data):
    """Every phase's colors have the levels of the others', as the scene is one."""
    means = []
    for phase in ("RGGB", "BGGR", "GRBG", "GBRG"):
        path = data / "tiles" / f"mushfiqul_DSC_1339_768x512_{phase.lower()}.raw"
        with pytest.raises(RawError, match=f"--width 768 --height 512 --bits 14 .*{phase}"):
            load_raw(path)
        frame = load_raw(path, description=Description(width=768, height=512, bits=14, cfa=phase, black=(600.0,)))
        tiled = np.tile(frame.cfa.colors(), (256, 384))
        means.append([frame.mosaic[0][tiled == color].mean() for color in range(3)])
    assert np.allclose(means, means[0], rtol=0.02)


@pytest.mark.parametrize(
    ("name", "bits", "highest"),
    [("infiniteisp_BlackImage_1920x1080_12bits_BGGR.raw", 12, 2816), ("openisp_test_1920x1080.RAW", 10, 1020)],
)
def test_other_dumps(data, name, bits, highest):
    path = data / "tiles" / name
    frame = load_raw(path, description=Description(width=1920, height=1080, bits=bits))
    assert (frame.size, frame.mosaic.max(), frame.white) == ((1080, 1920), highest, 2**bits - 1)


def test_photos_are_pseudo_raw(data):
    for path in sorted((data / "photos").iterdir()):
        assert load_raw(path).origin is Origin.PSEUDO_RAW


@pytest.mark.parametrize(
    ("cfa", "colors", "black"),
    [
        ("RGGB", [[0, 1], [3, 2]], (10, 20, 40, 30)),
        ("BGGR", [[2, 1], [3, 0]], (10, 40, 20, 30)),  # LibRaw's first green shares rows with blue here
        ("GRBG", [[1, 0], [2, 3]], (10, 20, 40, 30)),
        ("GBRG", [[1, 2], [0, 3]], (10, 40, 20, 30)),
        ("xtrans", [[0]], (10, 20, 20, 30)),
        ("mono", [[0]], (10, 10, 10, 10)),
    ],
)
def test_black_levels_in_the_order_of_channels(cfa, colors, black):
    assert libraw_black([10, 20, 30, 40], CFA.parse(cfa), np.array(colors)) == black


def test_black_levels_of_a_dng():
    rggb = CFA.parse("RGGB")
    plain = {50706: b"\1\4\0\0", 50713: (2, 2), 50714: (1.0, 2.0, 3.0, 4.0)}
    assert dng_black(Tags(plain), rggb) == (1, 2, 3, 4)
    assert dng_black(Tags(plain), CFA.parse("BGGR")) == (4, 3, 2, 1)
    assert dng_black(Tags(plain | {50715: (0.0, 1.0)}), rggb) == (1.5, 2.5, 3.5, 4.5)
    assert dng_black(Tags(plain | {50713: (1, 1)}), rggb) is None
    assert dng_black(Tags({50714: (1.0,)}), rggb) is None
    xtrans = dng_black(Tags({50706: b"\1\4\0\0", 50714: (7.0,)}), CFA.parse("xtrans"))
    assert xtrans == (7, 7, 7, 7)


@pytest.mark.parametrize(
    ("white", "highest", "likely"), [(1023, 1023, 1023), (15000, 15300, 15000), (255, 54998, 65535), (30, 20, 255)]
)
def test_a_white_level_is_believed_if_it_may_be(white, highest, likely):
    assert likely_white(white, 32, highest) == likely


def test_maker_and_model_of_other_containers(tmp_path):
    """Fuji says its model in plain text; Panasonic's and Olympus's TIFF differ in their first bytes."""
    fuji = tmp_path / "a.raf"
    head = b"FUJIFILMCCD-RAW 0201FF393101X-T5".ljust(60, b"\0")
    fuji.write_bytes(head)
    assert read_tags(fuji, head).text(272) == "X-T5"


def test_tags_of_noise_are_no_tags(tmp_path):
    path = tmp_path / "a.dng"
    path.write_bytes(b"II*\0" + np.random.default_rng(1).bytes(500))
    assert read_tags(path, path.read_bytes()[:64]) == Tags()
