"""Files that appear under their name when they are complete, and never before."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file", "whole_files"]


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A temporary file beside `target` to write to; it takes the name of `target` when the block ends well.

    When the block fails, what was written is removed and what `target` held stays. Raises OSError as any writing does.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        yield Path(name)
        os.fsync(descriptor)
        os.chmod(name, 0o666 & ~_umask())  # temporary files are made for their owner alone
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(descriptor)


@contextmanager
def whole_files(target: Path) -> Iterator[Path]:
    """An empty folder to write files to, which all take their places in the folder `target` when the block ends well.

    When the block fails nothing of it is left, and what `target` held stays; so it does when they can't all be moved.
    Other files of `target` are not touched. Raises OSError as any writing does.
    """
    target = target.absolute()
    home = Path(tempfile.mkdtemp(dir=target if target.exists() else target.parent, prefix=".", suffix=".part"))
    new, old = home / "new", home / "old"
    try:
        new.mkdir()
        yield new
        files = sorted(path.relative_to(new) for path in new.rglob("*") if path.is_file())
        for file in files:
            with (new / file).open("rb+") as stream:
                os.fsync(stream.fileno())
        if target.exists():
            _exchange(new, old, target, files)
        else:
            os.replace(new, target)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _exchange(new: Path, old: Path, target: Path, files: list[Path]) -> None:
    """Move `files` from `new` to `target`, what they replace to `old`; back again where one of them can't be moved."""
    moved = list[Path]()
    try:
        for file in files:
            for folder in (old, target):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
            if (target / file).exists():
                os.replace(target / file, old / file)
            moved.append(file)
            os.replace(new / file, target / file)
    except BaseException:
        for file in moved:
            (target / file).unlink(missing_ok=True)
            if (old / file).exists():
                os.replace(old / file, target / file)
        raise


def _umask() -> int:
    """The permissions that new files lack; reading it means setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
