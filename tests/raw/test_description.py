from __future__ import annotations

import json

import pytest

from driftlab.raw.description import Description, beside
from driftlab.raw.frame import RawError


def test_arguments_win_over_the_file_beside(tmp_path):
    path = tmp_path / "a.raw"
    path.with_name("a.raw.json").write_text(json.dumps({"width": 4, "height": 2, "black": 64, "cfa": "BGGR"}))
    both = Description(cfa="GRBG").over(beside(path))
    assert both == Description(width=4, height=2, black=(64.0,), cfa="GRBG")


def test_json_of_another_program_is_let_alone(tmp_path):
    path = tmp_path / "a.jpg"
    path.with_name("a.jpg.json").write_text('{"title": "a.jpg", "width": 4, "taken": {}}')
    assert beside(path) == Description()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ('{"width": 4, "hight": 2}', "no 'hight'"),
        ('{"width": 4}', "--height"),
        ('{"width": -4, "height": 2}', "--width"),
        ('{"width": 4, "height": 2.5}', "--height"),
        ('{"bits": 17}', "--bits"),
        ('{"packing": "mipi11"}', "--packing"),
        ('{"endian": "middle"}', "--endian"),
        ('{"black": [1, 2]}', "--black"),
        ('{"gains": [1, 0, 1]}', "--gains"),
        ('{"white": "high"}', "cannot be read"),
        ('{"cfa": "CMYG"}', "no color filter array"),
    ],
)
def test_a_wrong_description_is_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "a.raw"
    path.with_name("a.raw.json").write_text(text)
    with pytest.raises(RawError, match=sentence):
        beside(path)


def test_flags_say_the_same():
    description = Description(width=4, height=2, bits=12, black=(1.0, 2.0, 3.0, 4.5))
    assert description.flags() == "--width 4 --height 2 --bits 12 --black 1,2,3,4.5"
