"""Tolerances of the bundled example, forty pictures and two parameters, against a grid of 64 points a parameter.

The grid is the plain way to the same resolution: every picture at every point, one vector of settings a call. One call
is of one picture, or of all in one batch.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from driftlab import resource
from driftlab.analysis.axes import Axis, axes_of
from driftlab.analysis.criterion import Criterion
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.analysis.tolerance.tolerances import tolerances
from driftlab.bench.measure import Result, versus
from driftlab.data.cases import Case
from driftlab.errors import DriftlabError
from driftlab.inference import predict
from driftlab.isp.pipeline import CAMERA, run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Sensor
from driftlab.model.load import load_model
from driftlab.model.prediction import Prediction
from driftlab.model.task_model import TaskModel
from driftlab.raw.load import load_raw

__all__ = ["results"]

KEYS: Final = ("white_balance.r", "optics.blur")
POINTS: Final = 64
CRITERION: Final = Criterion("prediction-unchanged")

#: A case at a position of an axis -> class on top; of all cases.
Ask = Callable[[Axis, float], list[int]]


def results() -> Iterator[Result]:
    """How many trials, and how long, against either grid."""
    cases = _example()
    model = load_model(resource("demo/leukocyte_net.safetensors"))
    axes = axes_of([case.settings for case in cases], dict.fromkeys(KEYS))
    nominal = [_top(case, case.settings, model) for case in cases]
    asked: dict[str, Ask] = {
        "one picture a call": lambda axis, position: _one_by_one(cases, model, axis, position),
        "all pictures a call": lambda axis, position: _together(cases, model, axis, position),
    }
    found = _ours(cases, model, axes)
    what = f"tolerances of {len(cases)} pictures, {len(axes)} parameters, against a grid of {POINTS} points"
    grid = len(cases) * POINTS * len(axes)
    yield Result(what, found.evaluations, grid, "trials", grid / found.evaluations)
    for name, ask in asked.items():
        _check_same(found, _grid(axes, nominal, ask))
        yield versus(
            f"{what}, {name}",
            lambda: _ours(cases, model, axes),
            lambda ask=ask: _grid(axes, nominal, ask),  # type: ignore[misc]
            per=1.0,
            unit="s",
            rounds=3,
        )


def _example() -> list[Case]:
    table = resource("demo/labels.csv")
    with table.open(encoding="utf-8", newline="") as file:
        frames = [load_raw(table.parent / row["file"]) for row in csv.DictReader(file)]
    return [Case(frame, CAMERA.settings(frame)) for frame in frames]


def _ours(cases: Sequence[Case], model: TaskModel, axes: Sequence[Axis]) -> Tolerance:
    *_, found = tolerances(cases, model, axes, CRITERION)
    assert isinstance(found, Tolerance)
    return found


def _grid(axes: Sequence[Axis], nominal: Sequence[int], ask: Ask) -> list[tuple[float, float]]:
    """The last points before the first failure on either side of nominal, for each axis."""
    safe = []
    for axis in axes:
        points = [axis.at_share(k / (POINTS - 1)) for k in range(POINTS)]
        holds = [ask(axis, point) == nominal for point in points]
        inside = next((k for k, point in enumerate(points) if point >= axis.nominal), POINTS - 1)
        low = max((k for k in range(inside) if not holds[k]), default=-1) + 1
        high = min((k for k in range(inside, POINTS) if not holds[k]), default=POINTS) - 1
        safe.append((points[min(low, inside)], points[max(high, 0)]))
    return safe


def _one_by_one(cases: Sequence[Case], model: TaskModel, axis: Axis, position: float) -> list[int]:
    return [_top(case, case.settings.changed({axis.key: position}), model) for case in cases]


def _top(case: Case, settings: Settings, model: TaskModel) -> int:
    answer = predict(case.frame, settings, model)
    assert isinstance(answer, Prediction)
    return answer.top[0].index


def _together(cases: Sequence[Case], model: TaskModel, axis: Axis, position: float) -> list[int]:
    mosaics = torch.from_numpy(np.stack([case.frame.mosaic for case in cases]))
    settings = [case.settings.changed({axis.key: position}) for case in cases]
    shared = {key: _one([each[key] for each in settings]) for key in settings[0]}
    with torch.no_grad():
        picture = run(mosaics, shared, Sensor.of(cases[0].frame), CAMERA)
        top: Tensor = model(picture).argmax(1)
    return [int(each) for each in top]


def _one(values: list[Any]) -> Any:
    """The value that all pictures share, or one number a picture."""
    return values[0] if len(set(values)) == 1 else torch.tensor(values)


def _check_same(found: Tolerance, grid: Sequence[tuple[float, float]]) -> None:
    """Both ends within a step of the grid and the resolution of ours."""
    for finding, ends in zip(found.axes, grid, strict=True):
        axis = finding.axis
        for mine, other in zip(finding.safe, ends, strict=True):
            if abs(axis.to_share(mine) - axis.to_share(other)) > 1 / (POINTS - 1) + 1 / POINTS:
                raise DriftlabError(
                    f"The two sides of the bench do not find the same tolerance of {axis.key}: report this as a defect."
                )
