"""What a search for tolerances finds, as values: an interval a parameter, a box of all, and what was seen to fail.

Positions are in an axis's own unit (see `Axis`). Nothing here is ever wider than what was searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from driftlab.analysis.axes import Axis
from driftlab.analysis.criterion import Criterion
from driftlab.data.cases import Case
from driftlab.model.task_model import TaskModel

__all__ = ["AxisFinding", "End", "Failure", "JointFinding", "Nominal", "Probe", "Status", "Tolerance"]

#: "holds-on-samples": held in every trial that was made. "violated": fails at the nominal settings already, or in the
#: box that was asked about. "unproven": the budget ended first. "proven": shown for every point of the range.
Status = Literal["holds-on-samples", "violated", "unproven", "proven"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that fails: its index among the cases, at which positions (one an axis), from which class to which.

    `before` and `after` are labels; of a segmentation, or where the class stays, they may be equal.
    """

    case: int
    positions: tuple[float, ...]
    before: str
    after: str
    score: float


@dataclass(frozen=True, slots=True)
class Probe:
    """The metric at one position: the share of pictures that hold (mean IoU of a segmentation), with a 95 % interval.

    `asked` of `count` pictures were enough to tell; the metric is of those, and `low` and `high` are None unless all
    were. `margin` is the smallest score among them.
    """

    position: float
    metric: float
    low: float | None
    high: float | None
    asked: int
    count: int
    margin: float
    holds: bool


@dataclass(frozen=True, slots=True)
class End:
    """One end of an interval: the last position found to hold, and the nearest one beyond it found to fail.

    `open` tells that the searched range ended first: the tolerance is then at least that wide. Without it the true end
    lies between the two positions, no further apart than the resolution unless the budget ended first; `fails` is None
    where none was found. `failure_rate` is the share of pictures that fail at `holds`, with its 95 % Clopper–Pearson
    interval; of a "drop", and of a segmentation, it is the drop of the metric from nominal, by a paired bootstrap.
    """

    holds: float
    fails: float | None
    open: bool
    failure_rate: float
    low: float
    high: float
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class AxisFinding:
    """The widest interval around nominal in which the criterion held, of one parameter alone: not jointly valid.

    `probes` are all positions looked at, in order. `gaps` are intervals beyond the safe one where it was seen to hold
    again, so that "safe" is not all there is; `monotone` is False then. `evaluations` counts trials; `resolution` is in
    the axis's unit, at the nominal position.
    """

    axis: Axis
    status: Status
    lower: End
    upper: End
    probes: tuple[Probe, ...]
    gaps: tuple[tuple[float, float], ...]
    monotone: bool
    evaluations: int
    resolution: float

    @property
    def safe(self) -> tuple[float, float]:
        """The interval."""
        return self.lower.holds, self.upper.holds

    @property
    def first_failure(self) -> Failure | None:
        """The failure whose position is nearest to nominal, by shares of the range."""
        found = [end.failure for end in (self.lower, self.upper) if end.failure is not None]
        nominal = self.axis.to_share(self.axis.nominal)
        return min(found, key=lambda each: abs(self.axis.to_share(each.positions[0]) - nominal), default=None)


@dataclass(frozen=True, slots=True)
class JointFinding:
    """The largest scaled box around nominal in which the search found no failure.

    `box` gives low and high of each axis; `scale` is its size, 1 for the product of the axis intervals (or of the
    searched ranges where there are none). `ball` is the radius of the largest ball without failure, in shares of the
    searched ranges, cut off where they end; 0 where the budget left nothing for it. `trials` counts points drawn from
    the box at random once it stood, evenly and independently, at each of which every picture was asked and the
    criterion held: the share of failing points is then below `bound` at 95 % (3 / n); the points of the search are not
    among them. `worst` is the lowest deciding score seen in the box (of as many pictures as may fail, the next; of a
    segmentation the mean IoU), `worst_at` where and `worst_case` whose; `counterexample` is the nearest failure beyond
    it, `failures` the lowest score of every picture that was seen to fail, the worst first. `volume_share` is that of
    the searched volume. `coverage` is the share of cells with a trial in them, of the box cut in `bins` along every
    pair of axes. `interactions` are the pairs whose box, found as the whole one with all else nominal, is smaller than
    the product of their intervals, with its scale; `pairs` were looked at, which the budget may have kept from being
    all. `lower_bound` and `upper_bound` enclose the worst deciding score in the box where branch and bound was run (up
    to four axes), given the Lipschitz constants `lipschitz`, score per share of each axis's searched range, whose
    origin `lipschitz_source` says; with exact ones and a lower bound that holds the status is "proven".
    """

    axes: tuple[Axis, ...]
    status: Status
    box: tuple[tuple[float, float], ...]
    scale: float
    ball: float
    trials: int
    bound: float
    worst: float
    worst_at: tuple[float, ...]
    worst_case: int
    counterexample: Failure | None
    volume_share: float
    coverage: float
    bins: int
    interactions: tuple[tuple[str, str, float], ...]
    evaluations: int
    seed: int
    lower_bound: float | None = None
    upper_bound: float | None = None
    lipschitz: tuple[float, ...] = ()
    lipschitz_source: str = ""
    failures: tuple[Failure, ...] = ()
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class Nominal:
    """What the model says of one case at its nominal settings: the label on top ("" of a segmentation), and its score.

    `truth` is the class that counts as right, "" of a segmentation; `self_label` tells that it is the model's own.
    """

    answer: str
    truth: str
    self_label: bool
    score: float
    holds: bool


@dataclass(frozen=True, slots=True, eq=False)
class Tolerance:
    """All that a search has found so far; `complete` once nothing is left to do within the budget.

    `metric` is the nominal one, as in `Probe`; its position is 0 and says nothing. `budget` is the most trials that
    were allowed (None: as many as it takes), `evaluations` what was made of them, nominal answers and gradients
    included.
    """

    cases: tuple[Case, ...]
    model: TaskModel
    criterion: Criterion
    metric: Probe
    nominals: tuple[Nominal, ...]
    axes: tuple[AxisFinding, ...]
    joint: JointFinding | None
    searched: tuple[Axis, ...]
    budget: int | None
    seed: int
    evaluations: int
    complete: bool
