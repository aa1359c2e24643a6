from __future__ import annotations

import numpy as np
import pytest

from driftlab.raw.frame import CFA, NAMED, RawError

KINDS = {"rggb": "bayer", "quad-gbrg": "quad", "xtrans": "xtrans", "mono": "mono", "linear": "linear"}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_kind(name, kind):
    assert CFA.parse(name).kind == kind


@pytest.mark.parametrize("phase", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_bayer_channels_tell_the_greens_apart_by_rows(phase):
    cfa = CFA.parse(phase)
    channels = cfa.channels()
    red_row = next(y for y in range(2) if "R" in cfa.pattern[y])
    assert cfa.name == phase
    assert sorted(channels.ravel()) == [0, 1, 2, 3]
    assert 1 in channels[red_row] and 2 in channels[1 - red_row]


def test_a_tile_shifted_by_its_own_size_is_itself():
    for cfa in NAMED.values():
        rows, columns = max(len(cfa.pattern), 1), len(cfa.pattern[0]) if cfa.pattern else 1
        assert cfa.shifted(rows, columns) == cfa
    assert CFA.parse("RGGB").shifted(1, 0) == CFA.parse("GBRG")
    assert CFA.parse("RGGB").shifted(0, 1) == CFA.parse("GRBG")


@pytest.mark.parametrize("text", ["RGB", "CMYG", "RG/G", "RG/GG", ""])
def test_what_is_no_filter_array_is_refused(text):
    with pytest.raises(RawError, match="no color filter array"):
        CFA.parse(text)


def test_samples_are_read_only_and_levels_checked(make_frame):
    with pytest.raises(ValueError, match="read-only"):
        make_frame().mosaic[0, 0, 0] = 1
    with pytest.raises(RawError, match="--white"):
        make_frame(white=512.0)
    with pytest.raises(RawError, match="float32"):
        make_frame(mosaic=np.zeros((1, 4, 4)))
