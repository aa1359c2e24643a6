"""What a search for drift that breaks a model finds, as values: settings, views, flips, and what breaks it first.

One vector of settings moves all pictures together, as one camera does. Travels are in shares of an axis's range (see
`Axis`), signed, 0 at nominal; distances are those between views and nominal views (see `Distance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from driftlab.analysis.axes import Axis
from driftlab.analysis.forensics.distance import Distance
from driftlab.data.cases import Case
from driftlab.model.task_model import TaskModel

__all__ = [
    "Bracket",
    "Flip",
    "Forensics",
    "GroupFinding",
    "Move",
    "ParameterFinding",
    "Rank",
    "Sight",
    "View",
    "Weighed",
]

#: "gradient": along gradients through the data model. "random": by coordinates and random steps, of a black-box model.
Method = Literal["gradient", "random"]


@dataclass(frozen=True, slots=True)
class Move:
    """One parameter's part: from `nominal` to `position`, both in the axis's unit, `travel` in shares of its range."""

    key: str
    unit: str
    nominal: float
    position: float
    travel: float
    at_end: bool


@dataclass(frozen=True, slots=True)
class Flip:
    """A picture that was right and no longer is: its index among the cases, and the distance of its own view.

    `before` and `after` are labels, `margin_before` and `margin` the true class's lead over the best other. Of a
    segmentation the labels are empty and the margins IoU; it counts as flipped where its IoU falls as the metric does.
    """

    case: int
    before: str
    after: str
    margin_before: float
    margin: float
    distance: float


@dataclass(frozen=True, slots=True)
class Sight:
    """All pictures under one vector of settings: what was moved, what the model then makes of them, how far it is.

    `metric` is the accuracy (mean IoU of a segmentation), `loss` the mean loss, `distance` that of all views together.
    """

    moves: tuple[Move, ...]
    metric: float
    loss: float
    distance: float
    flips: tuple[Flip, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The worst that was found where the distance counts `weight` (λ): the largest loss − weight × penalty."""

    weight: float
    sight: Sight


@dataclass(frozen=True, slots=True)
class GroupFinding:
    """Parameters that were moved together: a stage's, all, or a single one.

    `curve` holds one result a weight, the largest weight first: the smaller the weight, the larger the distance.
    `reached` are (distance, metric): the lowest metric that was found within each distance. `breaks` is the nearest
    view under which the metric is at or below the floor, None where there was none; `worst` has the lowest metric of
    all. `complete` tells that nothing is left to do for it. `evaluations` are the trials made for it alone.
    """

    name: str
    axes: tuple[Axis, ...]
    curve: tuple[Weighed, ...]
    reached: tuple[tuple[float, float], ...]
    breaks: Sight | None
    worst: Sight
    complete: bool
    evaluations: int


@dataclass(frozen=True, slots=True)
class Bracket:
    """Between which two places of one axis it happens first: it holds at `held` and no longer at `failed`.

    Both are positions. `lower` and `upper` are travels without a sign: nothing that was visited within `lower`, to
    either side, fails. Where it is not `closed`, what is known is that it happens at `upper` at most.
    """

    held: float
    failed: float
    lower: float
    upper: float
    closed: bool


@dataclass(frozen=True, slots=True)
class ParameterFinding:
    """One parameter alone, by bracketing to either side of nominal.

    `first_flip` is the displacement of the shortest travel found that makes any picture flip, `breaks` the nearest view
    at or below the floor, `worst` the lowest metric of all; `flip_bracket` and `break_bracket` tell between what the
    first two lie. `moves_view` is False where it has no effect on any view.
    """

    axis: Axis
    first_flip: Sight | None
    flip_bracket: Bracket | None
    breaks: Sight | None
    break_bracket: Bracket | None
    worst: Sight
    moves_view: bool


@dataclass(frozen=True, slots=True)
class Rank:
    """One line of "what breaks it first": `distance` is None where nothing in the range did.

    `closed` tells that it is the least along a parameter, as far as was visited; of a group it is only the least found.
    """

    name: str
    kind: Literal["group", "parameter"]
    distance: float | None
    sight: Sight
    closed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture for the gallery, display RGB `[3, H, W]`, float32: nominally and under the settings of `sight`."""

    group: str
    case: int
    nominal: NDArray[np.float32]
    drifted: NDArray[np.float32]
    flip: Flip
    sight: Sight


@dataclass(frozen=True, slots=True, eq=False)
class Forensics:
    """All that has been found so far; `complete` once nothing is left to do within the budget.

    `metric` is the nominal one; at or below `floor`, a fraction `break_at` of it, the model counts as broken. `scores`
    are the nominal ones of every case (margins, or IoU). `share` (0–1) tells how much of the work is done; `spent`,
    that the budget (the most trials allowed, None: as many as it takes) ended it. `evaluations` counts trials.
    """

    cases: tuple[Case, ...]
    model: TaskModel
    distance: Distance
    axes: tuple[Axis, ...]
    weights: tuple[float, ...]
    metric: float
    floor: float
    break_at: float
    scores: tuple[float, ...]
    groups: tuple[GroupFinding, ...]
    parameters: tuple[ParameterFinding, ...]
    gallery: tuple[View, ...]
    method: Method
    restarts: int
    seed: int
    budget: int | None
    evaluations: int
    share: float
    spent: bool
    complete: bool

    @property
    def ranked(self) -> tuple[Rank, ...]:
        """What breaks it first: groups and single parameters, the nearest view first; last those that never did."""
        found = [Rank(each.name, "group", *_nearest(each)) for each in self.groups]
        found += [
            Rank(
                each.axis.key,
                "parameter",
                *_nearest(each),
                each.break_bracket is not None and each.break_bracket.closed,
            )
            for each in self.parameters
        ]
        return tuple(sorted(found, key=_order))


def _nearest(found: GroupFinding | ParameterFinding) -> tuple[float | None, Sight]:
    return (None, found.worst) if found.breaks is None else (found.breaks.distance, found.breaks)


def _order(rank: Rank) -> tuple[bool, float, float]:
    return rank.distance is None, rank.distance or 0.0, rank.sight.metric
