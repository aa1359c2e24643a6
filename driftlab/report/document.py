"""A report as a page to read, in blocks, from its JSON alone: what was found, what fails first, what it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftlab.report.blocks import Block, Column, Facts, Figure, Heading, Table, Text
from driftlab.report.failures import failures, joint
from driftlab.report.grounds import grounds
from driftlab.report.plots import band, curve
from driftlab.report.words import (
    NOT_JOINT,
    STATUS,
    between,
    count_of,
    places_of,
    rounded,
    safe_text,
    share_text,
)

__all__ = ["document", "floor_of", "title_of"]

Report = Mapping[str, Any]


def title_of(report: Report) -> str:
    """What the page is called."""
    return f"Tolerance report: {report['model']['name']}"


def document(report: Report) -> list[Block]:
    """All of the page."""
    return [
        *_summary(report),
        *_intervals(report),
        *joint(report),
        *failures(report),
        *_curves(report),
        *_claims(report),
        *_classes(report),
        *_sensitivity(report),
        *grounds(report),
    ]


def floor_of(report: Report) -> float | None:
    """The metric from which on the criterion holds; None where it is not told by the metric alone."""
    criterion = report["criterion"]
    if criterion["type"] == "accuracy":
        return float(criterion["threshold"])
    if criterion["type"] == "drop":
        return float(criterion["baseline"]["metric"]) - float(criterion["threshold"])
    return {"all": 1.0, "quantile": float(criterion["share"]), "rate": 1 - float(criterion["share"])}[criterion["over"]]


def _holds(report: Report) -> str:
    """When a picture holds."""
    if report["criterion"]["type"] == "margin":
        return f"their margin is at least {report['criterion']['threshold']:g}"
    own = report["criterion"]["type"] == "prediction-unchanged" or report["data"]["labels"] != "given"
    return f"their answer is their {'nominal one' if own else 'label'}"


def _summary(report: Report) -> list[Block]:
    nominal, data, criterion = report["results"]["nominal"], report["data"], report["criterion"]
    count = count_of(data["n"], "picture")
    held = (
        f"mean IoU {rounded(nominal['metric'])} of {count}"
        if report["model"]["task"] == "segmentation"
        else f"{share_text(nominal['metric'])} of {count} hold: {_holds(report)}"
    )
    told = {"all": "all pictures", "quantile": f"{share_text(criterion['share'])} of the pictures",
            "rate": f"all but {share_text(criterion['share'])} of the pictures"}[criterion["over"]]  # fmt: skip
    over = "all pictures together" if criterion["type"] in ("accuracy", "drop") else told
    test = report["tool"]["self_test"]["passed"]
    return [
        Heading(title_of(report), 1),
        Facts(
            (
                ("Criterion", f"{_criterion_text(report)}, over {over}; fixed before the search"),
                ("Nominally", held),
                ("Searched", f"{count_of(len(report['parameters']), 'parameter')} in "
                             f"{report['method']['evaluations']} trials, seed {report['method']['seed']}"),
                ("Made", f"{report['volatile']['created_utc']} by driftlab {report['tool']['version']}"),
                ("Self test", "passed" if test else "FAILED"),
                ("Report", report["report_id"]),
            )
        ),
        *([] if test else [Text("The self test of the program failed: do not use this report.", "warning")]),
        *([] if report["method"]["complete"] else [Text("The search was ended before it was complete.", "warning")]),
    ]  # fmt: skip


def _criterion_text(report: Report) -> str:
    criterion = report["criterion"]
    threshold = f"{criterion['threshold']:g}"
    name = "mean IoU" if report["model"]["task"] == "segmentation" else "accuracy"
    return {
        "prediction-unchanged": "the prediction stays what it is nominally",
        "margin": f"the margin of the true class is at least {threshold}",
        "accuracy": f"the {name} is at least {threshold}",
        "drop": f"the {name} drops by at most {threshold}",
    }[criterion["type"]]


def _intervals(report: Report) -> list[Block]:
    axes = report["results"]["axis"]
    if not axes:
        return []
    columns = (
        Column("Parameter", weight=2.2), Column("Unit", weight=0.9), Column("Nominal", "number"),
        Column("Searched", "number", 1.6), Column("Safe", "number", 1.8), Column("Status", weight=1.6),
        Column("First failure", "number"), Column("Trials", "number", 0.8),
    )  # fmt: skip
    rows = tuple(_interval_row(axis) for axis in axes)
    found = dict.fromkeys(axis["status"] for axis in axes)
    figures = [Figure(band(axis), before=axis["label"], after=_band_note(axis)) for axis in axes]
    return [
        Heading("How far each parameter may drift by itself"),
        Text(NOT_JOINT, "warning"),
        Text(
            "Gray: the searched range. Teal: where the criterion held; hatched where the budget ended first; outlined "
            "where it held again beyond a failure. Vermilion lines: the nearest failures. The tall tick: nominal.",
            "note",
        ),
        *figures,
        Table("The same as a table", columns, rows),
        *[Text(f"{status}: {STATUS[status]}.", "note") for status in found],
    ]


def _band_note(axis: Mapping[str, Any]) -> str:
    safe = safe_text(axis)
    told = [f"safe {safe}"]
    if all(axis["open_ended"]):
        told = [
            f"safe in at least the searched range, {between(axis['safe'], places_of(axis['searched']), axis['unit'])}"
        ]
    elif "≤" in safe or "≥" in safe:
        told.append("at least the searched range at its open end")
    if axis["gaps"]:
        gaps = ", ".join(between(gap, places_of(axis["searched"]), axis["unit"]) for gap in axis["gaps"])
        told.append(f"held again in {gaps}")
    return "; ".join([*told, axis["status"]])


def _interval_row(axis: Mapping[str, Any]) -> tuple[str, ...]:
    places, first = places_of(axis["searched"]), axis["first_failure"]
    return (
        axis["param"],
        axis["unit"] or "–",
        rounded(axis["nominal"], places),
        f"{rounded(axis['searched'][0], places)} to {rounded(axis['searched'][1], places)}",
        safe_text({**axis, "unit": ""}),
        axis["status"],
        "none seen" if first is None else rounded(first["position"], places),
        str(axis["evaluations"]),
    )


def _curves(report: Report) -> list[Block]:
    axes = report["results"]["axis"]
    if not axes:
        return []
    columns = (Column("Position", "number"), Column("Metric", "number"), Column("95 % interval", "number", 1.5),
               Column("Pictures asked", "number"), Column("Least score", "number"), Column("Holds"))  # fmt: skip
    segmentation = report["model"]["task"] == "segmentation"
    metric = "the mean IoU" if segmentation else f"the share of pictures that hold ({_holds(report)})"
    blocks: list[Block] = [
        Heading("The metric along each parameter"),
        Text(
            f"Dots: {metric}, with the 95 % interval. Hollow dots: the search stopped asking once the "
            "criterion had to fail; the gray line spans what all pictures together can still come to. Dashed: the "
            "least metric that the criterion allows. The bar below: where it held.",
            "note",
        ),
    ]
    for axis in axes:
        places = places_of(axis["searched"]) + 1
        rows = tuple(_probe_row(probe, places) for probe in axis["probes"])
        table = Table(f"{axis['param']}: {count_of(len(rows), 'position')}", columns, rows, True)
        blocks.append(
            Figure(
                curve(axis, floor_of(report), not segmentation),
                before=axis["label"],
                after=_band_note(axis),
                table=table,
            )
        )
    return blocks


def _probe_row(probe: Mapping[str, Any], places: int) -> tuple[str, ...]:
    interval = between(probe["ci95"], 3) if probe["ci95"] else "–"
    asked = f"{probe['asked']} of {probe['n']}"
    return (rounded(probe["position"], places), rounded(probe["metric"], 3), interval, asked,
            rounded(probe["least_score"]), "yes" if probe["holds"] else "no")  # fmt: skip


def _claims(report: Report) -> list[Block]:
    columns = (Column("Over its whole range", weight=2), Column("Searched", "number", 2), Column("Result"))
    rows = tuple(
        (claim["param"], between(claim["range"], places_of(claim["range"]), claim["unit"]), result)
        for result, name in (("passed", "passed"), ("failed", "failed"), ("undecided", "undecided"))
        for claim in report[name]
    )
    if not rows:
        return []
    return [Heading("Passed and failed"), Table("Does it hold over all that was searched?", columns, rows)]


def _classes(report: Report) -> list[Block]:
    columns = (Column("Class", weight=1.4), Column("Pictures", "number", 0.8), Column("Right nominally", "number"),
               Column("Hold", "number", 0.8), Column("Mean score", "number"), Column("Least score", "number"),
               Column("First to fail in", weight=2.2))  # fmt: skip
    rows = tuple(
        (each["label"] or each["by"], str(each["n"]), share_text(each["accuracy"]), share_text(each["holds"]),
         rounded(each["mean_score"]), rounded(each["least_score"]),
         ", ".join(f"{end['param']} ({end['end']} end)" for end in each["first_to_fail"]) or "–")
        for each in report["slices"]
    )  # fmt: skip
    return [Heading("Class by class"), Table("Nominally, and where the first failure was of the class", columns, rows)]


def _sensitivity(report: Report) -> list[Block]:
    entries = report["results"]["sensitivity"]
    if not entries:
        return []
    columns = (Column("Parameter", weight=2), Column("Mean", "number"), Column("Mean size", "number"),
               Column("95th percentile", "number"), Column("Off from differences", "number"))  # fmt: skip
    rows = tuple(
        (each["param"], rounded(each["mean"]), rounded(each["mean_size"]), rounded(each["p95"]),
         "" if (error := each["finite_difference_error"]) is None else f"{error:.1%}")
        for each in entries
    )  # fmt: skip
    return [Heading("Sensitivity at nominal"), Table("Normalized by each parameter's range", columns, rows)]
