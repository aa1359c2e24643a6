"""Planted trials: scores that are functions of the positions, so that the answer of a search has a closed form."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from driftlab.analysis.axes import Axis
from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.tolerance.rule import Rule, rule_of
from driftlab.analysis.trials import Answers, Trials
from driftlab.data.cases import Case
from driftlab.isp.pipeline import PIPELINES
from driftlab.isp.stage import Gradient, Param
from driftlab.model.card import Task
from tests.analysis.models import model_of
from tests.isp.frames import smooth_frame

T = TypeVar("T")


def finished(steps: Generator[Any, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def axis_of(
    name: str, nominal: float, low: float, high: float, *, log: bool = False, integer: bool = False,
    gradient: Gradient = "exact",
) -> Axis:  # fmt: skip
    """An axis of a parameter that no stage has."""
    param = Param(name, name, nominal, low, high, (low, high), "planted", log=log, integer=integer)
    return Axis(f"planted.{name}", param, "value", nominal, low, high, gradient)


class Planted(Trials):
    """Trials whose score of picture n is `score(positions)[:, n]`; its asked positions are kept in `asked`."""

    def __init__(
        self,
        axes: Sequence[Axis],
        score: Callable[[Tensor], Tensor],
        count: int = 1,
        *,
        black_box: bool = False,
        task: Task = Task.CLASSIFICATION,
    ) -> None:
        frame = smooth_frame("rggb", 8, 8)
        case = Case(frame, PIPELINES["camera"].settings(frame))
        refusal = "The model is a black box." if black_box else None
        model = model_of(lambda picture: picture.mean((2, 3)), ("no", "yes"), task, no_gradient=refusal)
        super().__init__([case] * count, model, (), [1] * count)
        self.axes, self.score, self.asked, self.longest = tuple(axes), score, list[list[float]](), 0

    def ask(self, which: Sequence[int], positions: Sequence[Sequence[float]]) -> Generator[None, None, Answers]:
        answers, _ = yield from self._answered(which, positions)
        return answers

    def slopes(
        self, which: Sequence[int], positions: Sequence[Sequence[float]]
    ) -> Generator[None, None, tuple[Answers, Tensor]]:
        assert self.differentiable
        answers, slopes = yield from self._answered(which, positions)
        for number, axis in enumerate(self.axes):
            slopes[:, number] *= axis.gradient != "none"
        return answers, slopes

    def _answered(
        self, which: Sequence[int], positions: Sequence[Sequence[float]]
    ) -> Generator[None, None, tuple[Answers, Tensor]]:
        self.evaluations += len(which)
        self.asked += map(list, positions)
        places = torch.tensor(positions, dtype=torch.float64).reshape(len(which), -1).requires_grad_()
        scores = self.score(places).reshape(len(which), -1)[torch.arange(len(which)), torch.tensor(which)]
        slopes = torch.zeros_like(places)
        if scores.requires_grad:
            (slopes,) = torch.autograd.grad(scores.sum(), places)
        segmentation = self.model.task is Task.SEGMENTATION
        scores = scores.detach()
        top = torch.full(scores.shape, -1) if segmentation else (scores >= 0).long()
        yield
        return Answers(scores, top), slopes


def ruled(trials: Trials, criterion: str, over: str = "all") -> tuple[Rule, Answers]:
    """The rule of planted trials and their nominal answers."""
    count = len(trials.cases)
    nominal = finished(trials.ask(range(count), [trials.nominal] * count))
    return rule_of(parse_criterion(criterion, over), trials, nominal)[0], nominal
