"""Tolerances in words and as bands for the sliders: intervals, first failures, what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftlab.gui.numbers import THIN, decimals, written
from driftlab.gui.widgets.band import Band

if TYPE_CHECKING:
    from driftlab.analysis.axes import Axis
    from driftlab.analysis.tolerance.findings import AxisFinding, Tolerance
    from driftlab.isp.settings import Settings

__all__ = ["ALONE", "bands_of", "failure_text", "position", "position_of", "safe_text", "status_text", "value_at"]

#: What every tolerance of one parameter is told with.
ALONE: Final = "each alone, not jointly valid"
STATUS: Final = {
    "holds-on-samples": "holds in every trial",
    "violated": "violated",
    "unproven": "unproven: the search ended first",
    "proven": "proven",
}


def bands_of(tolerance: Tolerance, nominal: Settings, of: str, *, stale: bool) -> dict[str, Band]:
    """A band for every parameter searched, in its values for a picture with these nominal settings.

    `of` says what the tolerances belong to.
    """
    found = {finding.axis.key: finding for finding in tolerance.axes}
    bands = {}
    for axis in tolerance.searched:
        if axis.key not in nominal:
            continue
        value = nominal.number(axis.key)
        searched = value_at(axis, axis.low, value), value_at(axis, axis.high, value)
        finding = found.get(axis.key)
        if finding is None:
            bands[axis.key] = Band(searched, stale=stale, help=f"Tolerance: not searched yet.<br>{of}")
            continue
        fails = [
            None if end.fails is None else value_at(axis, end.fails, value) for end in (finding.lower, finding.upper)
        ]
        bands[axis.key] = Band(
            searched,
            (value_at(axis, finding.safe[0], value), value_at(axis, finding.safe[1], value)),
            (fails[0], fails[1]),
            tuple((value_at(axis, low, value), value_at(axis, high, value)) for low, high in finding.gaps),
            finding.status != "unproven",
            stale,
            _help(finding, tolerance, of, stale),
        )
    return bands


def value_at(axis: Axis, at: float, nominal: float) -> float:
    """The parameter's value at a position of its axis, for a picture of this nominal value."""
    if axis.kind == "value":
        return at
    low, high = axis.param.hard
    return min(max(at * nominal if axis.kind == "factor" else at + nominal, low), high)


def position_of(axis: Axis, value: float, nominal: float) -> float:
    """The position on its axis of a parameter's value, for a picture of this nominal value."""
    if axis.kind == "value":
        return value
    return value - nominal if axis.kind == "offset" else value / nominal


def position(axis: Axis, at: float, *, unit: bool = True) -> str:
    """A position for the eye."""
    return written(at, decimals(axis.low, axis.high, axis.param.integer), axis.unit if unit else "")


def safe_text(finding: AxisFinding) -> str:
    """The interval; an end that the searched range cut off is "at least"."""
    low, high = (position(finding.axis, at, unit=False) for at in finding.safe)
    low = f"≤{THIN}{low}" if finding.lower.open else low
    high = f"≥{THIN}{high}" if finding.upper.open else high
    return f"{low} to {high}{THIN}{finding.axis.unit}".rstrip()


def failure_text(finding: AxisFinding, *, brief: bool = False) -> str:
    """Where it fails first, and from which class to which; in brief only to which."""
    failure = finding.first_failure
    if failure is None:
        return "none in the searched range" if finding.lower.open and finding.upper.open else "not reached"
    flip = f"{'' if brief else f': {failure.before}'} → {failure.after}" if failure.before != failure.after else ""
    return f"{position(finding.axis, failure.positions[0])}{flip}"


def status_text(finding: AxisFinding) -> str:
    """The status, in words."""
    holes = "" if finding.monotone else ", and again beyond a failure"
    return STATUS[finding.status] + holes


def _help(finding: AxisFinding, tolerance: Tolerance, of: str, stale: bool) -> str:
    axis = finding.axis
    low, high = position(axis, axis.low, unit=False), position(axis, axis.high)
    lines = [
        ("For earlier settings. " if stale else "") + f"<b>Tolerance: {safe_text(finding)}</b>",
        f"{tolerance.criterion}: {status_text(finding)}",
        f"first failure: {failure_text(finding)}",
        f"searched {low} to {high}, to {position(axis, finding.resolution)}, in {finding.evaluations} trials",
        of,
    ]
    return "<br>".join(lines)
