"""A tolerance report in the making: what it is asked to be of, the search for it, and the writing.

The generators run in the worker's thread; what comes out is what `driftlab tolerance` writes for the same question.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from driftlab.gui.case_command import case_words
from driftlab.gui.picked import Picked, case_steps

if TYPE_CHECKING:
    from driftlab.analysis.sensitivity.summary import Summary
    from driftlab.analysis.tolerance.findings import Tolerance
    from driftlab.analysis.tolerance.tolerances import Progress
    from driftlab.data.cases import Case
    from driftlab.model.task_model import TaskModel
    from driftlab.report.purpose import Purpose

__all__ = ["Draft", "Explained", "ReportQuestion", "command_of", "drafted", "written"]


@dataclass(frozen=True, eq=False)
class ReportQuestion:
    """What a report is of. `ranges` are as `--param` takes them (none: all, as usual); `model_words` name the model."""

    pictures: tuple[Picked, ...]
    model: TaskModel
    model_words: tuple[str, ...]
    table: Path | None
    criterion: str
    over: str
    ranges: tuple[str, ...]
    joint: bool
    budget: int | None
    seed: int

    def same(self, other: ReportQuestion | None) -> bool:
        """Each is asked once."""
        return self is other


@dataclass(frozen=True)
class Explained:
    """So many pictures have had their sensitivities worked out."""

    doing: str
    evaluations: int
    share: float


@dataclass(frozen=True, eq=False)
class Draft:
    """Everything that a report is made of but its purpose."""

    tolerance: Tolerance
    files: tuple[Path, ...]
    argv: tuple[str, ...]
    started: datetime
    sensitivity: tuple[Summary, ...]

    complete = True


def drafted(question: ReportQuestion) -> Iterator[Progress | Tolerance | Explained | Draft | None]:
    """The search, then the sensitivities, at last the draft."""
    from driftlab.analysis.axes import axes_of, parse_ranges
    from driftlab.analysis.criterion import parse_criterion
    from driftlab.analysis.sensitivity.summary import case_tables, summarized
    from driftlab.analysis.tolerance.findings import Tolerance
    from driftlab.analysis.tolerance.tolerances import tolerances

    started = datetime.now(UTC)
    criterion = parse_criterion(question.criterion, question.over)
    ranges = parse_ranges(question.ranges) or None
    cases = yield from case_steps(question.pictures, question.model, accuracy=criterion.takes_accuracy)
    argv = _argv(question, cases)
    axes = axes_of([case.settings for case in cases], ranges)
    found: Tolerance | None = None
    for item in tolerances(
        cases, question.model, axes, criterion, joint=question.joint, budget=question.budget, seed=question.seed
    ):
        found = item if isinstance(item, Tolerance) else found
        yield item
    tables = []
    for table in case_tables(cases, question.model):
        if table is not None:
            tables.append(table)
        yield Explained("sensitivities", found.evaluations if found else 0, len(tables) / len(cases))
    assert found is not None
    files = tuple(each.path for each in question.pictures)
    yield Draft(found, files, tuple(argv), started, summarized(tables))


def written(draft: Draft, purpose: Purpose, folder: Path) -> Iterator[Path]:
    """Write the report; gives the path of report.json."""
    from driftlab.report.write import write_report

    yield write_report(
        folder,
        draft.tolerance,
        files=draft.files,
        argv=draft.argv,
        purpose=purpose,
        started=draft.started,
        sensitivity=draft.sensitivity,
    )


def command_of(question: ReportQuestion, cases: tuple[Case, ...], folder: str) -> str:
    """The shell command that writes the same report. Raises CommandError."""
    return shlex.join(["driftlab", *_argv(question, cases), "-o", folder])


def _argv(question: ReportQuestion, cases: tuple[Case, ...] | list[Case]) -> list[str]:
    words = ["tolerance", *case_words(question.model_words, question.pictures, cases, question.table)]
    words += ["--criterion", question.criterion]
    if question.over != "all":
        words += ["--over", question.over]
    for text in question.ranges:
        words += ["--param", text]
    if question.joint:
        words.append("--joint")
    if question.budget is not None:
        words += ["--budget", str(question.budget)]
    if question.seed:
        words += ["--seed", str(question.seed)]
    return words
