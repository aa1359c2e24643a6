"""A journal: what long work has found so far, in a file, so that the same work can go on where it ended.

It holds numbers by names, a line of JSON for each, and the question that they answer in its first line. What is found
under another question is not used, and what was cut off in the middle of a line is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import IO, Final

from driftlab.errors import DriftlabError

__all__ = ["Journal", "JournalError"]

FORMAT: Final = "driftlab.journal/1"


class JournalError(DriftlabError):
    """A journal that can't be kept; the message is one sentence that names the mend."""


class Journal(MutableMapping[str, tuple[float, ...]]):
    """Numbers by names, kept in the file `path`, which is made with the first of them; close it when done.

    What the file holds of the same `question` is there from the start.
    """

    def __init__(self, path: Path, question: str) -> None:
        self.path, self.question = path, question
        self._stream: IO[str] | None = None
        self._found, self._good = _read(path, question)
        self.recalled = len(self._found)

    def __getitem__(self, name: str) -> tuple[float, ...]:
        return self._found[name]

    def __setitem__(self, name: str, numbers: tuple[float, ...]) -> None:
        self._found[name] = numbers
        self._write([name, *numbers])

    def __delitem__(self, name: str) -> None:
        raise JournalError("What a journal holds stays in it.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def close(self) -> None:
        """Let go of the file; what it holds stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def remove(self) -> None:
        """Close, and remove the file: the work is done."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _write(self, content: list[object]) -> None:
        try:
            if self._stream is None:
                self._stream = self._opened()
            self._stream.write(json.dumps(content, allow_nan=False) + "\n")
        except OSError as error:
            raise JournalError(
                f"'{self.path.parent}' can't be written to: {error.strerror or error}; what was found before is kept, "
                f"so that the same command goes on from there."
            ) from error

    def _opened(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._good:
            os.truncate(self.path, self._good)  # a line that was cut off
            return self.path.open("a", encoding="utf-8", buffering=1)
        stream = self.path.open("w", encoding="utf-8", buffering=1)
        stream.write(json.dumps([FORMAT, self.question]) + "\n")
        return stream


def _read(path: Path, question: str) -> tuple[dict[str, tuple[float, ...]], int]:
    """What a journal holds of this question, and how many bytes of it are good; none where it is of another one."""
    found: dict[str, tuple[float, ...]] = {}
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError:
        return {}, 0
    good = 0
    for number, line in enumerate(lines):
        try:
            name, *numbers = json.loads(line)
        except (ValueError, TypeError):
            break
        if not line.endswith(b"\n"):
            break
        if number == 0:
            if [name, *numbers] != [FORMAT, question]:
                return {}, 0
        else:
            found[name] = tuple(numbers)
        good += len(line)
    return found, good
