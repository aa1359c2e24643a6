"""What runs inside the decoder's process: finds out what a file is, has it decoded, and distrusts the result.

Run as `python -m driftlab.raw.decode SAMPLES`, where SAMPLES is a descriptor or a path of the file for samples. A line
of JSON on standard input is a request, a line on standard output its answer: `{"error": sentence}`, or
`{"facts", "shape", "dtype"}` with the samples in the file. Only `child` talks to it.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import rawpy
from numpy.typing import NDArray

from driftlab.raw.color import gray_world
from driftlab.raw.decoded import Decoded, facts_to_json
from driftlab.raw.description import Description, Undescribed
from driftlab.raw.dump import decode_dump, guess_dump
from driftlab.raw.frame import CFA, RawError
from driftlab.raw.libraw import decode_camera_file
from driftlab.raw.limits import Limits
from driftlab.raw.plain import decode_picture_file, is_picture
from driftlab.raw.suffixes import CAMERA, PICTURES
from driftlab.raw.tags import read_tags
from driftlab.raw.unprocess import Unprocess

__all__ = ["decode"]

MOST_MISSING = 0.5  # share of the samples; what lacks more is no picture any more
#: What is named so and begins otherwise is damaged. Dumps have other names, or ".raw", which cameras use too.
NAMED_CAMERA = CAMERA - {".raw"}
NAMED = NAMED_CAMERA | PICTURES
#: How files begin that LibRaw knows by their content. It knows others by their size alone, which is a guess.
CAMERA_HEADS = (
    b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"\0MRM", b"FOVb",
    b"NOKIARAW", b"ARRI", b"XPDS", b"PXN", b"qktk", b"qktn", b"PWAD", b"DSC-Image", b"RWz", b"NIKON", b"BRAW",
)  # fmt: skip


def decode(path: Path, description: Description, unprocess: Unprocess, limits: Limits, log: IO[bytes]) -> Decoded:
    """The samples and facts of a file; raises RawError. `log` holds what the decoding libraries print."""
    with path.open("rb") as stream:
        head = stream.read(64)
    if description.is_dump:
        decoded = decode_dump(path, description, limits)
    elif is_picture(head):
        if path.suffix.lower() in NAMED_CAMERA:
            raise RawError(
                f"'{path.name}' is named as a camera file but holds an ordinary picture: "
                "give it its right suffix to take it as pseudo-RAW."
            )
        decoded = decode_picture_file(path, head, description, unprocess, limits)
    elif head.startswith(CAMERA_HEADS) or head[6:14] == b"HEAPCCDR" or head[4:8] == b"ftyp":
        decoded = _camera_file(path, head, description, unprocess, limits, log)
    else:
        raise _unknown(path, head)
    return _balanced(_checked(path, _described(decoded, description)))


def _camera_file(
    path: Path, head: bytes, description: Description, unprocess: Unprocess, limits: Limits, log: IO[bytes]
) -> Decoded:
    tags = read_tags(path, head)
    missing = tags.missing(path.stat().st_size)
    try:
        if missing > MOST_MISSING:
            raise RawError(_cut(path, missing))
        decoded = decode_camera_file(path, tags, limits)
    except rawpy.LibRawError as error:
        if head[:2] in (b"II", b"MM") and not tags.camera_raw and path.suffix.lower() not in NAMED_CAMERA:
            return decode_picture_file(path, head, description, unprocess, limits)
        raise RawError(_cut(path, missing) if missing else _sentence(path, error)) from None
    if missing:
        decoded = decoded.remarked(f"truncated: {missing:.1%} of the samples are missing from the file")
    log.seek(0)
    said = log.read().decode("utf-8", "replace")
    if not missing and ("corrupt" in said or "Unexpected end" in said):
        cut = "Unexpected end" in said
        decoded = decoded.remarked("truncated: the file ends too early" if cut else "damaged: LibRaw met corrupt data")
    return decoded


def _cut(path: Path, missing: float) -> str:
    return f"'{path.name}' is cut short, {missing:.0%} of its samples are missing: copy it again."


def _sentence(path: Path, error: rawpy.LibRawError) -> str:
    if isinstance(error, rawpy.LibRawUnsufficientMemoryError | rawpy.LibRawTooBigError):
        return _too_large(path)
    if isinstance(error, rawpy.LibRawFileUnsupportedError):
        return (
            f"LibRaw knows no picture in '{path.name}', which is damaged, or of a camera or compression not supported: "
            "copy it from the camera again, or convert it to DNG."
        )
    text = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
    return f"LibRaw cannot decode '{path.name}' ({text}), which is damaged: copy it from the camera again."


def _too_large(path: Path) -> str:
    return f"'{path.name}' takes more memory than it may: it is damaged, or raise the limit with --memory-limit."


def _unknown(path: Path, head: bytes) -> RawError:
    """What to say of a file that begins like nothing known: it is text, damaged, or a dump that nobody described."""
    guess = guess_dump(path)
    if guess is not None:
        return Undescribed(f"'{path.name}' does not say what it is; it may be {guess.flags()}: confirm these flags.")
    if head.isascii() and min(head) >= ord("\t"):
        return RawError(f"'{path.name}' holds text, not samples: give the picture itself.")
    kind = RawError if path.suffix.lower() in NAMED else Undescribed
    return kind(
        f"'{path.name}' is of no known format: describe a headerless dump with --width, --height, --bits and "
        "--cfa, or in a JSON file beside it."
    )


def _described(decoded: Decoded, description: Description) -> Decoded:
    """What the description says in place of what the file says."""
    said: dict[str, Any] = {}
    if description.cfa is not None:
        cfa = CFA.parse(description.cfa)
        if (cfa.kind == "linear") != (len(decoded.samples) == 3):
            raise RawError(f"The samples have {len(decoded.samples)} planes: the filters cannot be {cfa.name}.")
        said["cfa"] = cfa
    if description.black is not None:
        said["black"] = description.black * (4 // len(description.black))
    if description.white is not None:
        said["white"] = description.white
    if description.bits is not None:
        said["bits"] = description.bits
    if description.gains is not None:
        green = description.gains[1]
        said |= {"gains": tuple(gain / green for gain in description.gains), "gains_source": "described"}
    if not said:
        return decoded
    return decoded.with_facts(**said).remarked(f"described, not read from the file: {', '.join(said)}")


def _checked(path: Path, decoded: Decoded) -> Decoded:
    """The same, if it can be a picture."""
    samples = decoded.samples
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise RawError(f"'{path.name}' has samples that are no numbers: it is damaged.")
    level = samples.max()
    if samples.min() < level:
        return decoded
    # a sensor's mosaic has noise, and damage reads as black or white; a rendered linear test picture may be flat
    if decoded.facts["cfa"].kind != "linear" or not max(decoded.facts["black"]) < level < decoded.facts["white"]:
        raise RawError(f"All samples of '{path.name}' are {level:g}: the file holds no picture, or is damaged.")
    return decoded.remarked("all samples are equal: a test picture")


def _balanced(decoded: Decoded) -> Decoded:
    """Gains for a frame that has none: 1 for linear and monochrome frames, else those that make it gray on average."""
    if "gains" in decoded.facts:
        return decoded
    cfa = decoded.facts["cfa"]
    if cfa.kind in ("mono", "linear"):
        return decoded.with_facts(gains=(1.0, 1.0, 1.0), gains_source="none")
    gains = gray_world(decoded.samples, cfa, decoded.facts["black"], decoded.facts["white"])
    decoded = decoded.with_facts(gains=gains, gains_source="gray world")
    return decoded.remarked("the gains as shot are not known: those that make this frame gray on average stand in")


def _answer(request: dict[str, Any], samples: int, log: IO[bytes]) -> dict[str, Any]:
    """The answer to one request, samples written."""
    path = Path(request["path"])
    log.seek(0)
    log.truncate()
    limits = Limits(**request["limits"])
    try:
        _limit_memory(limits.memory)
        description, unprocess = Description.parse(request["description"]), Unprocess(**request["unprocess"])
        decoded = decode(path, description, unprocess, limits, log)
        _write(decoded.samples, samples)
    except RawError as error:
        return {"error": str(error), "undescribed": isinstance(error, Undescribed)}
    except MemoryError:
        return {"error": _too_large(path)}
    except Exception as error:  # decoders fail on damaged files in every imaginable way; the file is to blame
        return {"error": f"'{path.name}' cannot be decoded ({type(error).__name__}: {error}): the file is damaged."}
    return {
        "facts": facts_to_json(decoded.facts),
        "shape": decoded.samples.shape,
        "dtype": decoded.samples.dtype.str,
    }


def _limit_memory(megabytes: int) -> None:
    """Bound this process's address space, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, hard))


def _write(samples: NDArray[Any], descriptor: int) -> None:
    os.truncate(descriptor, samples.nbytes)
    with mmap.mmap(descriptor, samples.nbytes) as mapped:
        target: NDArray[Any] = np.ndarray(samples.shape, samples.dtype, mapped)
        np.copyto(target, samples)
        del target  # a mapping in use cannot be closed


def main() -> None:
    """Answer requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it ends this one
    target = sys.argv[1]
    samples = int(target) if target.isdigit() else os.open(target, os.O_RDWR | getattr(os, "O_BINARY", 0))
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    with tempfile.TemporaryFile() as log:
        for stream in (1, 2):  # libraries print what they like: keep it from the answers, and read it
            os.dup2(log.fileno(), stream)
        for line in sys.stdin:
            answers.write(json.dumps(_answer(json.loads(line), samples, log)) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
