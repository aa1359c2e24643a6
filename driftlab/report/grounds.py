"""The second half of a report's page: what was not tested, and what the result stands on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from driftlab.raw.frame import CHANNELS
from driftlab.report.blocks import Block, Column, Facts, Heading, Table, Text
from driftlab.report.words import THIN, between, count_of, places_of, rounded, with_unit

__all__ = ["grounds"]

Report = Mapping[str, Any]


def grounds(report: Report) -> list[Block]:
    """Limits, purpose, model, cameras, pipeline, pictures, method, guard, environment and replay."""
    return [
        *_limits(report),
        *_purpose(report),
        *_model(report),
        *_cameras(report),
        *_pipeline(report),
        *_data(report),
        *_method(report),
        *_guard(report),
        *_environment(report),
    ]


def _limits(report: Report) -> list[Block]:
    rows = tuple((each["not_tested"], each["why"]) for each in report["limits"])
    columns = (Column("Not tested"), Column("Why", weight=2))
    return [Heading("What this report does not say"), Table("Not tested", columns, rows)]


def _purpose(report: Report) -> list[Block]:
    said, people = report["purpose"], report["responsible"]
    return [
        Heading("Purpose and responsible persons"),
        Facts(
            (
                ("Intended use", said["intended_use"] or "not stated"),
                ("Decision that rests on it", said["decision"] or "not stated"),
                ("Harm if it is wrong", said["harm_if_wrong"] or "not stated"),
                ("Not meant for", "; ".join(said["exclusions"]) or "not stated"),
                *((each["role"], each["name"]) for each in people),
                *([] if people else [("Responsible", "not stated")]),
                *([("Replaces", report["supersedes"])] if report["supersedes"] else []),
            )
        ),
    ]


def _model(report: Report) -> list[Block]:
    model, fed = report["model"], report["model"]["input"]
    size = f"{fed['size'][1]} × {fed['size'][0]} px by {fed['resize']}" if fed["size"] else "any size"
    return [
        Heading("Model"),
        Facts(
            (
                ("Name", model["name"]),
                ("sha256", model["sha256"]),
                ("Format", model["format"]),
                ("Architecture", model["architecture"] or "in the file"),
                ("Code of its own", f"run: {model['trusted_code']}" if model["trusted_code_used"] else "none was run"),
                ("Task", model["task"]),
                ("Classes", _some(model["classes"]) or "without names"),
                ("Input", f"{size}, {fed['channels']}, {fed['layout']}, {fed['dtype']}, scale {_list([fed['scale']])}, "
                          f"mean {_list(fed['mean'])}, std {_list(fed['std'])}"),
                ("Gradients", "pass" if model["gradients"] else "none: a black box"),
            )
        ),
    ]  # fmt: skip


def _cameras(report: Report) -> list[Block]:
    blocks: list[Block] = [Heading("Cameras")]
    for each in report["cameras"]:
        emva = [
            (f"{quantity['name']} (EMVA 1288)",
             f"{quantity['meaning']} {_span(quantity['value'], quantity['unit'])}, {quantity['provenance']}")
            for quantity in (each["noise"] or {"emva1288": []})["emva1288"]
        ]  # fmt: skip
        blocks.append(
            Facts(
                (
                    ("Camera", f"{each['make']} {each['model']}".strip() or "not named in the files"),
                    ("Frames", f"{each['n']}, {each['origin']}, {each['cfa']}, {_list(each['bits'])} bits"),
                    ("Lens", ", ".join(each["lens"]) or "not named"),
                    ("Black level", "; ".join(f"{at} {_span(each['black'][at], 'DN')}" for at in CHANNELS)),
                    ("White level", _span(each["white"], "DN")),
                    ("ISO speed", _span(each["iso"]) if each["iso"] else "not known"),
                    ("Gains", "; ".join(f"{name} {_span(each['gains'][name])}" for name in "rgb")
                              + f" ({', '.join(each['gains_source'])})"),
                    ("Light on green", f"{_span(each['light_ev'], 'EV')} below white"),
                    ("Color matrix", "; ".join(dict.fromkeys(matrix["source"] for matrix in each["matrices"]))),
                    ("Decoded by", ", ".join(each["decoder"])),
                    *emva,
                )
            )
        )  # fmt: skip
    return blocks


def _pipeline(report: Report) -> list[Block]:
    stages = report["pipeline"]["stages"]
    rows = tuple(
        (
            stage["title"] if all(stage["on"]) else f"{stage['title']} (off)",
            f"{stage['reads']} → {stage['writes']}",
            ", ".join(f"{choice['name']}: {' or '.join(choice['value'])}" for choice in stage["choices"]) or "–",
            stage["gradient"],
        )
        for stage in stages
    )
    settings = tuple(
        (parameter["param"], _span(parameter["nominal"], parameter["unit"]), "yes" if parameter["as_shot"] else "no",
         parameter["gradient"])
        for stage in stages
        for parameter in stage["parameters"]
        if not parameter["weight"]
    )  # fmt: skip
    columns = (
        Column("Stage"),
        Column("From → to", weight=1.6),
        Column("Choices", weight=2),
        Column("Gradient", weight=0.8),
    )
    of_settings = (Column("Parameter", weight=2), Column("Nominal", "number", 2), Column("As shot"), Column("Gradient"))
    return [
        Heading("Pipeline and nominal settings"),
        Table(f"The pipeline {report['pipeline']['id']}, in its order", columns, rows),
        Table("Nominal settings; the weights of kernels are in report.json", of_settings, settings, True),
    ]


def _data(report: Report) -> list[Block]:
    data = report["data"]
    columns = (Column("Picture", weight=1.4), Column("Truth"), Column("Answer"), Column("Score", "number", 0.8),
               Column("Holds", weight=0.6), Column("sha256", "code", 2.6))  # fmt: skip
    rows = tuple(
        (each["name"], (each["truth"] or "–") + (" (own)" if each["self_label"] else ""), each["answer"] or "–",
         rounded(each["score"]), "yes" if each["holds"] else "no", each["sha256"])
        for each in data["pictures"]
    )  # fmt: skip
    classes = _some([f"{each['label']} {each['n']}" for each in data["per_class"]])
    facts = [
        ("Pictures", f"{data['n']} ({data['selection']})" + (f": {classes}" if classes else "")),
        ("Truth", {"given": "labels or masks that were given", "self-label": "the model's own nominal answers"}.get(
            data["labels"], "given for some, else the model's own nominal answers")),
        ("Set digest", data["set_digest"]),
    ]  # fmt: skip
    blocks: list[Block] = [Heading("Pictures"), Facts(tuple(facts))]
    if data["excluded"]:
        left_out = tuple((each["file"], each["reason"]) for each in data["excluded"])
        blocks.append(Table("Left out", (Column("File"), Column("Reason", weight=2)), left_out))
    return [*blocks, Table(f"All {count_of(data['n'], 'picture')}", columns, rows, True)]


def _method(report: Report) -> list[Block]:
    method, columns = report["method"], (
        Column("Parameter", weight=2), Column("Searched", "number", 1.7), Column("Widest accepted", "number", 1.7),
        Column("Steps", weight=0.8), Column("Gradient"), Column("What it is", weight=2.6),
    )  # fmt: skip
    rows = tuple(
        (each["param"], between(each["searched"], places_of(each["searched"]), each["unit"]),
         f"{rounded(each['hard'][0])} to {with_unit(rounded(each['hard'][1]), each['value_unit'])}", each["scale"],
         each["gradient"], each["meaning"])
        for each in report["parameters"]
    )  # fmt: skip
    flags = ", ".join(name.replace("_", " ") for name, on in sorted(method["determinism"].items()) if on)
    return [
        Heading("Method"),
        Facts(
            (
                ("Search", ", ".join(method["class"])),
                ("Trials", f"{method['evaluations']}, of at most {method['budget'] or 'as many as it takes'}"),
                ("Seed", str(method["seed"])),
                ("Ended", method["stopping"]),
                ("Computed on", f"{method['device']} in {method['dtype']}; {flags}"),
            )
        ),
        Table("Parameters that were searched", columns, rows, True),
    ]


def _guard(report: Report) -> list[Block]:
    columns = (Column("Parameter", weight=2), Column("Allowed", "number", 2), Column("Read from"))
    rows = tuple(
        (each["param"], between(each["allowed"], places_of(each["searched"]), each["unit"]), each["source"])
        for each in report["runtime_guard"]["ranges"]
    )
    return [
        Heading("What a running system may check"),
        Text("What can't be read is unknown, never in. `driftlab check` judges camera files by this table.", "note"),
        Table("Allowed ranges, each by itself", columns, rows),
    ]


def _environment(report: Report) -> list[Block]:
    made, often = report["environment"], report["volatile"]
    packages = ", ".join(f"{each['name']} {each['version']}" for each in made["packages"])
    return [
        Heading("Environment and replay"),
        Facts(
            (
                ("System", f"{made['os']} on {made['machine']}, Python {made['python']}"),
                ("Libraries", packages),
                ("Began", often["criterion_fixed_utc"] or "not recorded"),
                ("Took", f"{rounded(often['seconds'])}{THIN}s" if often["seconds"] is not None else "not recorded"),
                ("Self test", "; ".join(f"{each['name']} {rounded(each['value'])}, at most {rounded(each['limit'])}"
                                        for each in report["tool"]["self_test"]["checks"])),
                ("Code digest", report["tool"]["code_sha256"]),
                ("Result digest", report["replay"]["expected_digest"]),
            )
        ),
        Text(shlex.join(["driftlab", *report["replay"]["argv"], "-o", "DIR"]), "code"),
        Text("`driftlab replay report.json` repeats it and says whether the numbers came again.", "note"),
    ]  # fmt: skip


def _some(names: list[str], most: int = 40) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _span(values: list[float], unit: str = "") -> str:
    """One number where both ends are the same."""
    low, high = values
    return with_unit(rounded(low) if low == high else f"{rounded(low)} to {rounded(high)}", unit)


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
