"""What a page of a report is made of, whatever it is drawn with: texts, tables, facts and plots.

Along x a plot counts in shares of its width, 0 to 1; along y in points from its top. A role says what a shape means,
and each way of drawing has its own colors for the roles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Bar",
    "Block",
    "Column",
    "Dot",
    "Facts",
    "Figure",
    "Heading",
    "Label",
    "Plot",
    "Role",
    "Rule",
    "Table",
    "Text",
]

Role = Literal[
    "searched", "holds", "unproven", "gap", "violated", "nominal", "frame", "grid", "curve", "interval", "known",
    "floor", "note", "value",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle."""

    left: float
    right: float
    top: float
    height: float
    role: Role


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    role: Role


@dataclass(frozen=True, slots=True)
class Dot:
    """A point; hollow where it stands for a part of the pictures only."""

    x: float
    y: float
    role: Role
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place, moved by `dx` points."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "middle"
    role: Role = "note"
    dx: float = 0.0


@dataclass(frozen=True, slots=True)
class Plot:
    """Shapes in the order they are drawn, `height` points high; `left` points beside are kept free for labels.

    `says` tells in words what there is to see.
    """

    says: str
    height: float
    shapes: tuple[Bar | Rule | Dot | Label, ...]
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. A "warning" is not to be overlooked, "code" is written as it stands."""

    text: str
    tone: Literal["plain", "note", "warning", "code"] = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: numbers stand to the right, code as it stands; `weight` is its share of the width."""

    title: str
    kind: Literal["text", "number", "code"] = "text"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts; a folded one is behind its caption where a page can fold."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what is known of them, one a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot with a line before it, one after it, and the table behind it."""

    plot: Plot
    before: str = ""
    after: str = ""
    table: Table | None = field(default=None)


Block = Heading | Text | Table | Facts | Figure
