"""Trials: pictures developed under many settings and shown to the model, with the work that they share done once.

Samples are cut once, with the border that the widest of the settings reads, and run once up to the first stage that an
axis moves. Batches are cut by a rule that looks at nothing but the question, so that the same question gives the same
bits. A trial is one picture under one vector of positions; `evaluations` counts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.analysis.axes import Axis
from driftlab.analysis.cases import Case
from driftlab.analysis.linearized import chain_of, linearized, pieces
from driftlab.analysis.target import AnalysisError, soft_dice
from driftlab.isp.develop import Region, Window, develop, window
from driftlab.isp.pipeline import Pipeline, run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Domain, Sensor
from driftlab.isp.windows import plan_of
from driftlab.model.card import Task
from driftlab.model.framing import Framing
from driftlab.model.prediction import UNSEEN, segment
from driftlab.model.task_model import TaskModel

__all__ = ["Answers", "Known", "Shown", "Steps", "Trials", "trials_of"]

#: Pixels of a batch: of so many pictures of 256 × 256, eight. A pass ends before one may wait to stop it.
BATCH: Final = 8 * 256 * 256
#: Pixels of a picture that is developed by itself, in tiles.
LARGE: Final = 2_000_000
#: Numbers of all pictures that are kept ready to run, a gigabyte of them; of more, they are made anew for every batch.
KEPT: Final = 2**28

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
    pull: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A case ready to run: its window after the stages that nothing moves, and the settings of the rest."""

    window: Window | None
    region: Region
    settings: Settings

    @property
    def size(self) -> int:
        """Numbers that are held in memory."""
        return 0 if self.window is None else self.window.image.numel()


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
        self._first = _first_moved(cases[0].settings.pipeline, self.axes)
        self._rest = _rest(cases[0].settings.pipeline, self._first)
        self._cuts: dict[int, Window | None] = {}
        self._families: dict[int, tuple[str, ...]] = {}
        self._made: dict[int, _Ready] = {}

    @property
    def nominal(self) -> list[float]:
        """The nominal positions."""
        return [axis.nominal for axis in self.axes]

    @property
    def differentiable(self) -> bool:
        """Whether `slopes` can be asked for."""
        return self.model.differentiable

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
        nominal = self.cases[index].settings
        return nominal.changed({key: float(value[0]) for key, value in self._values(nominal, [positions]).items()})

    def ask(self, which: Sequence[int], positions: Sequence[Sequence[float]]) -> Generator[None, None, Answers]:
        """The answers of N cases, one at each of N vectors of P positions; stops between batches.

        Raises ModelError where the model gives no finite numbers.
        """
        answers = _empty(len(which))
        for rows in self._batches(which):
            names = [self.name_of(which[row], positions[row]) for row in rows]
            found = self._recalled(names)
            if found is None:
                with torch.no_grad():
                    logits = self.model(self._pictures([which[row] for row in rows], [positions[row] for row in rows]))
                    found = [self._score(which[row], one) for row, one in zip(rows, logits, strict=True)]
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

        Raises AnalysisError for a black-box model.
        """
        if self.model.no_gradient:
            raise AnalysisError(f"{self.model.no_gradient} Search without gradients.")
        answers = _empty(len(which))
        slopes = torch.zeros(len(which), len(self.axes), dtype=torch.float64)
        for rows in self._batches(which):
            cases, places = [which[row] for row in rows], [positions[row] for row in rows]
            names = [self.name_of(index, place, slopes=True) for index, place in zip(cases, places, strict=True)]
            found = self._recalled(names)
            if found is None:
                logits, made = self._differentiated(cases, places)
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
        for rows in self._batches(which):
            cases, places = [which[row] for row in rows], [positions[row] for row in rows]
            with torch.set_grad_enabled(slopes):
                pictures, pull = self._pulled(cases, places) if slopes else (self._pictures(cases, places), _no_pull)
                logits = self.model(pictures)
                losses = torch.stack([self._loss(index, one) for index, one in zip(cases, logits, strict=True)])
            answers = [self._score(index, one) for index, one in zip(cases, logits.detach(), strict=True)]
            self.evaluations += len(rows)
            yield Shown(rows, pictures, losses, [each[0] for each in answers], [each[1] for each in answers], pull)

    def pictures(self, index: int, positions: Sequence[Sequence[float]]) -> Tensor:
        """Display RGB `[N, 3, H, W]` of one case at N vectors of positions."""
        with torch.no_grad():
            return torch.cat([self._pictures([index], [place]) for place in positions])

    # How it is done

    def _ready(self, index: int) -> _Ready:
        if index not in self._made:
            self._made[index] = self._make(index)
            while len(self._made) > 1 and sum(each.size for each in self._made.values()) > KEPT:
                del self._made[next(iter(self._made))]
        return self._made[index]

    def _make(self, index: int) -> _Ready:
        case, cut = self.cases[index], self._cut(index)
        settings = case.settings
        if cut is not None and self._first > 0:
            with torch.no_grad():
                before = settings.pipeline.stages[self._first - 1].name
                cut = replace(cut, image=run(cut.image, settings, cut.sensor, settings.pipeline, until=before))
        return _Ready(cut, case.extent, settings)

    def _cut(self, index: int) -> Window | None:
        """The samples of a case, in the frame's own memory; None for a picture that is developed by itself."""
        if index not in self._cuts:
            case, region = self.cases[index], self.cases[index].extent
            large = region.width * region.height > LARGE
            widest = self._widest(case.settings, Sensor.of(case.frame))
            self._cuts[index] = None if large else window(case.frame, widest, region)
        return self._cuts[index]

    def _family(self, index: int) -> tuple[str, ...]:
        """What cases have in common that can run together."""
        if index not in self._families:
            cut, settings = self._cut(index), self.cases[index].settings
            choices = tuple((key, value) for key, value in settings.items() if isinstance(value, str | bool))
            alike = (cut.image.shape, cut.sensor, cut.rows, cut.columns, choices) if cut else (index,)
            self._families[index] = tuple(map(str, alike))
        return self._families[index]

    def _widest(self, settings: Settings, sensor: Sensor) -> Settings:
        """Settings under which the stages read as far as anywhere on the axes."""
        for axis in self.axes:
            ends = torch.tensor([axis.low, axis.high], dtype=torch.float64)
            values = axis.values(ends, settings.number(axis.key)).tolist()
            tried = [settings, *(settings.changed({axis.key: value}) for value in values)]
            plans = [plan_of(each, sensor) for each in tried]
            wide = max(range(len(tried)), key=lambda at: (plans[at].whole_rows, plans[at].border, plans[at].grid))
            settings = tried[wide]
        return settings

    def _batches(self, which: Sequence[int]) -> Iterator[list[int]]:
        """The rows of every batch: trials that run together, in the order of the first of each."""
        families: dict[tuple[Any, ...], list[int]] = {}
        for row, index in enumerate(which):
            families.setdefault(self._family(index), []).append(row)
        for rows in families.values():
            region = self.cases[which[rows[0]]].extent
            size = max(BATCH // (region.width * region.height), 1)
            for first in range(0, len(rows), size):
                yield rows[first : first + size]

    def _values(self, nominal: Settings, positions: Sequence[Sequence[float]]) -> dict[str, Tensor]:
        """The values of the axes' keys, each `[N]`, float64."""
        places = torch.tensor(positions, dtype=torch.float64).reshape(len(positions), len(self.axes))
        return {
            axis.key: axis.values(places[:, number], nominal.number(axis.key)) for number, axis in enumerate(self.axes)
        }

    def _run(self, cases: Sequence[int], moved: dict[str, Tensor]) -> Tensor:
        """Cases of one family with the axes' keys at `moved`, each `[N]`: display RGB `[N, 3, H, W]`."""
        ready = [self._ready(index) for index in cases]
        cut, like = ready[0].window, ready[0].settings
        assert cut is not None
        alone = all(index == cases[0] for index in cases)
        image = cut.image if alone else torch.cat([each.window.image for each in ready if each.window])
        values: dict[str, Any] = dict(like)
        if not alone:
            for key in self._rest.keys:
                if isinstance(like[key], float):
                    numbers = [each.settings.number(key) for each in ready]
                    values[key] = numbers[0] if len(set(numbers)) == 1 else torch.tensor(numbers, dtype=torch.float64)
        for key, tensor in moved.items():
            flat = not tensor.requires_grad and bool((tensor == tensor[0]).all())
            values[key] = float(tensor[0]) if flat else tensor
        picture = run(image, values, cut.sensor, self._rest)[..., cut.rows, cut.columns]
        return picture.expand(len(cases), -1, -1, -1)

    def _pictures(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> Tensor:
        moved = [
            self._values(self.cases[index].settings, [place]) for index, place in zip(cases, positions, strict=True)
        ]
        first = self._ready(cases[0])
        if first.window is None:
            settings = self.settings_at(cases[0], positions[0])
            return torch.from_numpy(develop(self.cases[cases[0]].frame, settings, region=first.region))[None]
        return self._run(cases, {axis.key: torch.cat([each[axis.key] for each in moved]) for axis in self.axes})

    def _differentiated(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor]:
        """Logits, and the derivative of what is to stay high by every position, `[N, P]`."""
        with torch.enable_grad():
            pictures, pull = self._pulled(cases, positions)
            logits = self.model(pictures)
            z = torch.stack([self._smooth(index, one) for index, one in zip(cases, logits, strict=True)])
        return logits.detach(), pull(z)

    def _pulled(
        self, cases: Sequence[int], positions: Sequence[Sequence[float]]
    ) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Pictures that hang on their positions, and what gives the derivative of what is made of them."""
        if self._ready(cases[0]).window is None:
            return self._pulled_alone(cases[0], positions[0])
        moved = [
            self._values(self.cases[index].settings, [place]) for index, place in zip(cases, positions, strict=True)
        ]
        smooth = [axis for axis in self.axes if axis.gradient != "none"]
        values = {axis.key: torch.cat([each[axis.key] for each in moved]) for axis in self.axes}
        inputs = [values[axis.key].requires_grad_() for axis in smooth]

        def pull(z: Tensor) -> Tensor:
            slopes = torch.zeros(len(cases), len(self.axes), dtype=torch.float64)
            if not z.requires_grad:  # it hangs on none of them, such as on a blur of nothing
                return slopes
            found = torch.autograd.grad(z.sum(), inputs, allow_unused=True, materialize_grads=True)
            for axis, gradient in zip(smooth, found, strict=True):
                by_position = [axis.slope(self.cases[index].settings.number(axis.key)) for index in cases]
                slopes[:, self.axes.index(axis)] = gradient.double() * torch.tensor(by_position, dtype=torch.float64)
            return slopes

        return self._run(cases, values), pull

    def _pulled_alone(self, index: int, positions: Sequence[float]) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """The same of one large picture, piece by piece."""
        case, settings = self.cases[index], self.settings_at(index, positions)
        region = case.extent
        image = torch.from_numpy(develop(case.frame, settings, region=region))[None].requires_grad_()

        def pull(z: Tensor) -> Tensor:
            (by_picture,) = torch.autograd.grad(z.sum(), image)
            keys = [axis.key for axis in self.axes if axis.gradient != "none"]
            chain = chain_of(settings, Sensor.of(case.frame))
            totals = dict.fromkeys(keys, 0.0)
            for piece in pieces(case.frame, settings, region, torch.float32):
                for key, share in linearized(chain, piece, by_picture, keys).gradients.items():
                    totals[key] += share
            slopes = [totals.get(axis.key, 0.0) * axis.slope(case.settings.number(axis.key)) for axis in self.axes]
            return torch.tensor([slopes], dtype=torch.float64)

        return image, pull

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
        region = self._ready(index).region
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
    for rows in trials._batches(range(len(cases))):
        with torch.no_grad():
            pictures = trials._pictures(rows, [trials.nominal] * len(rows))
            for row, logits in zip(rows, model(pictures), strict=True):
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
        return torch.where(own == UNSEEN, UNSEEN, case.mask.long())
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


def _first_moved(pipeline: Pipeline, axes: Sequence[Axis]) -> int:
    """The first stage that an axis moves; the one that what it runs on is ready for."""
    moved = {axis.key.partition(".")[0] for axis in axes}
    names = [stage.name for stage in pipeline.stages]
    first = min((names.index(name) for name in moved), default=len(names) - 1)
    while first > 0 and pipeline.stages[first].reads == Domain.LUMA:  # luma needs the picture it is the luma of
        first -= 1
    return first


def _rest(pipeline: Pipeline, first: int) -> Pipeline:
    return Pipeline(pipeline.name, pipeline.help, pipeline.stages[first:])
