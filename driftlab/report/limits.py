"""What a tolerance does not say, and what of it can be checked on a camera file while a system runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from driftlab.analysis.tolerance.findings import AxisFinding, Tolerance
from driftlab.isp.stage import Lit, Stated
from driftlab.report.origin import cameras_of, span

__all__ = ["guard_of", "limits_of"]

#: What no search along the parameters of a data model can test.
ALWAYS: Final = (
    ("motion", "The scene and the camera stand still while a frame is exposed; blur by motion was not tested."),
    ("optics", "Of the optics only what the stage optics models was tested: no flare, distortion or aberration."),
    ("scene", "Other scenes, objects and light than those of the pictures were not tested."),
    ("sensor", "Defective pixels, aging, temperature and fixed-pattern noise were not tested."),
    ("cameras", "Cameras other than those listed were not tested."),
    ("samples", "What held on these pictures is evidence for others only as far as these stand for them."),
)


def limits_of(tolerance: Tolerance) -> list[dict[str, Any]]:
    """What was not tested, and why."""
    searched = {axis.key for axis in tolerance.searched}
    settings = tolerance.cases[0].settings
    found = [{"not_tested": name, "why": why} for name, why in ALWAYS]
    for stage in settings.pipeline.stages:
        keys = [f"{stage.name}.{param.name}" for param in stage.params if not param.advanced]
        rest = [key for key in keys if key not in searched]
        if not settings[f"{stage.name}.on"]:
            found.append({"not_tested": stage.name, "why": "The stage is switched off in the nominal settings."})
        elif rest:
            found.append({"not_tested": ", ".join(rest), "why": "Not among the parameters that were searched."})
        found += [
            {"not_tested": f"{stage.name}.{choice.name}", "why": "A choice, held at its nominal option."}
            for choice in stage.choices
        ]
    if tolerance.axes:
        why = (
            f"Intervals were asked at single positions, up to {max(map(_widest, tolerance.axes)):.0%} of the searched "
            f"range apart; a failure that lies between two of them alone was not seen."
        )
        found.append({"not_tested": "between the positions asked", "why": why})
    if not tolerance.complete:
        found.append({"not_tested": "the rest of the search", "why": "The search was ended before it was complete."})
    if tolerance.joint is None:
        found.append({"not_tested": "parameters together", "why": "No joint search was made."})
    return found


def _widest(finding: AxisFinding) -> float:
    """How far apart neighbors among the positions asked within the interval lie, at most, in shares of the range."""
    shares = [
        finding.axis.to_share(probe.position)
        for probe in finding.probes
        if finding.safe[0] <= probe.position <= finding.safe[1]
    ]
    return max((after - before for before, after in pairwise(shares)), default=0.0)


def guard_of(tolerance: Tolerance) -> dict[str, Any]:
    """What a running system may check of every camera file, without this program: see `judge`."""
    return {
        "on_missing": "unknown",
        "not_jointly_valid": True,
        "displaced_from": 1e-3,
        "ranges": [_range(finding, tolerance) for finding in tolerance.axes],
        "joint": None
        if tolerance.joint is None
        else {
            "status": tolerance.joint.status,
            "box": [
                {"param": axis.key, "allowed": list(sides)}
                for axis, sides in zip(tolerance.joint.axes, tolerance.joint.box, strict=True)
            ],
        },
        "cameras": [
            {key: each[key] for key in ("make", "model", "origin", "cfa", "bits", "white", "iso", "light_ev")}
            for each in cameras_of(tolerance.cases)
        ],
        "tested_sha256": sorted({case.frame.sha256 for case in tolerance.cases}),
    }


def _range(finding: AxisFinding, tolerance: Tolerance) -> dict[str, Any]:
    axis = finding.axis
    nominals: Sequence[float] = [case.settings.number(axis.key) for case in tolerance.cases]
    return {
        "param": axis.key,
        "unit": axis.unit,
        "kind": axis.kind,
        "log": axis.log,
        "nominal": axis.nominal,
        "nominal_values": span(nominals),
        "value_unit": axis.param.unit,
        "searched": [axis.low, axis.high],
        "allowed": list(finding.safe),
        "fails": [finding.lower.fails, finding.upper.fails],
        "status": finding.status,
        "source": _source(axis.key, tolerance),
    }


def _source(key: str, tolerance: Tolerance) -> str:
    """Where the value of a parameter is to be looked for in a new camera file: a word of the report's."""
    cases, pipeline = tolerance.cases, tolerance.cases[0].settings.pipeline
    stage = pipeline.stage(key.partition(".")[0])
    (param,) = (param for param in stage.params if f"{stage.name}.{param.name}" == key)
    match stage.source_of(param):
        case Lit():
            return "pixels"
        case Stated(of_sensor=of_sensor):
            as_shot = all(pipeline.settings(case.frame)[key] == case.settings[key] for case in cases)
            return "EXIF" if of_sensor or (param.as_shot is not None and as_shot) else "settings"
        case word:
            return word
