"""What a person says about a file: all that a headerless dump, or a plain mosaic, does not say itself.

What is said here wins over what the file says. It comes from arguments or from a JSON file beside the file
(`<file>.json`, with the fields of `Description` as its keys); arguments win over the JSON file.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Self

from driftlab.atomic import whole_file
from driftlab.json_file import read_json
from driftlab.raw.frame import CFA, RawError

__all__ = ["PACKINGS", "Description", "Undescribed", "beside", "write_beside"]

#: Sample layouts of a headerless dump: one or two bytes a sample, or MIPI CSI-2 RAW10, RAW12, RAW14.
PACKINGS: Final = ("plain", "mipi10", "mipi12", "mipi14")


class Undescribed(RawError):
    """A file that may be a headerless dump, of which nobody has said how it is laid out."""


@dataclass(frozen=True, slots=True)
class Description:
    """Facts about a file in words of its owner; None where nothing is said.

    `width` and `height` (samples) make the file a headerless dump of `bits` a sample (1–16) in one of `PACKINGS`,
    16-bit samples in `endian` order ("little" or "big"), after `header` bytes. `cfa` is a name or rows as
    `CFA.parse` takes them; `black` (one level, or one each of r, g1, g2, b) and `white` are in DN; `gains` are the
    factors of red, green and blue that make a neutral gray.
    """

    width: int | None = None
    height: int | None = None
    bits: int | None = None
    packing: str | None = None
    endian: str | None = None
    header: int | None = None
    cfa: str | None = None
    black: tuple[float, ...] | None = None
    white: float | None = None
    gains: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if (self.width is None) != (self.height is None):
            raise RawError("A headerless dump needs both its width and its height: give --width and --height.")
        for name, low, high in (("width", 1, 2**20), ("height", 1, 2**20), ("bits", 1, 16), ("header", 0, 2**40)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not low <= value <= high):
                raise RawError(f"A {name} of {value!r} cannot be: give --{name} a whole number from {low} to {high}.")
        for name, choices in (("packing", PACKINGS), ("endian", ("little", "big"))):
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise RawError(f"'{value}' is no {name}: give --{name} one of {', '.join(choices)}.")
        for name in ("black", "white", "gains"):
            value = getattr(self, name)
            if value is not None and not all(map(math.isfinite, value if isinstance(value, tuple) else (value,))):
                raise RawError(f"A {name} of {value} is no finite number: give --{name} one.")
        if self.cfa is not None:
            CFA.parse(self.cfa)
        if self.black is not None and len(self.black) not in (1, 4):
            raise RawError(f"{len(self.black)} black levels are given: give --black one, or four (r, g1, g2, b).")
        if self.gains is not None and (len(self.gains) != 3 or min(self.gains) <= 0):
            raise RawError("Gains are three numbers above zero, of red, green and blue: give them with --gains.")

    @property
    def is_dump(self) -> bool:
        """Whether it describes a headerless dump."""
        return self.width is not None

    def over(self, other: Description) -> Description:
        """This description, with `other` where it says nothing."""
        return replace(other, **self.said())

    def said(self) -> dict[str, Any]:
        """The fields that say something."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Description from JSON values; a single black level may be a plain number."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            known = ", ".join(field.name for field in fields(cls))
            raise RawError(f"A description has no '{unknown[0]}': use {known}.")
        try:
            values = dict(values)
            if values.get("black") is not None:
                black = values["black"]
                values["black"] = tuple(map(float, black if isinstance(black, list | tuple) else [black]))
            if values.get("white") is not None:
                values["white"] = float(values["white"])
            if values.get("gains") is not None:
                values["gains"] = tuple(map(float, values["gains"]))
            return cls(**values)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RawError(f"The description cannot be read: {error}.") from None

    def flags(self) -> str:
        """The command line's flags that say the same."""
        return " ".join(self.words())

    def words(self) -> list[str]:
        """The flags one by one, each followed by its value."""
        said = {
            name: ",".join(f"{v:g}" for v in value)
            if isinstance(value, tuple)
            else f"{value:g}"
            if isinstance(value, float)
            else str(value)
            for name, value in self.said().items()
        }
        return [word for name, value in said.items() for word in (f"--{name}", value)]


def write_beside(path: Path, description: Description) -> None:
    """Keep what is said of a file as `<file>.json`, where `beside` finds it.

    Raises RawError where it can't be written, or where another program has put a file of its own there.
    """
    sidecar = _sidecar(path)
    if sidecar.exists() and not beside(path).said():
        raise RawError(f"'{sidecar.name}' is there already and not of driftlab: move it away, or do not remember.")
    try:
        with whole_file(sidecar) as part:
            part.write_text(json.dumps(description.said(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RawError(f"'{sidecar}' can't be written: {error.strerror or error}.") from error


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def beside(path: Path) -> Description:
    """What `<file>.json` says; nothing where there is none, or where most of its keys are another program's."""
    sidecar = _sidecar(path)
    if not sidecar.is_file():
        return Description()
    try:
        values = read_json(sidecar)
    except (OSError, ValueError):
        raise RawError(f"'{sidecar}' is not JSON: mend it or move it away.") from None
    known = {field.name for field in fields(Description)}
    if not isinstance(values, dict) or 2 * len(known & set(values)) < len(values):
        return Description()
    try:
        return Description.parse(values)
    except RawError as error:
        raise RawError(f"'{sidecar}': {error}") from None
