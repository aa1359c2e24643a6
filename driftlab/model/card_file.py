"""Reading a model card: the JSON keys, what each of them allows, label files, and which source of a key wins."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

from driftlab.json_file import read_json
from driftlab.model.card import (
    Card,
    CardSource,
    Channels,
    Interpolation,
    Layout,
    ModelError,
    Output,
    Resize,
    Task,
)

__all__ = ["CHECKS", "assemble", "check_card", "flag", "flag_value", "read_card"]

#: A check turns a JSON value into the card's own, or raises ValueError, TypeError or KeyError.
Check: TypeAlias = Callable[[Any], Any]


def _one_of(kind: type[StrEnum]) -> tuple[str, Check]:
    return f"one of {', '.join(kind)}", kind


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _positive(value: Any) -> float:
    if _number(value) <= 0:
        raise ValueError
    return float(value)


def _share(value: Any) -> float:
    if not 0 <= _number(value) <= 1:
        raise ValueError
    return float(value)


def _positive_share(value: Any) -> float:
    return _positive(_share(value))


def _per_channel(check: Callable[[Any], float]) -> Check:
    def checked(value: Any) -> tuple[float, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        if len(values) not in (1, 3):
            raise ValueError
        return tuple(check(one) for one in values)

    return checked


def _size(value: Any) -> tuple[int, int] | None:
    if value is None or value == "any":
        return None
    height, width = value if isinstance(value, list | tuple) else (value, value)
    if any(isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= 8192 for side in (height, width)):
        raise ValueError
    return (height, width)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        value = [value[str(index)] for index in range(len(value))]
    if not isinstance(value, list | tuple) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError
    return tuple(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


#: Key of the card -> (what is allowed, its check), in the order of `Card`.
CHECKS: Final[Mapping[str, tuple[str, Check]]] = {
    "task": _one_of(Task),
    "labels": ("names with commas between, or the path of a file with one name a line or a JSON list", _names),
    "input_size": ("a number of pixels up to 8192, [height, width], or null for any size", _size),
    "resize": _one_of(Resize),
    "crop_fraction": ("a number above 0 and up to 1", _positive_share),
    "fill": ("a number from 0 to 1", _share),
    "interpolation": _one_of(Interpolation),
    "channels": _one_of(Channels),
    "scale": ("a number above 0", _positive),
    "mean": ("one number or three", _per_channel(_number)),
    "std": ("one number above 0 or three", _per_channel(_positive)),
    "layout": _one_of(Layout),
    "output": _one_of(Output),
    "architecture": ("the name of a built-in architecture or package.module:factory", _text),
}


def flag(key: str) -> str:
    """The command-line flag of a key of the card: `input_size` -> `--model-input-size`."""
    return "--model-" + key.replace("_", "-")


def flag_value(text: str) -> Any:
    """What is typed behind a flag as a card's value: JSON, a comma-separated JSON list (`224,256`), or plain text."""
    for candidate in (text, f"[{text}]"):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return text


def read_card(path: Path) -> dict[str, Any]:
    """The checked values of a card file. Raises ModelError for what is not a card, naming the key and the mend."""
    try:
        content = read_json(path)
    except OSError as error:
        raise ModelError(f"The model card {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ModelError(f"The model card {path.name} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ModelError(f'The model card {path.name} must hold one JSON object such as {{"task": "classification"}}.')
    return check_card(content, path.name, path.parent)


def check_card(values: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    """Check the values of a card; label files are read relative to `folder`; `where` opens the sentence of an error."""
    checked = {}
    for key, value in values.items():
        if key not in CHECKS:
            raise ModelError(f"{where} has the unknown key '{key}'; a model card knows {', '.join(CHECKS)}.")
        allowed, check = CHECKS[key]
        if key == "labels" and isinstance(value, str):
            names = value.split(",")
            value = names if len(names) > 1 and not (folder / value).exists() else _read_labels(folder / value)
        try:
            checked[key] = check(value)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise ModelError(
                f"{where}: '{key}' must be {allowed}, not {json.dumps(value, default=str)[:40]}."
            ) from error
    return checked


def _read_labels(path: Path) -> Any:
    """The labels of a file: JSON (a list, or an object from index to name), or one a line with or without its index."""
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"The labels file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"The labels file {path} is not text in UTF-8.") from error
    if path.suffix == ".json":
        try:
            return json.loads(content)
        except ValueError as error:
            raise ModelError(f"The labels file {path.name} is not JSON: {error}.") from error
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    numbered = [re.fullmatch(r"(\d+)[\s:,]+(.+)", line) for line in lines]
    # An index is cut off only where every line has the right one: "3 of clubs" is a name.
    if all(match and int(match[1]) == index for index, match in enumerate(numbered)):
        return [match[2] for match in numbered if match]
    return lines


def assemble(claims: Mapping[CardSource, Mapping[str, Any]]) -> Card:
    """The card of what each source claims, the strongest source first; `task` must be among the claims."""
    values, sources = {}, {}
    for key in CHECKS:
        sources[key] = next((source for source in CardSource if key in claims.get(source, {})), CardSource.DEFAULT)
        if key in claims.get(sources[key], {}):
            values[key] = claims[sources[key]][key]
    return Card(**values, sources=sources)
