"""A tolerance as the content of a report, `driftlab.tolerance/1`: all of `resources/schema/tolerance-1.schema.json`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import torch

from driftlab.analysis.sensitivity.summary import Summary
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.report.canonical import digest_of, report_id_of
from driftlab.report.command import kept_options, without_output
from driftlab.report.compare import SAME
from driftlab.report.environment import environment_of, tool, volatile
from driftlab.report.limits import guard_of, limits_of
from driftlab.report.origin import cameras_of, data_of, model_of, parameters_of, pipeline_of
from driftlab.report.purpose import Purpose
from driftlab.report.results import Evidence, axis_of, claims_of, joint_of, probe_of, sensitivity_of, slices_of

__all__ = ["SCHEMA", "content_of"]

SCHEMA: Final = "driftlab.tolerance/1"


def content_of(
    tolerance: Tolerance,
    *,
    files: Sequence[Path],
    argv: Sequence[str],
    purpose: Purpose | None = None,
    started: datetime | None = None,
    excluded: Sequence[tuple[str, str]] = (),
    sensitivity: Sequence[Summary] = (),
) -> dict[str, Any]:
    """The report, ready for JSON; the arguments are those of `write_report`."""
    purpose = purpose or Purpose()
    device = str(tolerance.model.network.device)
    evidence = Evidence(tolerance, files, kept_options(argv, tolerance.model))
    results = {
        "nominal": probe_of(tolerance.metric),
        "axis": [axis_of(finding, evidence) for finding in tolerance.axes],
        "joint": None if tolerance.joint is None else joint_of(tolerance.joint, evidence),
        "sensitivity": sensitivity_of(sensitivity),
    }
    passed, failed, undecided = claims_of(tolerance)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": tool(),
        "supersedes": purpose.supersedes or None,
        "responsible": [{"role": each.role, "name": each.name} for each in purpose.responsible],
        "purpose": {
            "intended_use": purpose.intended_use or None,
            "decision": purpose.decision or None,
            "harm_if_wrong": purpose.harm_if_wrong or None,
            "exclusions": list(purpose.exclusions),
        },
        "model": model_of(tolerance.model),
        "cameras": cameras_of(tolerance.cases),
        "pipeline": pipeline_of(tolerance.cases),
        "parameters": parameters_of(tolerance),
        "data": data_of(tolerance, files, excluded),
        "criterion": _criterion(tolerance),
        "method": _method(tolerance, device),
        "results": results,
        "slices": slices_of(tolerance),
        "counterexamples": evidence.found,
        "passed": passed,
        "failed": failed,
        "undecided": undecided,
        "limits": limits_of(tolerance),
        "runtime_guard": guard_of(tolerance),
        "environment": environment_of(device),
        "replay": {
            "argv": without_output(argv),
            "expected_digest": digest_of(results),
            "tolerance": {"value": SAME, "of": "the size of a number, but at least 1"},
        },
        "volatile": volatile(started),
    }
    return report | {"report_id": report_id_of(report)}


def _criterion(tolerance: Tolerance) -> dict[str, Any]:
    criterion, nominal = tolerance.criterion, tolerance.metric
    return {
        "text": str(criterion),
        "type": criterion.kind,
        "threshold": criterion.threshold,
        "aggregation": criterion.aggregation,
        "over": criterion.over,
        "share": criterion.share,
        "baseline": {"metric": nominal.metric, "holds": nominal.holds},
        "fixed_before_search": True,
    }


def _method(tolerance: Tolerance, device: str) -> dict[str, Any]:
    joint = tolerance.joint
    kinds = ["gradient-guided" if tolerance.model.differentiable else "sampled"]
    if joint is not None and joint.lower_bound is not None:
        kinds.append("branch-and-bound")
    return {
        "class": kinds,
        "budget": tolerance.budget,
        "evaluations": tolerance.evaluations,
        "seed": tolerance.seed,
        "complete": tolerance.complete,
        "stopping": "resolution reached or range ended on every axis" if tolerance.complete else "ended early",
        "confidence": 0.95,
        "device": device,
        "dtype": str(tolerance.model.network.dtype).removeprefix("torch."),
        "determinism": {
            "same_seed_same_numbers": True,
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "cudnn_benchmark": bool(torch.backends.cudnn.benchmark),
            "tf32": bool(torch.backends.cuda.matmul.allow_tf32),
        },
    }
