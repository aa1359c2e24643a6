"""Planted tasks: flat and patterned frames, and task models whose tolerances are known in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from driftlab.analysis.axes import axes_of
from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.tolerance.findings import AxisFinding, Tolerance
from driftlab.analysis.tolerance.tolerances import Progress, tolerances
from driftlab.data.cases import Case
from driftlab.isp.pipeline import CAMERA
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import CFA
from tests.analysis.models import model_of
from tests.isp.frames import frame_of

#: The picture is the scene itself, times the gains.
PLAIN: Mapping[str, Any] = {
    "tone.on": False,
    "denoise.method": "none",
    "sharpen.method": "none",
    "quantization.on": False,
    "white_balance.highlights": "keep",
}
SIDE = 32


def scene_case(scene: np.ndarray, number: int = 0, label: str | None = None, **changes: Any) -> Case:
    """A frame of a scene `[3, H, W]`, whose picture is the scene where nothing drifts."""
    frame = frame_of(scene, CFA.parse("rggb"))
    frame = replace(frame, sha256=f"{number:064d}", name=f"frame {number}")
    return Case(frame, CAMERA.settings(frame).changed({**PLAIN, **changes}), label=label)


def flat(red: float, number: int = 0, label: str | None = None, **changes: Any) -> Case:
    """One color all over: red as given, green 0.3, blue 0.4."""
    colors = np.array([red, 0.3, 0.4])[:, None, None]
    return scene_case(np.broadcast_to(colors, (3, SIDE, SIDE)), number, label, **changes)


def many() -> list[Case]:
    """Ten pictures that get too bright one after the other."""
    return [flat(0.2 + 0.01 * number, number, "ok") for number in range(10)]


def red_of(picture: Tensor) -> Tensor:
    return picture[:, 0].mean((1, 2))


def between(low: float, high: float) -> TaskModel:
    """ "ok" from `low` to `high` of the mean red, "dark" below and "bright" above; margins are linear in red."""

    def call(picture: Tensor) -> Tensor:
        red = red_of(picture)
        return torch.stack([low - red, torch.zeros_like(red), red - high], 1)

    return model_of(call, ("dark", "ok", "bright"))


def but_for(center: float, width: float) -> TaskModel:
    """ "ok" but for a hole around `center` of the mean red."""

    def call(picture: Tensor) -> Tensor:
        red = red_of(picture)
        return torch.stack([torch.zeros_like(red), (red - center).abs() - width], 1)

    return model_of(call, ("hole", "ok"))


def searched(
    cases: Sequence[Case],
    model: TaskModel,
    ranges: Mapping[str, tuple[float, float] | None],
    criterion: str = "prediction-unchanged",
    over: str = "all",
    **options: Any,
) -> Tolerance:
    """The complete tolerance."""
    found = [*items(cases, model, ranges, criterion, over, **options)][-1]
    assert isinstance(found, Tolerance) and found.complete
    return found


def items(
    cases: Sequence[Case],
    model: TaskModel,
    ranges: Mapping[str, tuple[float, float] | None],
    criterion: str = "prediction-unchanged",
    over: str = "all",
    **options: Any,
) -> Iterator[Progress | Tolerance]:
    """All that the search gives."""
    axes = axes_of([case.settings for case in cases], ranges)
    return tolerances(cases, model, axes, parse_criterion(criterion, over), **options)


def check_end(finding: AxisFinding, side: str, true: float) -> None:
    """The true end lies between the last position that holds and the first that fails, within the resolution."""
    axis, end = finding.axis, finding.lower if side == "lower" else finding.upper
    assert not end.open and end.fails is not None and end.failure is not None
    assert end.failure.positions == (end.fails,)
    assert min(end.holds, end.fails) <= true <= max(end.holds, end.fails), (end, true)
    assert abs(axis.to_share(end.holds) - axis.to_share(end.fails)) <= 1 / 64 * (1 + 1e-6)


def check_honest(finding: AxisFinding) -> None:
    """What is said to hold was asked of all pictures, nothing is wider than searched, and the cost is as promised."""
    axis = finding.axis
    assert axis.low <= finding.safe[0] <= axis.nominal <= finding.safe[1] <= axis.high
    assert [probe.position for probe in finding.probes] == sorted({probe.position for probe in finding.probes})
    holding = {probe.position for probe in finding.probes if probe.holds}
    failing = {probe.position for probe in finding.probes if not probe.holds}
    assert {*finding.safe, *(place for gap in finding.gaps for place in gap)} <= holding
    assert not any(finding.safe[0] <= place <= finding.safe[1] for place in failing)
    for probe in finding.probes:
        assert probe.asked == probe.count or not probe.holds
        assert (probe.low is None) == (probe.high is None) == (probe.asked < probe.count)
        if probe.low is not None and probe.high is not None:
            assert probe.low <= probe.metric <= probe.high
    assert finding.evaluations <= 64 * finding.probes[0].count / 5
    assert finding.monotone == (not finding.gaps)
