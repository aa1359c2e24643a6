"""The plots of a report: the band of a parameter, and the metric along it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from driftlab.report.blocks import Bar, Dot, Label, Plot, Role, Rule
from driftlab.report.words import places_of, rounded, safe_text, with_unit

__all__ = ["band", "curve", "share_of"]

BAND: Final = 40.0
CURVE: Final = 190.0
TOP, FOOT = 10.0, 22.0


def share_of(position: float, axis: Mapping[str, Any]) -> float:
    """Where in the searched range a position lies, 0 to 1."""
    low, high = axis["searched"]
    log = axis["scale"] == "log"
    share = math.log(position / low) / math.log(high / low) if log else (position - low) / (high - low)
    return min(max(share, 0.0), 1.0)


def band(axis: Mapping[str, Any]) -> Plot:
    """The searched range with what holds in it, the first failures, and nominal."""

    def at(position: float) -> float:
        return share_of(position, axis)

    low, high = axis["safe"]
    shapes: list[Any] = [Bar(0.0, 1.0, 6, 12, "searched")]
    shapes += [Bar(at(start), at(stop), 6, 12, "gap") for start, stop in axis["gaps"]]
    shapes.append(Bar(at(low), at(high), 6, 12, "unproven" if axis["status"] == "unproven" else "holds"))
    for end in (axis["lower"], axis["upper"]):
        if end["fails"] is not None:
            shapes.append(Rule(at(end["fails"]), 3, at(end["fails"]), 21, "violated"))
    shapes.append(Rule(at(axis["nominal"]), 1, at(axis["nominal"]), 23, "nominal"))
    shapes += _ends(axis, BAND - 4)
    return Plot(f"{axis['label']}: safe {safe_text(axis)}, {axis['status']}", BAND, tuple(shapes))


def curve(axis: Mapping[str, Any], floor: float | None, percent: bool = True) -> Plot:
    """The metric at every position that was looked at, with its interval, and from where on it holds."""
    bottom = CURVE - FOOT

    def at(position: float) -> float:
        return share_of(position, axis)

    def height(metric: float) -> float:
        return bottom - (bottom - TOP) * min(max(metric, 0.0), 1.0)

    low, high = axis["safe"]
    held: Role = "unproven" if axis["status"] == "unproven" else "holds"
    shapes: list[Any] = [Bar(0.0, 1.0, TOP, bottom - TOP, "frame")]
    shapes += [Bar(at(start), at(stop), bottom, 5, "gap") for start, stop in axis["gaps"]]
    shapes.append(Bar(at(low), at(high), bottom, 5, held))
    for share in (0.0, 0.5, 1.0):
        shapes.append(Rule(0.0, height(share), 1.0, height(share), "grid"))
        shapes.append(
            Label(0.0, height(share) + 3.5, f"{100 * share:.0f} %" if percent else f"{share:g}", "end", "note", -6)
        )
    shapes.append(Rule(at(axis["nominal"]), TOP, at(axis["nominal"]), bottom + 7, "nominal"))
    if floor is not None:
        shapes.append(Rule(0.0, height(floor), 1.0, height(floor), "floor"))
    shapes += [
        Rule(at(one["position"]), height(one["metric"]), at(two["position"]), height(two["metric"]), "curve")
        for one, two in pairwise(axis["probes"])
        if one["asked"] == one["n"] and two["asked"] == two["n"]
    ]
    for probe in axis["probes"]:
        x, least, most = at(probe["position"]), *known_share(probe)
        role: Role = "interval" if probe["asked"] == probe["n"] else "known"
        shapes.append(Rule(x, height(most), x, height(least), role))
    for probe in axis["probes"]:
        x, partly = at(probe["position"]), probe["asked"] < probe["n"]
        if not partly:
            shapes.append(Dot(x, height(probe["metric"]), "holds" if probe["holds"] else "violated"))
        else:
            shapes.append(Dot(x, height(known_share(probe)[1]), "violated", hollow=True))
    return Plot(f"Metric along {axis['label']}", CURVE, (*shapes, *_ends(axis, CURVE - 4)), left=46.0)


def known_share(probe: Mapping[str, Any]) -> tuple[float, float]:
    """The 95 % interval of a metric; where only some pictures were asked, the least and the most that all can give."""
    if probe["asked"] == probe["n"]:
        low, high = probe["ci95"] or (probe["metric"], probe["metric"])
        return float(low), float(high)
    held = probe["metric"] * probe["asked"]
    return held / probe["n"], (held + probe["n"] - probe["asked"]) / probe["n"]


def _ends(axis: Mapping[str, Any], y: float) -> list[Label]:
    """The searched range in numbers, and nominal where there is room for it."""
    low, high = axis["searched"]
    places = places_of(axis["searched"])
    short = [_short(value, places) for value in (low, high, axis["nominal"])]
    found = [
        Label(0.0, y, with_unit(short[0], axis["unit"]), "start"),
        Label(1.0, y, with_unit(short[1], axis["unit"]), "end"),
    ]
    if 0.2 < (share := share_of(axis["nominal"], axis)) < 0.8:
        found.append(Label(share, y, short[2], "middle", "value"))
    return found


def _short(value: float, places: int) -> str:
    text = rounded(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text
