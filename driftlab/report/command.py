"""Commands in a report: the one that made it, without where it wrote to, and the options that others share with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from driftlab.model.card_file import CHECKS, flag
from driftlab.model.task_model import TaskModel

__all__ = ["kept_options", "path_word", "without_output"]

OUTPUT: Final = ("-o", "--out", "--output")
#: What says how files and model are to be read, besides the card: all take a value.
SHARED: Final = frozenset(
    {"--model", "--weights", "--card", "--width", "--height", "--bits", "--packing", "--endian", "--header", "--cfa",
     "--black", "--white", "--gains", "--max-megapixels", "--max-ratio", "--time-limit", "--memory-limit"}
)  # fmt: skip


def path_word(path: Path) -> str:
    """A path as a word of a command, which takes none for an option, however the file is called."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def without_output(argv: Sequence[str]) -> list[str]:
    """The arguments but the output: where a report is written is no part of it."""
    kept, words = list[str](), iter(argv)
    for word in words:
        if word in OUTPUT:
            next(words, None)
        elif not (word.partition("=")[0] in OUTPUT or (word.startswith("-o") and not word.startswith("--"))):
            kept.append(word)
    return kept


def kept_options(argv: Sequence[str], model: TaskModel) -> list[str]:
    """Those options of `argv` that any command needs to read the same files and the same model."""
    known, kept, words = SHARED | {flag(key) for key in CHECKS}, list[str](), iter(argv)
    for word in words:
        if word in known:
            kept += [word, next(words, "")]
        elif word.partition("=")[0] in known or word == "--trust":
            kept.append(word)
    if not any(word.partition("=")[0] == "--model" for word in kept):
        kept += ["--model", str(model.source.weights or model.source.architecture)]
    return kept
