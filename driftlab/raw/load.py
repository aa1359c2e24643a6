"""`load_raw`: a path becomes a RawFrame or one sentence why not."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from pathlib import Path

from driftlab.raw.child import ask
from driftlab.raw.decoded import frame_from_json
from driftlab.raw.description import Description, beside
from driftlab.raw.frame import RawError, RawFrame
from driftlab.raw.limits import Limits, check_file
from driftlab.raw.unprocess import Unprocess

__all__ = ["load_raw"]


def load_raw(
    path: str | os.PathLike[str],
    *,
    description: Description | None = None,
    unprocess: Unprocess | None = None,
    limits: Limits | None = None,
) -> RawFrame:
    """The frame in a camera file, a mosaic (TIFF, PNG, NPY, headerless dump) or, as pseudo-RAW, an RGB picture.

    `description` says what the file does not say, and wins over what it says; a JSON file beside it may say it too.
    `unprocess` are the parameters that turn an RGB picture into a pseudo-RAW frame. What the file is, is found from
    its content, not from its name. Decoding runs in another process within `limits`.

    Raises RawError, one sentence, for whatever cannot be a frame: a missing, damaged or unsupported file, one above
    the limits; Undescribed, which is one, for what may be a headerless dump without a description.
    """
    file = Path(path)
    limits = limits or Limits()
    size = check_file(file)
    description = (description or Description()).over(beside(file))
    question = {
        "path": str(file.absolute()),
        "description": description.said(),
        "unprocess": asdict(unprocess or Unprocess()),
        "limits": asdict(limits),
    }
    digest = ""

    def hash_file() -> None:
        nonlocal digest
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise RawError(f"'{path}' cannot be read to its end: {error.strerror}.") from None

    facts, mosaic = ask(question, limits.time_for(size), meanwhile=hash_file)
    return frame_from_json(facts, mosaic, name=file.name, sha256=digest)
