"""What a search found, ready for JSON: every claim with its unit, status and interval, and every failure with a command
that shows it.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from driftlab.analysis.axes import Axis
from driftlab.analysis.sensitivity.summary import Summary
from driftlab.analysis.tolerance.findings import AxisFinding, End, Failure, JointFinding, Probe, Tolerance
from driftlab.model.card import Task
from driftlab.report.canonical import number
from driftlab.report.command import path_word
from driftlab.report.origin import label_of

__all__ = ["Evidence", "axis_of", "claims_of", "joint_of", "probe_of", "sensitivity_of", "slices_of"]


class Evidence:
    """The failures of a tolerance, each once, numbered as they are met, with the command that shows it again."""

    def __init__(self, tolerance: Tolerance, files: Sequence[Path], options: Sequence[str]) -> None:
        self.tolerance, self.files, self.options = tolerance, files, options
        self.found: list[dict[str, Any]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def of(self, failure: Failure, axes: Sequence[Axis]) -> dict[str, Any]:
        """One failure, whose positions are on these axes, ready for JSON; remembered under its `counterexample`."""
        case = self.tolerance.cases[failure.case]
        identity = (failure.case, failure.positions, tuple(axis.key for axis in axes))
        at = [
            {
                "param": axis.key,
                "unit": axis.unit,
                "position": position,
                "value": _value(axis, position, case.settings.number(axis.key)),
                "value_unit": axis.param.unit,
            }
            for axis, position in zip(axes, failure.positions, strict=True)
        ]
        if identity not in self._numbers:
            self._numbers[identity] = len(self.found)
            self.found.append(
                {
                    "index": len(self.found),
                    **_picture(self.tolerance, failure.case),
                    "from": failure.before,
                    "to": failure.after,
                    "score": failure.score,
                    "at": at,
                    "command": self._command(failure.case, at),
                }
            )
        return {
            **({"position": at[0]["position"], "value": at[0]["value"]} if len(at) == 1 else {}),
            "counterexample": self._numbers[identity],
            **_picture(self.tolerance, failure.case),
            "from": failure.before,
            "to": failure.after,
            "score": failure.score,
            "at": at,
        }

    def _command(self, index: int, at: Sequence[Mapping[str, Any]]) -> str:
        case = self.tolerance.cases[index]
        usual = case.settings.pipeline.settings(case.frame)
        values = {key: value for key, value in case.settings.items() if value != usual[key]}
        values |= {each["param"]: each["value"] for each in at}
        words = [
            "driftlab",
            "predict",
            path_word(self.files[index]),
            *self.options,
            "--pipeline",
            case.settings.pipeline.name,
        ]
        for key, value in values.items():
            words += ["--set", f"{key}={_text(value)}"]
        if case.region:
            region = case.region
            words += ["--crop", f"{region.left},{region.top},{region.width},{region.height}"]
        return shlex.join(words)


def axis_of(finding: AxisFinding, evidence: Evidence) -> dict[str, Any]:
    """One parameter alone."""
    axis, first = finding.axis, finding.first_failure
    searched = [axis.low, axis.high]
    return {
        "param": axis.key,
        "label": label_of(axis),
        "unit": axis.unit,
        "kind": axis.kind,
        "scale": "log" if axis.log else "linear",
        "nominal": axis.nominal,
        "searched": searched,
        "safe": list(finding.safe),
        "status": finding.status,
        "not_jointly_valid": True,
        "first_failure": None if first is None else evidence.of(first, [axis]),
        "lower": _end(finding.lower, axis, evidence),
        "upper": _end(finding.upper, axis, evidence),
        "open_ended": [finding.lower.open, finding.upper.open],
        "at_limit": [axis.kind == "value" and one == two for one, two in zip(searched, axis.param.hard, strict=True)],
        "monotone": finding.monotone,
        "gaps": [list(gap) for gap in finding.gaps],
        "resolution": finding.resolution,
        "evaluations": finding.evaluations,
        "probes": [probe_of(probe) for probe in finding.probes],
    }


def probe_of(probe: Probe) -> dict[str, Any]:
    """The metric at one position."""
    return {
        "position": probe.position,
        "metric": probe.metric,
        "ci95": _interval(probe.low, probe.high),
        "asked": probe.asked,
        "n": probe.count,
        "least_score": _known(probe.margin),
        "holds": probe.holds,
    }


def joint_of(finding: JointFinding, evidence: Evidence) -> dict[str, Any]:
    """All parameters together."""
    case = evidence.tolerance.cases[finding.worst_case]
    return {
        "kind": "box",
        "status": finding.status,
        "box": [
            {"param": axis.key, "unit": axis.unit, "nominal": axis.nominal, "searched": [axis.low, axis.high],
             "safe": [low, high]}
            for axis, (low, high) in zip(finding.axes, finding.box, strict=True)
        ],
        "scale": finding.scale,
        "ball": {"radius": finding.ball, "unit": "share of the searched ranges"},
        "samples": {"n": finding.trials, "failing_share_below": _known(finding.bound), "confidence": 0.95},
        "worst_case": {
            **_picture(evidence.tolerance, finding.worst_case),
            "score": _known(finding.worst),
            "at": [
                {"param": axis.key, "unit": axis.unit, "position": position,
                 "value": _value(axis, position, case.settings.number(axis.key)), "value_unit": axis.param.unit}
                for axis, position in zip(finding.axes, finding.worst_at, strict=True)
            ],
        },
        "counterexample": finding.counterexample and evidence.of(finding.counterexample, finding.axes),
        "failures": [evidence.of(each, finding.axes) for each in finding.failures],
        "volume_fraction": finding.volume_share,
        "coverage": {"bins": finding.bins, "hit_share": finding.coverage},
        "interactions": [
            {"params": [first, second], "scale": scale} for first, second, scale in finding.interactions
        ],
        "pairs_looked_at": finding.pairs,
        "bounds": _bounds(finding),
        "evaluations": finding.evaluations,
        "seed": finding.seed,
    }  # fmt: skip


def slices_of(tolerance: Tolerance) -> list[dict[str, Any]]:
    """Every true class by itself: nominally, and at the ends of the intervals as far as the failures tell."""
    by_class: dict[str, list[int]] = {}
    for index, nominal in enumerate(tolerance.nominals):
        by_class.setdefault(nominal.truth, []).append(index)
    slices = []
    for label in sorted(by_class):
        some = [tolerance.nominals[index] for index in by_class[label]]
        scores, right = [nominal.score for nominal in some], sum(nominal.answer == nominal.truth for nominal in some)
        slices.append(
            {
                "by": "true class" if label else "all pictures",
                "label": label,
                "n": len(some),
                "accuracy": right / len(some) if tolerance.model.task is Task.CLASSIFICATION else None,
                "holds": sum(nominal.holds for nominal in some) / len(some),
                "mean_score": math.fsum(scores) / len(scores),
                "least_score": min(scores),
                "first_to_fail": _first_to_fail(tolerance, set(by_class[label])),
            }
        )
    return slices


def _first_to_fail(tolerance: Tolerance, mine: set[int]) -> list[dict[str, Any]]:
    """The ends of intervals at which the picture that failed was one of these."""
    return [
        {"param": finding.axis.key, "end": name, "position": end.failure.positions[0], "unit": finding.axis.unit}
        for finding in tolerance.axes
        for name, end in (("lower", finding.lower), ("upper", finding.upper))
        if end.failure is not None and end.failure.case in mine
    ]


def claims_of(tolerance: Tolerance) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """What passed, what failed and what stayed undecided over the whole range that was searched."""
    passed, failed, undecided = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for finding in tolerance.axes:
        axis = finding.axis
        claim = {"claim": "holds over the whole searched range, all else nominal", "param": axis.key,
                 "range": [axis.low, axis.high], "unit": axis.unit, "status": finding.status}  # fmt: skip
        seen_to_fail = any(end.fails is not None for end in (finding.lower, finding.upper))
        if finding.status == "violated" or seen_to_fail:
            failed.append({**claim, "status": "violated"})
        elif finding.status == "unproven" or not (finding.lower.open and finding.upper.open):
            undecided.append({**claim, "status": "unproven"})
        else:
            passed.append(claim)
    return passed, failed, undecided


def sensitivity_of(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """The sensitivities of a data set."""
    return [
        {
            "param": each.key,
            "unit": each.unit,
            "n": each.count,
            "mean": each.mean,
            "spread": each.spread,
            "mean_size": each.magnitude,
            "p95": each.p95,
            "finite_difference_error": each.finite_difference_error,
            "per_class": [{"label": label, "mean_size": each.by_class[label]} for label in sorted(each.by_class)],
        }
        for each in summaries
    ]


def _end(end: End, axis: Axis, evidence: Evidence) -> dict[str, Any]:
    whole = evidence.tolerance.criterion.kind == "drop" or evidence.tolerance.model.task is Task.SEGMENTATION
    return {
        "holds": end.holds,
        "fails": end.fails,
        "open": end.open,
        "rate": end.failure_rate,
        "rate_of": "drop of the metric" if whole else "pictures that fail",
        "ci95": _interval(end.low, end.high),
        "failure": None if end.failure is None else evidence.of(end.failure, [axis]),
    }


def _bounds(finding: JointFinding) -> dict[str, Any] | None:
    if finding.lower_bound is None and finding.upper_bound is None:
        return None
    return {
        "worst_score": [_known(finding.lower_bound), _known(finding.upper_bound)],
        "lipschitz": [
            {"param": axis.key, "per_range": constant}
            for axis, constant in zip(finding.axes, finding.lipschitz, strict=False)
        ],
        "lipschitz_source": finding.lipschitz_source,
    }


def _picture(tolerance: Tolerance, index: int) -> dict[str, Any]:
    frame = tolerance.cases[index].frame
    return {"picture": index, "name": frame.name, "sha256": frame.sha256}


def _interval(low: float | None, high: float | None) -> list[float] | None:
    return None if low is None or high is None else [low, high]


def _known(value: float | None) -> float | None:
    """None for what is no number, such as the worst of nothing."""
    return value if value is not None and math.isfinite(value) else None


def _value(axis: Axis, position: float, nominal: float) -> float:
    """The parameter's value at a position, for a picture of this nominal value."""
    return float(axis.values(torch.tensor([position], dtype=torch.float64), nominal)[0])


def _text(value: float | str | bool) -> str:
    """A setting as `--set` takes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else number(value)
