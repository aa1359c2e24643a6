"""The README's commands parse and its Python runs, on a bundled frame in place of the reader's own."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

import driftlab
from driftlab.cli import parser

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
COMMANDS = [
    line.partition("  #")[0].strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
    if line.startswith("driftlab ")
]


def test_there_is_something_to_check() -> None:
    assert len(COMMANDS) >= 8 and any(language == "python" for language, _ in BLOCKS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command: str) -> None:
    assert callable(parser().parse_args(shlex.split(command)[1:]).run)


def test_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photo.dng").write_bytes(driftlab.resource("demo/eosinophil-01.dng").read_bytes())
    os.symlink(driftlab.resource("demo").parent, tmp_path / "resources")
    monkeypatch.chdir(tmp_path)
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "README.md", "exec"), {})
    assert "Choice(label=" in capsys.readouterr().out


def test_files_it_names_exist() -> None:
    for name in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (Path(__file__).parent.parent / name).exists(), name
