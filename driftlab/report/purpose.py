"""The purpose of a model and who answers for it: what a report can't find out by itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from driftlab.errors import DriftlabError
from driftlab.json_file import read_json

__all__ = ["Purpose", "ReportError", "Responsible", "read_purpose"]


class ReportError(DriftlabError):
    """A report can't be written, read or used; the message is one sentence that names the mend."""


@dataclass(frozen=True, slots=True)
class Responsible:
    """A person who answers for something, and for what."""

    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the model is used for (EU AI Act, annex IV, 1a): empty where nobody said.

    `exclusions` are uses that it is not meant for; `supersedes` is the report_id of the report that this one replaces.
    """

    intended_use: str = ""
    decision: str = ""
    harm_if_wrong: str = ""
    exclusions: tuple[str, ...] = ()
    responsible: tuple[Responsible, ...] = ()
    supersedes: str = ""


def read_purpose(path: Path) -> Purpose:
    """The purpose in a JSON file with the fields of `Purpose`. Raises ReportError."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise ReportError(f"'{path}' can't be read as a purpose: {error}.") from error
    known = {field.name for field in fields(Purpose)}
    if not isinstance(content, dict) or not content.keys() <= known:
        raise ReportError(f"'{path}' is no purpose: give an object with some of {', '.join(sorted(known))}.")
    texts = {key: value for key, value in content.items() if key not in ("exclusions", "responsible")}
    exclusions, people = content.get("exclusions", []), content.get("responsible", [])
    named = isinstance(people, list) and all(_is_person(person) for person in people)
    if not named or not all(isinstance(text, str) for text in texts.values()) or not _texts(exclusions):
        raise ReportError(
            f"'{path}' is no purpose: its values are texts, exclusions a list of them, and responsible a list of "
            f'{{"role": …, "name": …}}.'
        )
    return Purpose(**texts, exclusions=tuple(exclusions), responsible=tuple(Responsible(**each) for each in people))


def _is_person(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"role", "name"} and _texts(list(value.values()))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
