"""The criterion: what must hold of a model's answers, fixed before a search, and how many pictures may fail it.

Every criterion comes down to a score a picture, which holds from a threshold on. Of a count (all, a quantile, a rate,
an accuracy) it then is enough to know how many pictures may fail; the accuracy of a segmentation is the mean of scores.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from driftlab.analysis.errors import AnalysisError

__all__ = ["Criterion", "parse_criterion"]

Kind = Literal["prediction-unchanged", "margin", "accuracy", "drop"]
Over = Literal["all", "quantile", "rate"]

_EXAMPLES: Final = 'prediction-unchanged, "margin>=0.5", "accuracy>=0.9" or "drop<=0.02"'
#: What rounding may take from a share of the pictures.
_SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Criterion:
    """`kind` and its `threshold`; `over` says of how many pictures: all, a share that must hold, a share that may fail.

    "prediction-unchanged": the class on top stays what it is nominally. "margin": the true class is ahead of the best
    other by at least the threshold. "accuracy": the share of pictures that are right (a segmentation's mean IoU) is at
    least the threshold. "drop": it lies at most so far below the nominal one.
    """

    kind: Kind
    threshold: float = 0.0
    over: Over = "all"
    share: float = 1.0

    def __str__(self) -> str:
        name = {"margin": "margin>=", "accuracy": "accuracy>=", "drop": "drop<="}.get(self.kind)
        return f"{name}{self.threshold:g}" if name else self.kind

    @property
    def aggregation(self) -> str:
        """As `--over` takes it."""
        return "all" if self.over == "all" else f"{self.over}={self.share:g}"

    @property
    def self_labeled(self) -> bool:
        """Whether it asks for the nominal answer even where the truth is known."""
        return self.kind == "prediction-unchanged"

    @property
    def takes_accuracy(self) -> bool:
        """Whether it is of an accuracy, which labels of one class say nothing about."""
        return self.kind in ("accuracy", "drop")

    @property
    def least(self) -> float:
        """The margin from which on a picture of a classification holds."""
        return self.threshold if self.kind == "margin" else 0.0

    def may_fail(self, count: int, nominal: float) -> int:
        """How many of `count` pictures may fail; `nominal` is the share that holds nominally."""
        share = {"all": 0.0, "quantile": 1 - self.share, "rate": self.share}[self.over]
        if self.kind == "accuracy":
            share = 1 - self.threshold
        elif self.kind == "drop":
            share = 1 - (nominal - self.threshold)
        return min(max(math.floor(share * count + _SLACK), 0), count)

    def floor(self, nominal: float) -> float:
        """The least mean IoU of a segmentation; `nominal` is the nominal one."""
        return self.threshold if self.kind == "accuracy" else nominal - self.threshold


def parse_criterion(text: str, over: str = "all") -> Criterion:
    """`"margin>=0.5"` and `"quantile=0.95"` -> Criterion. Raises AnalysisError."""
    found = re.fullmatch(r"\s*(prediction-unchanged|margin\s*>=|accuracy\s*>=|drop\s*<=)\s*(\S*)\s*", text)
    if not found or (found[1] == "prediction-unchanged") == bool(found[2]):
        raise AnalysisError(f"'{text}' is no criterion: use {_EXAMPLES}.")
    kind: Kind = {"p": "prediction-unchanged", "m": "margin", "a": "accuracy", "d": "drop"}[found[1][0]]  # type: ignore[assignment]
    threshold = _number(found[2], text) if found[2] else 0.0
    if kind in ("accuracy", "drop") and not 0 <= threshold <= 1:
        raise AnalysisError(f"'{text}' asks for a share outside 0 to 1: accuracies and IoU are shares.")
    name, equals, value = over.partition("=")
    if name == "all" and not equals:
        return Criterion(kind, threshold)
    share = _number(value, over) if name in ("quantile", "rate") and equals else math.nan
    if not 0 <= share <= 1:
        raise AnalysisError(f"'{over}' is no share of the pictures: use all, quantile=0.95 or rate=0.05.")
    if kind in ("accuracy", "drop"):
        raise AnalysisError(f"'{text}' is of all pictures together: leave out --over {over}.")
    return Criterion(kind, threshold, "quantile" if name == "quantile" else "rate", share)


def _number(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AnalysisError(f"'{whole}' holds no number: use {_EXAMPLES}.")
    return value
