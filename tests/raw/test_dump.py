from __future__ import annotations

import json

import numpy as np
import pytest

from driftlab.raw.description import Description, Undescribed, beside, write_beside
from driftlab.raw.dump import guess_dump, likely_dump
from driftlab.raw.frame import RawError
from driftlab.raw.load import load_raw

WIDTH, HEIGHT = 12, 10


def planted(bits):
    """Samples with every bit in play, the highest and the lowest among them."""
    samples = np.random.default_rng(bits).integers(0, 2**bits, (HEIGHT, WIDTH))
    samples[0, 0], samples[-1, -1] = 2**bits - 1, 0
    return samples


def packed(samples, bits):
    """MIPI CSI-2 packing, written bit by bit: high bytes of a group, then the low bits of all its samples."""
    low, group = bits - 8, {10: 4, 12: 2, 14: 4}[bits]
    data = bytearray()
    for row in samples:
        for start in range(0, len(row), group):
            values = [int(value) for value in row[start : start + group]]
            data += bytes(value >> low for value in values)
            stream = "".join(f"{value & (2**low - 1):0{low}b}"[::-1] for value in values)
            data += bytes(int(stream[at : at + 8][::-1], 2) for at in range(0, len(stream), 8))
    return bytes(data)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_mipi(tmp_path, bits):
    samples, path = planted(bits), tmp_path / "dump"
    path.write_bytes(b"head!" + packed(samples, bits))
    frame = load_raw(
        path, description=Description(width=WIDTH, height=HEIGHT, packing=f"mipi{bits}", header=5, cfa="GRBG")
    )
    assert np.array_equal(frame.mosaic[0], samples)
    assert (frame.bits, frame.white, frame.cfa.name) == (bits, 2**bits - 1, "GRBG")


@pytest.mark.parametrize(("bits", "endian", "kind"), [(8, None, "u1"), (16, "little", "<u2"), (12, "big", ">u2")])
def test_plain(tmp_path, bits, endian, kind):
    samples, path = planted(bits), tmp_path / "dump"
    path.write_bytes(samples.astype(kind).tobytes())
    said = Description(width=WIDTH, height=HEIGHT, bits=bits, endian=endian, black=(3.0,), white=200.0, gains=(4, 2, 3))
    frame = load_raw(path, description=said)
    assert np.array_equal(frame.mosaic[0], samples)
    assert (frame.black, frame.white, frame.gains) == ((3.0,) * 4, 200.0, (2.0, 1.0, 1.5))
    assert any("assumed to be RGGB" in remark for remark in frame.remarks)


def test_described_beside(tmp_path):
    path = tmp_path / "dump.raw"
    path.write_bytes(planted(16).astype("<u2").tobytes())
    path.with_name("dump.raw.json").write_text(json.dumps({"width": WIDTH, "height": HEIGHT, "cfa": "mono"}))
    frame = load_raw(path)
    assert frame.cfa.name == "monochrome"
    assert frame.gains == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("size", "description", "mend"),
    [
        (WIDTH * HEIGHT, {"bits": 16}, "--bits 8 --packing plain would fit"),
        (WIDTH * HEIGHT * 2 + 10, {"bits": 16}, "--header 10 would fit"),
        (WIDTH * 2 * 4, {"bits": 16}, "--height 4 would fit"),
        (WIDTH // 4 * 5 * HEIGHT, {"bits": 12}, "--bits 10 --packing mipi10 would fit"),
        (7, {"bits": 12}, "give the right width"),
        (WIDTH * HEIGHT * 2, {"bits": 12, "packing": "mipi10"}, "mend --bits or --packing"),
    ],
)
def test_a_wrong_size_names_what_would_fit(tmp_path, size, description, mend):
    path = tmp_path / "dump"
    path.write_bytes(bytes(size))
    with pytest.raises(RawError, match=mend):
        load_raw(path, description=Description(width=WIDTH, height=HEIGHT, **description))


def test_samples_above_the_described_bits_are_refused(tmp_path):
    path = tmp_path / "dump"
    path.write_bytes(planted(14).astype(">u2").tobytes())
    with pytest.raises(RawError, match="--endian"):
        load_raw(path, description=Description(width=WIDTH, height=HEIGHT, bits=14))


@pytest.mark.parametrize(
    ("name", "kind", "guess"),
    [
        ("DSC_12x10_bggr.raw", "<u2", Description(width=12, height=10, bits=14, packing="plain", cfa="BGGR")),
        ("frame_12x10_12bits_GBRG.raw", "<u2", Description(width=12, height=10, bits=12, packing="plain", cfa="GBRG")),
        ("test_12x10.RAW", "u1", Description(width=12, height=10, bits=8, packing="plain", cfa="RGGB")),
        ("test_13x10.RAW", "u1", None),
        ("test.RAW", "u1", None),
    ],
)
def test_a_guess_is_named_and_never_used(tmp_path, name, kind, guess):
    path = tmp_path / name
    path.write_bytes(planted(14).astype(kind).tobytes())
    assert guess_dump(path) == guess
    with pytest.raises(RawError) as caught:
        load_raw(path)
    assert guess is None or guess.flags() in str(caught.value)


def test_what_nobody_has_described_is_told_from_what_is_damaged(tmp_path):
    for name, kind in (
        ("dump.raw", Undescribed),
        ("dump.bin", Undescribed),
        ("shot.cr2", RawError),
        ("a.png", RawError),
    ):
        (tmp_path / name).write_bytes(planted(14).astype("<u2").tobytes())
        with pytest.raises(RawError) as caught:
            load_raw(tmp_path / name)
        assert type(caught.value) is kind
    (tmp_path / "notes.raw").write_text("nothing but words, and many of them, as a file of notes has")
    with pytest.raises(RawError, match="holds text") as caught:
        load_raw(tmp_path / "notes.raw")
    assert type(caught.value) is RawError


@pytest.mark.parametrize(
    ("name", "size", "width", "height", "bits"),
    [
        ("dump", 600 * 400 * 2, 600, 400, 16),
        ("dump", 1001 * 3, 1024, 768, 16),  # nothing fits
        ("dump_12x10", 240, 12, 10, 16),
        ("dump", 38 * 26 * 2 - 2 * 38, 38, 25, 16),
        ("dump", 13 * 2 * 6, 1024, 768, 16),
    ],
)
def test_sides_to_begin_with_make_up_the_file(tmp_path, name, size, width, height, bits):
    path = tmp_path / name
    path.write_bytes(planted(16).astype("<u2").tobytes()[:240] if "x" in name else bytes(size))
    found = likely_dump(path)
    if (width, height) == (38, 25):  # an odd height is no whole tile: other sides of the same size
        assert found.width * found.height * found.bits // 8 == size and found.height % 2 == found.width % 2 == 0
    else:
        assert (found.width, found.height, found.bits) == (width, height, bits)


def test_a_description_is_kept_beside_the_file(tmp_path):
    path = tmp_path / "dump.raw"
    path.write_bytes(planted(14).astype("<u2").tobytes())
    said = Description(width=WIDTH, height=HEIGHT, bits=14, cfa="GBRG", black=(60.0, 61.0, 62.0, 63.0), white=16000.0)
    write_beside(path, said)
    assert beside(path) == said
    frame = load_raw(path)
    assert (frame.cfa.name, frame.black, frame.white) == ("GBRG", (60.0, 61.0, 62.0, 63.0), 16000.0)
    write_beside(path, Description(width=HEIGHT, height=WIDTH, bits=14))
    assert load_raw(path).size == (WIDTH, HEIGHT)
    path.with_name("dump.raw.json").write_text(json.dumps({"exif": 1, "gps": 2}))
    with pytest.raises(RawError, match="not of driftlab"):
        write_beside(path, said)
    assert "gps" in path.with_name("dump.raw.json").read_text()
