"""A camera file held against a report: is what it says of itself in, out, or unknown, parameter by parameter?

Three values, and never a guess: what a file does not tell is unknown, and so is what nobody has searched. Of the
intervals each holds alone; where several parameters are displaced at once only the joint box can say that they are in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from driftlab.isp.pipeline import PIPELINES
from driftlab.isp.stage import Lit, Param, Source, Stated
from driftlab.raw.frame import RawFrame
from driftlab.report.origin import light_of
from driftlab.report.purpose import ReportError
from driftlab.report.words import between, places_of, rounded, with_unit

__all__ = ["Judgement", "judge", "overall"]

Verdict = Literal["in", "out", "unknown"]
#: The relative difference that rounding may make.
SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of one parameter, or of the camera (`camera.model`, `camera.cfa`, …), or of all ("jointly").

    `value` is what the file says, in `unit`; `position` where that lies on the axis that was searched. `source` is
    "EXIF", "pixels", "driver" (what only a measurement of the camera can tell), "settings" or "given".
    """

    param: str
    verdict: Verdict
    reason: str
    source: str
    value: float | str | None = None
    unit: str = ""
    position: float | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """The value of a parameter for a file and where it comes from; no value: it is nominal, unless it is `missing`."""

    value: float | None
    source: str
    missing: str = ""
    told: str = ""


def judge(frame: RawFrame, report: Mapping[str, Any], given: Mapping[str, float] | None = None) -> list[Judgement]:
    """Every parameter of the report's runtime guard, and the camera, for one frame.

    `given` are values by their keys that somebody set or measured; they win over what the file says. Raises ReportError
    for keys that were not searched, and for a report of a pipeline that this version does not know.
    """
    guard, given = report["runtime_guard"], given or {}
    searched = [entry["param"] for entry in guard["ranges"]]
    for key in given:
        if key not in searched:
            raise ReportError(f"'{key}' was not searched by the report: it has {', '.join(searched)}.")
    camera = list(_camera(frame, guard))
    other = next((each.reason for each in camera if each.param == "camera.model" and _is_other(frame, guard)), None)
    tested = frame.sha256 in guard["tested_sha256"]
    found = []
    for entry in guard["ranges"]:
        place = _given(entry, given) or _found(frame, entry, report, other)
        if tested and place.source == "driver":
            place = _Found(None, "driver", told="this very picture was tested")
        found.append(_judged(entry, place))
    return [*camera, *found, *_jointly(guard, found)]


def overall(judgements: list[Judgement]) -> Verdict:
    """Out where anything is, else unknown where anything is, else in."""
    verdicts = {each.verdict for each in judgements}
    return "out" if "out" in verdicts else "unknown" if "unknown" in verdicts else "in"


# --- The camera ---


def _is_other(frame: RawFrame, guard: Mapping[str, Any]) -> bool:
    """Whether the file names a camera that was not tested."""
    named = bool(frame.make or frame.model)
    return named and not any(_same(frame, each) for each in guard["cameras"])


def _same(frame: RawFrame, camera: Mapping[str, Any]) -> bool:
    return bool((frame.make, frame.model) == (camera["make"], camera["model"]))


def _camera(frame: RawFrame, guard: Mapping[str, Any]) -> list[Judgement]:
    """What the file says of the camera, against those that were tested; what was not tested is unknown."""
    same = [each for each in guard["cameras"] if _same(frame, each)]
    cameras = same or guard["cameras"]
    names = sorted({f"{each['make']} {each['model']}".strip() or "one without a name" for each in cameras})
    if not (frame.make or frame.model):
        model = Judgement("camera.model", "unknown", "the file names no camera", "EXIF")
    elif same:
        model = Judgement("camera.model", "in", "was tested", "EXIF", frame.camera)
    else:
        reason = f"was not tested: the report is of {', '.join(names)}"
        model = Judgement("camera.model", "unknown", reason, "EXIF", frame.camera)
    cfas = sorted({each["cfa"] for each in cameras})
    origins = sorted({each["origin"] for each in cameras})
    bits = sorted({bits for each in cameras for bits in each["bits"]})
    white = _spanned("camera.white", frame.white, [each["white"] for each in cameras], "DN")
    depth = _listed("camera.bits", frame.bits, bits, "EXIF")
    if depth.verdict == "unknown" and white.verdict == "in" and 2**frame.bits > frame.white:
        depth = replace(depth, verdict="in", reason="only stored so: the white level was tested")
    rows = [
        model,
        _listed("camera.origin", str(frame.origin), origins, "EXIF"),
        _listed("camera.cfa", frame.cfa.name, cfas, "EXIF"),
        depth,
        white,
    ]
    speeds = [each["iso"] for each in cameras if each["iso"]]
    return [*rows, _spanned("camera.iso", frame.iso, speeds, "")] if speeds else rows


def _listed(name: str, value: Any, tested: list[Any], source: str) -> Judgement:
    if value in tested:
        return Judgement(name, "in", "was tested", source, value)
    return Judgement(name, "unknown", f"was not tested, only {', '.join(map(str, tested))}", source, value)


def _spanned(name: str, value: float | None, tested: list[list[float]], unit: str) -> Judgement:
    if value is None:
        return Judgement(name, "unknown", "the file does not tell", "EXIF", None, unit)
    low, high = min(each[0] for each in tested), max(each[1] for each in tested)
    if low <= value <= high:
        return Judgement(name, "in", "was tested", "EXIF", value, unit)
    told = rounded(low) if low == high else f"{rounded(low)} to {rounded(high)}"
    return Judgement(name, "unknown", f"was not tested, only {with_unit(told, unit)}", "EXIF", value, unit)


# --- A parameter's value ---


def _given(entry: Mapping[str, Any], given: Mapping[str, float]) -> _Found | None:
    value = given.get(entry["param"])
    return None if value is None else _Found(value, "given")


def _found(frame: RawFrame, entry: Mapping[str, Any], report: Mapping[str, Any], other: str | None) -> _Found:
    """What a new file tells of a parameter."""
    source, key = entry["source"], entry["param"]
    if source == "settings":
        return _Found(None, source, told="set by the data model, at its nominal value")
    if other:
        return _Found(None, source, missing=f"the camera {other}")
    if source == "driver":
        return _Found(None, source, missing=f"no file tells it: measure it and give --set {key}=VALUE")
    if source == "pixels":
        return _lit(frame, entry, report)
    return _stated(frame, key, report)


def _declared(key: str, report: Mapping[str, Any]) -> tuple[Param, Source]:
    """The parameter of a report, and where its value is found."""
    name = report["pipeline"]["id"]
    param = PIPELINES[name].keys.get(key) if name in PIPELINES else None
    if not isinstance(param, Param):
        raise ReportError(f"The report is of {key} in the pipeline '{name}', which this version does not have.")
    return param, PIPELINES[name].stage(key.partition(".")[0]).source_of(param)


def _stated(frame: RawFrame, key: str, report: Mapping[str, Any]) -> _Found:
    param, source = _declared(key, report)
    missing = source.missing(frame) if isinstance(source, Stated) else ""
    if missing or param.as_shot is None or not isinstance(source, Stated):
        return _Found(None, "EXIF", missing=missing or "the file does not tell")
    return _Found(param.as_shot(frame), "EXIF", told=source.how)


def _lit(frame: RawFrame, entry: Mapping[str, Any], report: Mapping[str, Any]) -> _Found:
    """Less or more light on the green sites than on any tested frame of the camera, if the scenes are alike."""
    known = report["runtime_guard"]["cameras"]
    cameras = [each for each in known if _same(frame, each)] or known
    low, high = min(each["light_ev"][0] for each in cameras), max(each["light_ev"][1] for each in cameras)
    light = light_of(frame)
    beyond = light - min(max(light, low), high)
    told = f"mean light {rounded(light, 2)} EV, tested {between((low, high), 2)} EV; if the scene is like those tested"
    _, source = _declared(entry["param"], report)
    if not isinstance(source, Lit):
        return _Found(None, "pixels", missing="the light tells it no more in this version")
    return _Found(source.at(entry["nominal"], beyond), "pixels", told=told)


# --- Against the range ---


def _judged(entry: Mapping[str, Any], found: _Found) -> Judgement:
    key, unit = entry["param"], entry["value_unit"]
    if found.missing:
        return Judgement(key, "unknown", found.missing, found.source, None, unit)
    if found.value is None:
        return Judgement(key, "in", found.told, found.source, None, unit, entry["nominal"])
    if not math.isfinite(found.value):
        return Judgement(key, "unknown", f"{found.value} is no value", found.source, None, unit)
    position = _position(entry, found)
    verdict, reason = _verdict(entry, position)
    told = f"{reason}; {found.told}" if found.told else reason
    return Judgement(key, verdict, told, found.source, found.value, unit, position)


def _position(entry: Mapping[str, Any], found: _Found) -> float:
    """Where a value lies on the axis: where every picture had its own nominal one, against the nearest of those."""
    value, kind = found.value, entry["kind"]
    assert value is not None
    if kind == "value" or found.source == "pixels":
        return value
    low, high = map(float, entry["nominal_values"])
    nearest = min(max(value, low), high)
    if kind == "offset":
        return value - nearest
    return value / nearest if nearest else math.inf


def _verdict(entry: Mapping[str, Any], position: float) -> tuple[Verdict, str]:
    (low, high), places = entry["allowed"], places_of(entry["searched"])
    slack = SLACK * (entry["searched"][1] - entry["searched"][0])
    allowed = f"allowed {between((low, high), places, entry['unit'])}"
    if _distance(entry, position) == 0:
        return "in", f"nominal; {allowed}"
    if low - slack <= position <= high + slack:
        if entry["status"] == "unproven":
            return "unknown", f"the budget of the search ended before this was settled; {allowed}"
        return ("out", "fails at nominal already") if entry["status"] == "violated" else ("in", allowed)
    above = position > high
    fails = entry["fails"][1 if above else 0]
    if fails is None:
        return "unknown", f"beyond what was searched; {allowed}"
    if (position >= fails) if above else (position <= fails):
        return "out", f"{allowed}, seen to fail at {with_unit(rounded(fails, places), entry['unit'])}"
    return "unknown", f"between what held and what failed; {allowed}"


def _distance(entry: Mapping[str, Any], position: float) -> float:
    """How far from nominal, in shares of the searched range; 0 for what is no displacement."""
    low, high = entry["searched"]
    if entry["log"]:
        share = abs(math.log(max(position, 1e-300) / entry["nominal"])) / math.log(high / low)
    else:
        share = abs(position - entry["nominal"]) / (high - low)
    return share if share > 1e-3 else 0.0


def _jointly(guard: Mapping[str, Any], found: list[Judgement]) -> list[Judgement]:
    """Whether those that are displaced may be so together; nothing to say where at most one is, or one is out."""
    entries = {entry["param"]: entry for entry in guard["ranges"]}
    moved = {
        each.param: each.position
        for each in found
        if each.position is not None and _distance(entries[each.param], each.position) > 0
    }
    # Exposure and intensity both tell of the light: one cause.
    causes = {"light" if entries[key]["source"] == "pixels" else key for key in moved}
    if len(causes) < 2 or any(each.verdict == "out" for each in found):
        return []
    names = ", ".join(moved)
    joint = guard["joint"]
    if joint is None:
        reason = f"{names} are displaced at once, and no joint search was made"
        return [Judgement("jointly", "unknown", reason, "settings")]
    box = {side["param"]: side["allowed"] for side in joint["box"]}
    inside = all(key in box and box[key][0] <= position <= box[key][1] for key, position in moved.items())
    if inside and joint["status"] in ("holds-on-samples", "proven"):
        return [Judgement("jointly", "in", f"{names} are displaced at once, within the box", "settings")]
    reason = f"{names} are displaced at once, beyond the box in which that was found to hold"
    return [Judgement("jointly", "unknown", reason, "settings")]
