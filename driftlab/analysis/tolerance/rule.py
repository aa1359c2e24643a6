"""The rule: a criterion with the nominal answers it is held against, and what it says of pictures asked so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor

from driftlab.analysis.criterion import Criterion
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.statistics import bootstrapped_mean, clopper_pearson
from driftlab.analysis.tolerance.findings import Nominal, Probe
from driftlab.analysis.trials import Answers, Trials
from driftlab.model.card import Task

__all__ = ["SLACK", "Rule", "check_criterion", "judging", "rule_of"]

#: What rounding may take from a mean IoU.
SLACK: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """`nominal` are the scores `[N]` of all pictures at the nominal settings, `metric` what they come to.

    Scores are as in `Answers`. Of a classification `may_fail` pictures may fail, each below the score `least`; of a
    segmentation the mean must be at least `floor`.
    """

    criterion: Criterion
    segmentation: bool
    nominal: Tensor
    metric: float
    least: float
    may_fail: int
    floor: float
    seed: int

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self.nominal)

    def good(self, scores: Tensor) -> Tensor:
        """Which pictures hold; of a segmentation none is held to account by itself: those that are no worse."""
        return scores >= (self.nominal - SLACK if self.segmentation else self.least)

    def metric_of(self, scores: Tensor) -> float:
        """The share of pictures that hold, or the mean IoU, of any pictures' scores."""
        return float(scores.mean() if self.segmentation else (scores >= self.least).double().mean())

    def decided(self, scores: Tensor) -> bool | None:
        """Whether the criterion holds with these scores `[N]`, NaN where not asked; None while that is open.

        It is not said to hold before all pictures have been asked.
        """
        asked = ~scores.isnan()
        if self.segmentation:
            best = scores.nan_to_num(1.0).clamp_max(1.0)
            failed = float(best.mean()) < self.floor - SLACK
        else:
            failed = int((scores[asked] < self.least).sum()) > self.may_fail
        return False if failed else True if bool(asked.all()) else None

    def probe(self, position: float, scores: Tensor) -> Probe:
        """What is known at a position with these scores `[N]`, NaN where not asked."""
        asked = scores[~scores.isnan()]
        low, high = self.interval(scores) if len(asked) == self.count else (None, None)
        holds = bool(self.decided(scores))
        return Probe(position, self.metric_of(asked), low, high, len(asked), self.count, float(asked.min()), holds)

    def failing(self, scores: Tensor) -> tuple[float, float, float]:
        """The share of pictures that fail with these scores `[N]`, or the drop from nominal, and its interval."""
        if not self.segmentation and self.criterion.kind != "drop":
            failures = int((scores < self.least).sum())
            return failures / self.count, *clopper_pearson(failures, self.count)
        drops = self.nominal - scores
        if not self.segmentation:
            drops = (self.nominal >= self.least).double() - (scores >= self.least).double()
        return float(drops.mean()), *bootstrapped_mean(drops.tolist(), self.seed, least=-1.0)

    def interval(self, scores: Tensor) -> tuple[float, float]:
        """The 95 % interval of `metric_of` all pictures' scores `[N]`: Clopper–Pearson, or a bootstrap of mean IoU."""
        if self.segmentation:
            return bootstrapped_mean(scores.tolist(), self.seed)
        return clopper_pearson(int((scores >= self.least).sum()), self.count)


def judging(criterion: Criterion, trials: Trials, nominal: Answers, seed: int = 0) -> Rule:
    """The rule for these cases, whether or not it holds nominally. Raises AnalysisError where nothing can break it."""
    segmentation = trials.model.task is Task.SEGMENTATION
    scores, least = nominal.scores, criterion.least
    metric = float(scores.mean() if segmentation else (scores >= least).double().mean())
    may_fail, floor = criterion.may_fail(len(scores), metric), criterion.floor(metric)
    if floor <= 0 if segmentation else may_fail >= len(scores):
        where = "" if criterion.over == "all" else f" over {criterion.aggregation}"
        raise AnalysisError(
            f"{criterion}{where} lets every picture fail, where nominally {metric:.3g} is reached: ask for more."
        )
    return Rule(criterion, segmentation, scores, metric, least, may_fail, floor, seed)


def rule_of(criterion: Criterion, trials: Trials, nominal: Answers, seed: int = 0) -> tuple[Rule, tuple[Nominal, ...]]:
    """The rule for these cases, and what the model says of each nominally.

    Raises AnalysisError where the criterion is not one for this task, can't fail, or fails at the nominal settings.
    """
    check_criterion(criterion, trials.model.task)
    rule = judging(criterion, trials, nominal, seed)
    segmentation, scores, metric = rule.segmentation, rule.nominal, rule.metric
    holding = rule.good(scores).tolist()
    labels = trials.model.labels
    told = tuple(
        Nominal(
            "" if segmentation else labels[int(nominal.top[index])],
            "" if segmentation else labels[trials.truths[index]],
            criterion.self_labeled or (case.mask is None if segmentation else case.label is None),
            float(scores[index]),
            holding[index],
        )
        for index, case in enumerate(trials.cases)
    )
    if not rule.decided(scores):
        name = "the mean IoU" if segmentation else "the share of pictures that hold"
        worst = "" if segmentation else f" and the smallest margin {float(scores.min()):.3g}"
        raise AnalysisError(
            f"{criterion} fails at the nominal settings already, where {name} is {metric:.3g}{worst}: "
            f"nothing was searched; choose a criterion that holds there, or other nominal settings."
        )
    return rule, told


def check_criterion(criterion: Criterion, task: Task) -> None:
    """Raises AnalysisError for a criterion that a segmentation has no answer to."""
    if task is Task.SEGMENTATION and criterion.kind in ("prediction-unchanged", "margin"):
        raise AnalysisError(
            f"A segmentation has no one class for a picture that {criterion} could ask for: "
            f"use accuracy>=… or drop<=…, which are of its mean IoU."
        )
