"""Files that appear under their name when they are complete, and never before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file"]


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


def _umask() -> int:
    """The permissions that new files lack; reading it means setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
