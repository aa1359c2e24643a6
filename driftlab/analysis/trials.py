"""Trials: cases under many settings, shown to the model; what it says, and how fast that moves with the settings.

A trial is one picture under one vector of positions; `evaluations` counts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.analysis.axes import Axis
from driftlab.analysis.errors import AnalysisError
from driftlab.analysis.pictures import BATCH, Pictures, Pull
from driftlab.analysis.target import soft_dice
from driftlab.data.cases import Case
from driftlab.isp.settings import Settings
from driftlab.model.card import ModelError, Task
from driftlab.model.framing import Framing
from driftlab.model.prediction import UNSEEN, segment
from driftlab.model.task_model import TaskModel
from driftlab.steps import result_of

__all__ = ["Answers", "Known", "Shown", "Steps", "Trials", "trials_of"]

#: Pixels of a batch whose slopes are asked for, which take three times as long.
SLOPES: Final = BATCH // 4

#: What a generator gives while it works: nothing but a place to stop.
Steps = Generator[None, None, Any]

#: Trials that were made before: what was asked (see `Trials.name_of`) -> score, class on top and, of `slopes`, those.
Known = MutableMapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the model says in N trials.

    `scores` `[N]`, float64: of a classification the margin of the true class over the best other, above 0 where it is
    on top; of a segmentation the mean IoU over the classes of the true mask. `top` `[N]`, int64: the class on top; −1
    of a segmentation.
    """

    scores: Tensor
    top: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A batch of n trials: what the model was shown, and what came of it.

    `rows` are their places in the question; `pictures` display RGB `[n, 3, H, W]`; `losses` `[n]`, float64, the task's
    own loss: cross-entropy of the true class, or 1 − soft Dice; `scores` and `top` are as in `Answers`. Asked for with
    slopes, pictures and losses hang on the positions, and `pull` gives d z / d position, `[n, P]`, float64, of numbers
    z `[n]` made of them, each of its own trial; it may be called once.
    """

    rows: list[int]
    pictures: Tensor
    losses: Tensor
    scores: list[float]
    top: list[int]
    pull: Pull


class Trials:
    """Cases, a model and the axes that move the settings; `trials_of` makes the first one, `along` others."""

    def __init__(
        self,
        cases: Sequence[Case],
        model: TaskModel,
        axes: Sequence[Axis],
        truths: Sequence[Any],
        known: Known | None = None,
    ) -> None:
        self.cases, self.model, self.axes = tuple(cases), model, tuple(axes)
        #: Answers the trials that it holds, and takes in the others. They count as evaluations either way.
        self.known = known
        #: The true class of every case, an index, or its true mask `[H, W]` on the region's pixels.
        self.truths = tuple(truths)
        self.evaluations = 0
        self._pictures = Pictures(cases, axes)

    @property
    def nominal(self) -> list[float]:
        """The nominal positions."""
        return [axis.nominal for axis in self.axes]

    @property
    def differentiable(self) -> bool:
        """Whether `slopes` can be asked for."""
        return self.model.differentiable

    @property
    def large(self) -> bool:
        """Whether any picture is developed by itself, in tiles."""
        return any(map(self._pictures.is_large, range(len(self.cases))))

    def along(self, axes: Sequence[Axis]) -> Trials:
        """The same cases and truths on other axes."""
        return Trials(self.cases, self.model, axes, self.truths, self.known)

    def name_of(self, index: int, positions: Sequence[float], *, slopes: bool = False) -> str:
        """A name for what is asked: a digest of the case's number, and of every axis with its position to the bit."""
        places = (f"{axis.key}={float(place)!r}" for axis, place in zip(self.axes, positions, strict=True))
        text = " ".join([f"{'slopes' if slopes else 'score'} of {index} at", *places])
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def settings_at(self, index: int, positions: Sequence[float]) -> Settings:
        """The settings of a case at these positions."""
        return self._pictures.settings_at(index, positions)

    def ask(self, which: Sequence[int], positions: Sequence[Sequence[float]]) -> Generator[None, None, Answers]:
        """The answers of N cases, one at each of N vectors of P positions; stops between batches.

        Raises ModelError where the model gives no finite numbers.
        """
        answers = _empty(len(which))
        for rows in self._pictures.batches(which):
            cases, places = [which[row] for row in rows], [positions[row] for row in rows]
            names = [self.name_of(index, place) for index, place in zip(cases, places, strict=True)]
            found = self._recalled(names)
            if found is None:
                pictures = yield from self._pictures.at(cases, places)
                with torch.no_grad():
                    logits = self._logits(pictures, cases, places)
                    found = [self._score(index, one) for index, one in zip(cases, logits, strict=True)]
                self._remember(names, found)
            for row, (score, top, *_) in zip(rows, found, strict=True):
                answers.scores[row], answers.top[row] = score, int(top)
            self.evaluations += len(rows)
            yield
        return answers

    def slopes(
        self, which: Sequence[int], positions: Sequence[Sequence[float]]
    ) -> Generator[None, None, tuple[Answers, Tensor]]:
        """As `ask`, and d score / d position, `[N, P]`, float64; of a segmentation that of its soft Dice.

        Where a slope is no finite number it is 0.

        Raises AnalysisError for a black-box model.
        """
        if self.model.no_gradient:
            raise AnalysisError(f"{self.model.no_gradient} Search without gradients.")
        answers = _empty(len(which))
        slopes = torch.zeros(len(which), len(self.axes), dtype=torch.float64)
        for rows in self._pictures.batches(which, SLOPES):
            cases, places = [which[row] for row in rows], [positions[row] for row in rows]
            names = [self.name_of(index, place, slopes=True) for index, place in zip(cases, places, strict=True)]
            found = self._recalled(names)
            if found is None:
                logits, made = yield from self._differentiated(cases, places)
                # A network may have an answer and no slope, such as that of a root at 0: none is then foretold by it.
                made = made.nan_to_num(0.0, 0.0, 0.0)
                found = [
                    (*self._score(index, one), *slope.tolist())
                    for index, one, slope in zip(cases, logits, made, strict=True)
                ]
                self._remember(names, found)
            for row, (score, top, *slope) in zip(rows, found, strict=True):
                answers.scores[row], answers.top[row] = score, int(top)
                slopes[row] = torch.tensor(slope, dtype=torch.float64)
            self.evaluations += len(rows)
            yield
        return answers, slopes

    def _recalled(self, names: Sequence[str]) -> Sequence[tuple[float, ...]] | None:
        """A batch that is known as a whole; one that is run in part would come out with other last bits."""
        known = self.known
        return None if known is None or any(name not in known for name in names) else [known[name] for name in names]

    def _remember(self, names: Sequence[str], found: Sequence[tuple[float, ...]]) -> None:
        if self.known is not None:
            self.known.update(zip(names, found, strict=True))

    def shown(
        self, which: Sequence[int], positions: Sequence[Sequence[float]], *, slopes: bool = False
    ) -> Iterator[Shown]:
        """N cases, one at each of N vectors of positions, batch by batch, with the pictures.

        Raises AnalysisError for the slopes of a black-box model, ModelError where it gives no finite numbers.
        """
        if slopes and self.model.no_gradient:
            raise AnalysisError(f"{self.model.no_gradient} Search without gradients.")
        for rows in self._pictures.batches(which, SLOPES if slopes else BATCH):
            cases, places = [which[row] for row in rows], [positions[row] for row in rows]
            with torch.set_grad_enabled(slopes):
                pictures, pull = self._pulled(cases, places) if slopes else (self._all(cases, places), _no_pull)
                logits = self._logits(pictures, cases, places)
                losses = torch.stack([self._loss(index, one) for index, one in zip(cases, logits, strict=True)])
            answers = [self._score(index, one) for index, one in zip(cases, logits.detach(), strict=True)]
            self.evaluations += len(rows)
            yield Shown(rows, pictures, losses, [each[0] for each in answers], [each[1] for each in answers], pull)

    def pictures(self, index: int, positions: Sequence[Sequence[float]]) -> Tensor:
        """Display RGB `[N, 3, H, W]` of one case at N vectors of positions."""
        return torch.cat([self._all([index], [place]) for place in positions])

    # How it is done

    def _all(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> Tensor:
        """The pictures of a batch, without a place to stop."""
        return result_of(self._pictures.at(cases, positions))

    def _differentiated(
        self, cases: Sequence[int], positions: Sequence[Sequence[float]]
    ) -> Generator[None, None, tuple[Tensor, Tensor]]:
        """Logits, and the derivative of what is to stay high by every position, `[N, P]`; stops between pieces."""
        large = self._pictures.is_large(cases[0])
        pictures = (yield from self._pictures.at(cases, positions)).requires_grad_() if large else None
        with torch.enable_grad():
            if pictures is None:
                pictures, pull = self._pictures.hanging(cases, positions)
            logits = self._logits(pictures, cases, positions)
            z = torch.stack([self._smooth(index, one) for index, one in zip(cases, logits, strict=True)])
            if not large:
                return logits.detach(), pull(z)
            (by_picture,) = torch.autograd.grad(z.sum(), pictures)
        return logits.detach(), (yield from self._pictures.pulled(cases[0], positions[0], by_picture))

    def _pulled(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> tuple[Tensor, Pull]:
        """Pictures that hang on their positions, and what gives the derivative of what is made of them."""
        if not self._pictures.is_large(cases[0]):
            return self._pictures.hanging(cases, positions)
        picture = self._all(cases, positions).requires_grad_()

        def pull(z: Tensor) -> Tensor:
            (by_picture,) = torch.autograd.grad(z.sum(), picture)
            return result_of(self._pictures.pulled(cases[0], positions[0], by_picture))

        return picture, pull

    def _logits(self, pictures: Tensor, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> Tensor:
        """What the model says; where it fails, the error tells what of."""
        try:
            return self.model(pictures)
        except ModelError as error:
            names = list(dict.fromkeys(f"'{self.cases[index].frame.name}'" for index in cases))
            moved = [
                f"{axis.key} = {place:.4g}{' ' + axis.unit if axis.unit else ''}"
                for axis, place in zip(self.axes, positions[0], strict=True)
                if place != axis.nominal
            ]
            of = names[0] if len(names) == 1 else f"one of {len(names)} pictures, {names[0]} the first of them"
            where = ", ".join(moved[:3]) if len(cases) == 1 and moved else "the settings searched"
            where = "the nominal settings" if not moved and len({*map(tuple, positions)}) == 1 else where
            raise ModelError(f"{str(error).rstrip('.')}: it was {of}, at {where}.") from error

    def _score(self, index: int, logits: Tensor) -> tuple[float, int]:
        """Score and class on top, of logits `[K]` or `[K, h, w]`."""
        truth = self.truths[index]
        if self.model.task is not Task.SEGMENTATION:
            return float(_margin(logits.double(), truth)), int(logits.argmax())
        framing = self._framing(index, logits)
        scores = segment(logits, framing, self.model.labels).iou(truth)
        there = [value for value in truth.unique().tolist() if 0 <= value < len(scores)]
        return float(scores[there].nan_to_num(0.0).mean()), -1

    def _loss(self, index: int, logits: Tensor) -> Tensor:
        """The task's loss, of logits `[K]` or `[K, h, w]`."""
        if self.model.task is Task.SEGMENTATION:
            return 1 - self._smooth(index, logits).double()
        return F.cross_entropy(logits.double()[None], torch.tensor([self.truths[index]], device=logits.device))

    def _smooth(self, index: int, logits: Tensor) -> Tensor:
        """What is differentiated, of logits `[K]` or `[K, h, w]`."""
        truth = self.truths[index]
        if self.model.task is not Task.SEGMENTATION:
            return _margin(logits, truth)
        framing = self._framing(index, logits)
        return soft_dice(logits[None], truth, framing)[0]

    def _framing(self, index: int, like: Tensor) -> Framing:
        region = self.cases[index].extent
        return self.model.framing(like.new_empty(1, 1, 1, 1).expand(1, 3, region.height, region.width))


def trials_of(
    cases: Sequence[Case],
    model: TaskModel,
    axes: Sequence[Axis],
    *,
    self_label: bool = False,
    known: Known | None = None,
) -> Steps:
    """The trials of these cases and their nominal answers, `tuple[Trials, Answers]`, once every case has been asked.

    Truth is a case's label or mask; where there is none, or with `self_label`, the nominal answer. `known` is as in
    `Trials`. Raises AnalysisError for labels that the model does not have, and for a model that neither classifies nor
    segments.
    """
    if not cases:
        raise AnalysisError("There is no picture to search on: give at least one camera file.")
    if model.task not in (Task.CLASSIFICATION, Task.SEGMENTATION):
        raise AnalysisError(
            f"A model for {model.task} makes no decision that could fail: give one that classifies or segments."
        )
    if model.task is Task.CLASSIFICATION and len(model.labels) < 2:
        raise AnalysisError("The model knows one class only, which always wins: give one with two or more.")
    trials = Trials(cases, model, axes, [None] * len(cases), known)
    truths: list[Any] = [None] * len(cases)
    answers = _empty(len(cases))
    for rows in trials._pictures.batches(range(len(cases))):
        pictures = yield from trials._pictures.at(rows, [trials.nominal] * len(rows))
        with torch.no_grad():
            nominal = trials._logits(pictures, rows, [trials.nominal] * len(rows))
            for row, logits in zip(rows, nominal, strict=True):
                own: Any = int(logits.argmax())
                if model.task is Task.SEGMENTATION:
                    own = segment(logits, model.framing(pictures), model.labels).mask
                truths[row] = own if self_label else _truth(cases[row], model, own)
                trials.truths = tuple(truths)
                answers.scores[row], answers.top[row] = trials._score(row, logits)
        trials.evaluations += len(rows)
        yield
    return trials, answers


def _no_pull(z: Tensor) -> Tensor:
    raise ValueError("asked for without slopes")


def _empty(count: int) -> Answers:
    return Answers(torch.empty(count, dtype=torch.float64), torch.full((count,), -1))


def _truth(case: Case, model: TaskModel, own: Any) -> Any:
    if model.task is Task.SEGMENTATION:
        if case.mask is None:
            return own
        if case.mask.shape != own.shape:
            raise AnalysisError(
                f"The mask of '{case.frame.name}' is {list(case.mask.shape)}, but the picture {list(own.shape)}: "
                f"give one of its size."
            )
        truth = torch.where(own == UNSEEN, UNSEEN, case.mask.long())
        if not bool(((truth >= 0) & (truth < len(model.labels))).any()):
            raise AnalysisError(
                f"The mask of '{case.frame.name}' labels no pixel with a class of the model where it sees one: "
                f"give one that does, or leave the picture out."
            )
        return truth
    if case.label is None:
        return own
    if case.label not in model.labels:
        known = ", ".join(model.labels[:8]) + (" …" if len(model.labels) > 8 else "")
        raise AnalysisError(
            f"'{case.frame.name}' is labeled '{case.label}', a class that the model does not have: use {known}."
        )
    return model.labels.index(case.label)


def _margin(logits: Tensor, truth: int) -> Tensor:
    """The true class's logit minus the best other, of `[K]`."""
    others = torch.cat([logits[:truth], logits[truth + 1 :]])
    return logits[truth] - others.max()
