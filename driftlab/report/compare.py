"""Two reports held against each other: what grew, shrank, appeared and vanished; are the numbers the same?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from driftlab.report.words import between, places_of, rounded, with_unit

__all__ = ["ROUNDED", "SAME", "Change", "changes", "differing"]

Kind = Literal["grew", "shrank", "appeared", "vanished", "status", "changed", "note"]
Report = Mapping[str, Any]

#: How far a number may be from what it was, relative to its size (but at least to 1), and count as the same.
SAME: Final = 1e-6
#: The same for scores and slopes, and for the box of a joint search, between two processors or numbers of threads whose
#: float32 sums round otherwise: ten times what was seen of x86-64 with AVX-512, AVX2 and neither, and of the kernels of
#: oneDNN and MKL for each. Counts, shares, and positions of single intervals did not move, and may not.
ROUNDED: Final = 1e-3
_SCORES: Final = frozenset({"score", "least_score", "worst_score", "mean", "mean_size", "p95", "spread"})
#: What depends on rounding by its nature: trials on the way to a result, and the error of a finite difference.
_EFFORT: Final = frozenset({"evaluations", "finite_difference_error"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, of what, and a sentence that tells it. A "note" alone does not make two results different."""

    kind: Kind
    what: str
    text: str
    before: Any = None
    after: Any = None


def changes(before: Report, after: Report) -> list[Change]:
    """All that tells two reports apart, the results first."""
    return [*_axes(before, after), *_joint(before, after), *_grounds(before, after), *_notes(before, after)]


def differing(before: Any, after: Any, path: str = "results", *, rounded: bool = False) -> Iterator[str]:
    """The places at which two JSON values are not the same; numbers may differ as little as `SAME` says.

    Where both sides were `rounded` otherwise, scores and slopes may differ by `ROUNDED`, but not in their sign, and how
    many trials a search took does not count.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if key not in before or key not in after:
                yield f"{path}.{key}"
            elif not (rounded and key in _EFFORT and _is_number(before[key]) and _is_number(after[key])):
                yield from differing(before[key], after[key], f"{path}.{key}", rounded=rounded)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path} ({len(before)} before, {len(after)} after)"
        else:
            for index, (one, two) in enumerate(zip(before, after, strict=True)):
                yield from differing(one, two, f"{path}[{index}]", rounded=rounded)
    elif _is_number(before) and _is_number(after):
        if not _same(before, after, _allowed(path, before, after) if rounded else SAME):
            yield f"{path} ({before:.12g} before, {after:.12g} after)"
    elif type(before) is not type(after) or before != after:
        yield path


def _allowed(path: str, one: float, two: float) -> float:
    """How far two numbers at this place may be apart where rounding differs."""
    name = path.rpartition(".")[2].partition("[")[0]
    whole = isinstance(one, int) or isinstance(two, int)
    free = (name in _SCORES or path.startswith("results.joint.")) and not whole and one * two > 0
    return ROUNDED if free else SAME


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: float, two: float, within: float = SAME) -> bool:
    return abs(one - two) <= within * max(abs(one), abs(two), 1.0)


def _axes(before: Report, after: Report) -> Iterator[Change]:
    old, new = ({axis["param"]: axis for axis in report["results"]["axis"]} for report in (before, after))
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            yield Change("vanished", key, f"no longer searched; was safe {_safe(old[key])}", old[key]["safe"])
        elif key not in old:
            yield Change("appeared", key, f"now searched, safe {_safe(new[key])}", None, new[key]["safe"])
        else:
            yield from _axis(key, old[key], new[key])


def _axis(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    if (old["unit"], old["kind"]) != (new["unit"], new["kind"]):
        units = [axis["unit"] or "the parameter's own value" for axis in (old, new)]
        yield Change("changed", key, f"positions were in {units[0]}, now in {units[1]}: not comparable")
        return
    if old["status"] != new["status"]:
        yield Change("status", key, f"was {old['status']}, now {new['status']}", old["status"], new["status"])
    for name, end, outwards in (("lower", 0, -1), ("upper", 1, 1)):
        one, two = old["safe"][end], new["safe"][end]
        if not _same(one, two):
            kind: Kind = "grew" if (two - one) * outwards > 0 else "shrank"
            places = places_of(old["searched"])
            told = f"{with_unit(rounded(one, places), old['unit'])}, now {with_unit(rounded(two, places), old['unit'])}"
            small = abs(two - one) < max(old["resolution"], new["resolution"])
            told += ", less than the search resolves" if small else ""
            yield Change(kind, key, f"its {name} end was {told}", one, two)
        if old["open_ended"][end] != new["open_ended"][end]:
            told = "open" if new["open_ended"][end] else "closed"
            yield Change(
                "changed", key, f"its {name} end is now {told}", old["open_ended"][end], new["open_ended"][end]
            )
    for name, told in (("searched", "was searched in"), ("gaps", "held again in")):
        if list(differing(old[name], new[name])):
            yield Change("changed", key, f"{told} {_spans(old[name])}, now {_spans(new[name])}", old[name], new[name])
    if not _same(old["nominal"], new["nominal"]):
        told = f"was nominally {rounded(old['nominal'])}, now {rounded(new['nominal'])}"
        yield Change("changed", key, told, old["nominal"], new["nominal"])


def _joint(before: Report, after: Report) -> Iterator[Change]:
    old, new = before["results"]["joint"], after["results"]["joint"]
    if old is None or new is None:
        if old is not new:
            told = "now searched together" if old is None else "no longer searched together"
            yield Change("appeared" if old is None else "vanished", "joint", told)
        return
    if old["status"] != new["status"]:
        yield Change("status", "joint", f"was {old['status']}, now {new['status']}", old["status"], new["status"])
    sides = [{side["param"]: side for side in joint["box"]} for joint in (old, new)]
    if sides[0].keys() != sides[1].keys():
        told = f"was a box of {', '.join(sides[0])}, now of {', '.join(sides[1])}"
        yield Change("changed", "joint", told, [*sides[0]], [*sides[1]])
        return
    for key, side in sides[0].items():
        for name, end, outwards in (("lower", 0, -1), ("upper", 1, 1)):
            one, two = side["safe"][end], sides[1][key]["safe"][end]
            if not _same(one, two):
                kind: Kind = "grew" if (two - one) * outwards > 0 else "shrank"
                told = f"the box's {name} end of {key} was {rounded(one)}, now {rounded(two)}"
                yield Change(kind, "joint", told, one, two)


def _grounds(before: Report, after: Report) -> Iterator[Change]:
    """What the results stand on: with another model or other pictures, other numbers are no surprise."""
    places = (
        ("model", "the model", ("model", "sha256")),
        ("data", "the pictures", ("data", "set_digest")),
        ("pipeline", "the pipeline", ("pipeline", "id")),
        ("pipeline", "the order of the stages", ("pipeline", "order_digest")),
        ("criterion", "the criterion", ("criterion", "text")),
        ("criterion", "the share of the pictures", ("criterion", "aggregation")),
    )
    for what, name, (block, key) in places:
        one, two = before[block][key], after[block][key]
        if one != two:
            yield Change("changed", what, f"{name}: was {_short(one)}, now {_short(two)}", one, two)
    old, new = (report["criterion"]["baseline"]["metric"] for report in (before, after))
    if not _same(old, new):
        yield Change("changed", "nominal", f"the nominal metric was {rounded(old)}, now {rounded(new)}", old, new)
    cameras = [
        sorted(f"{each['make']} {each['model']}".strip() for each in report["cameras"]) for report in (before, after)
    ]
    if cameras[0] != cameras[1]:
        told = (
            f"was of {', '.join(cameras[0]) or 'no named camera'}, now of {', '.join(cameras[1]) or 'no named camera'}"
        )
        yield Change("changed", "cameras", told, *cameras)


def _notes(before: Report, after: Report) -> Iterator[Change]:
    places = (
        ("seed", ("method", "seed")),
        ("budget", ("method", "budget")),
        ("trials", ("method", "evaluations")),
        ("device", ("method", "device")),
        ("code", ("tool", "code_sha256")),
        ("torch", ("environment", "torch")),
        ("libraries", ("environment", "packages_sha256")),
        ("system", ("environment", "os")),
    )
    for what, (block, key) in places:
        one, two = before[block][key], after[block][key]
        if one != two:
            yield Change("note", what, f"was {_short(one)}, now {_short(two)}", one, two)


def _safe(axis: Mapping[str, Any]) -> str:
    return between(axis["safe"], places_of(axis["searched"]), axis["unit"])


def _spans(value: Any) -> str:
    spans = value if value and isinstance(value[0], list) else [value] if value else []
    return ", ".join(between(span) for span in spans) or "none"


def _short(value: Any) -> str:
    """Digests by their first figures."""
    text = "none" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
