"""Settings: every number and choice of a pipeline as one immutable mapping from key to value.

The one key (`white_balance.r`) is the slider, the line in a file, the flag of a command and the column of a report.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftlab.atomic import whole_file
from driftlab.isp.stage import Choice, IspError, Param, Value
from driftlab.json_file import read_json

if TYPE_CHECKING:
    from driftlab.isp.pipeline import Pipeline

__all__ = ["Settings", "pipeline_named_in"]

FORMAT = "driftlab.settings/1"


class Settings(Mapping[str, Value]):
    """The value of every key of one pipeline; always complete, always within the hard ranges.

    Make one with `Pipeline.settings(frame)` and change it with `changed`: whoever holds a Settings holds a snapshot.
    """

    __slots__ = ("_values", "pipeline")

    def __init__(self, pipeline: Pipeline, values: Mapping[str, Value]) -> None:
        self.pipeline = pipeline
        missing = pipeline.keys.keys() - values.keys()
        if missing:
            raise IspError(f"The settings lack {', '.join(sorted(missing))}: give every key of the pipeline.")
        self._values = {key: _checked(pipeline, key, value) for key, value in values.items()}

    def __getitem__(self, key: str) -> Value:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        # As any two mappings are compared, but without a dictionary for each: every move of a slider asks for it.
        if isinstance(other, Settings):
            return self is other or self._values == other._values
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash((self.pipeline.name, frozenset(self._values.items())))

    def __repr__(self) -> str:
        return f"Settings({self.pipeline.name!r}, {self._values!r})"

    def number(self, key: str) -> float:
        """The value of a parameter."""
        value = self[key]
        if isinstance(value, str | bool):
            raise IspError(f"'{key}' is a choice, not a parameter.")
        return value

    def changed(self, changes: Mapping[str, Value]) -> Settings:
        """These settings with some values replaced; keys and ranges are checked."""
        return Settings(self.pipeline, {**self._values, **changes})

    def assigned(self, assignments: list[str] | tuple[str, ...]) -> Settings:
        """These settings with `KEY=VALUE` texts applied, as a command line gives them."""
        changes: dict[str, Value] = {}
        for text in assignments:
            key, equals, value = text.partition("=")
            if not equals:
                raise IspError(f"'{text}' sets nothing: write it as KEY=VALUE, for example white_balance.r=2.1.")
            changes[key.strip()] = _parsed(self.pipeline, key.strip(), value.strip())
        return self.changed(changes)

    def to_dict(self) -> dict[str, Any]:
        """Format, pipeline name and values, ready for JSON."""
        return {"format": FORMAT, "pipeline": self.pipeline.name, "settings": dict(self._values)}

    def save(self, path: Path) -> None:
        """Write as JSON."""
        try:
            with whole_file(path) as file:
                file.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise IspError(f"'{path}' can't be written: {error.strerror or error}.") from error

    def loaded(self, path: Path) -> Settings:
        """These settings with those of a JSON file laid over them; the file may hold only some of the keys."""
        try:
            content = read_json(path)
        except (OSError, ValueError) as error:
            raise IspError(f"'{path}' can't be read as settings: {error}.") from error
        if isinstance(content, dict) and content and all("." in key for key in content):
            content = {"settings": content}  # nothing but keys and values
        if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
            raise IspError(f"'{path}' holds no settings: it needs an object with the key \"settings\".")
        if content.get("format", FORMAT) != FORMAT:
            raise IspError(f"'{path}' is of the format {content['format']!r}: this version reads {FORMAT!r}.")
        if content.get("pipeline", self.pipeline.name) != self.pipeline.name:
            raise IspError(
                f"'{path}' is for the pipeline '{content['pipeline']}': "
                f"choose it with --pipeline {content['pipeline']} or remove the file."
            )
        return self.changed(content["settings"])


def pipeline_named_in(path: Path) -> str | None:
    """The pipeline that a settings file is for, where it says so."""
    try:
        content = read_json(path)
        name = content["pipeline"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # whoever loads the file says what is wrong with it
    return name if isinstance(name, str) else None


def _declared(pipeline: Pipeline, key: str) -> Param | Choice | None:
    """What a key stands for; None for the switch of a stage."""
    try:
        return pipeline.keys[key]
    except KeyError:
        near = difflib.get_close_matches(key, pipeline.keys, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`driftlab stages` lists the keys."
        raise IspError(f"The pipeline '{pipeline.name}' has no key '{key}': {hint}") from None


def _parsed(pipeline: Pipeline, key: str, text: str) -> Value:
    declared = _declared(pipeline, key)
    if isinstance(declared, Choice):
        return text
    if declared is None:
        words = {
            "on": True,
            "true": True,
            "1": True,
            "yes": True,
            "off": False,
            "false": False,
            "0": False,
            "no": False,
        }
        if text.lower() not in words:
            raise IspError(f"'{text}' does not switch {key}: use on or off.")
        return words[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise IspError(f"'{text}' is no number for {key}: give one from {_span(declared)}.") from None


def _checked(pipeline: Pipeline, key: str, value: object) -> Value:
    declared = _declared(pipeline, key)
    if isinstance(declared, Choice):
        if value not in declared.options:
            raise IspError(f"'{value}' is no choice of {key}: use one of {', '.join(declared.options)}.")
        return str(value)
    if declared is None:
        stage = pipeline.stage(key.partition(".")[0])
        if not isinstance(value, bool):
            raise IspError(f"{value!r} does not switch {key}: use true or false.")
        if not value and stage.off is None:
            raise IspError(f"The stage {stage.name} can't be switched off: the next stage needs what it writes.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IspError(f"{value!r} is no number for {key}: give one from {_span(declared)}.")
    if not declared.hard[0] <= value <= declared.hard[1]:
        raise IspError(f"{key} = {str(value)[:12]} is out of range: give a number from {_span(declared)}.")
    if declared.integer and value != round(value):
        raise IspError(f"{key} = {value:g} is not whole: give a whole number from {_span(declared)}.")
    return float(value)


def _span(param: Param) -> str:
    unit = f" {param.unit}" if param.unit else ""
    return f"{param.hard[0]:g} to {param.hard[1]:g}{unit}"
