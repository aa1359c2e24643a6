"""The part of a report's page on what holds together, and on what was seen to fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftlab.report.blocks import Block, Column, Facts, Heading, Table, Text
from driftlab.report.words import STATUS, between, count_of, places_of, rounded, share_text, with_unit

__all__ = ["failures", "joint"]

Report = Mapping[str, Any]


def joint(report: Report) -> list[Block]:
    """The box in which all parameters may drift together, and how sure it is."""
    found = report["results"]["joint"]
    heading = Heading("How far all may drift together")
    if found is None:
        return [heading, Text("Not searched: of several parameters at once this report says nothing.", "note")]
    rows = tuple(
        (side["param"], side["unit"] or "–", rounded(side["nominal"], places_of(side["searched"])),
         between(side["safe"], places_of(side["searched"])))
        for side in found["box"]
    )  # fmt: skip
    columns = (
        Column("Parameter", weight=2),
        Column("Unit"),
        Column("Nominal", "number"),
        Column("Safe together", "number", 2),
    )
    samples, bounds = found["samples"], found["bounds"]
    told = f"{found['status']}: {STATUS[found['status']]}."
    if samples["n"] and samples["failing_share_below"] is not None:
        told += (
            f" {count_of(samples['n'], 'point')} drawn from the box at random held; with "
            f"{share_text(samples['confidence'])} confidence fewer than {share_text(samples['failing_share_below'])} "
            f"of its points fail."
        )
    if bounds is not None:
        low, high = (rounded(value) for value in bounds["worst_score"])
        told += f" Branch and bound puts the worst score in it between {low} and {high} ({bounds['lipschitz_source']})."
    facts = [
        ("Size", f"{rounded(found['scale'])} of the product of the intervals; "
                 f"{share_text(found['volume_fraction'])} of the searched volume"),
        ("Ball without failure", f"radius {rounded(found['ball']['radius'])} in shares of the searched ranges"
                                 if found["ball"]["radius"] else "not searched: the budget left nothing for it"),
        ("Looked at", f"{share_text(found['coverage']['hit_share'])} of the cells of the box, cut in "
                      f"{found['coverage']['bins']} along every pair of parameters"),
        ("Worst seen inside", f"score {rounded(found['worst_case']['score'])}: {found['worst_case']['name']} at "
                              f"{_places(found['worst_case']['at'])}"),
    ]  # fmt: skip
    if found["counterexample"] is not None:
        nearest = found["counterexample"]
        facts.append(("Nearest failure", f"{nearest['name']} at {_places(nearest['at'])}, {_flip(nearest)}"))
    for each in found["interactions"]:
        first, second = each["params"]
        facts.append(("Interact", f"{first} and {second}: their box is {rounded(each['scale'])} of their intervals"))
    return [heading, Text(told), Table("The box", columns, rows), Facts(tuple(facts))]


def _places(at: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each['param']} = {with_unit(rounded(each['value']), each['value_unit'])}" for each in at)


def _flip(failure: Mapping[str, Any]) -> str:
    if failure["from"] == failure["to"]:
        return f"score {rounded(failure['score'])}"
    return f"{failure['from']} becomes {failure['to']}"


def failures(report: Report) -> list[Block]:
    """The pictures that failed, each with the command that shows it again."""
    examples = report["counterexamples"]
    if not examples:
        return [Heading("What fails first"), Text("No failure was seen in the searched ranges.")]
    columns = (Column("Picture", weight=1.5), Column("At", weight=2.6), Column("What happens", weight=1.8),
               Column("Score", "number", 0.8))  # fmt: skip
    alone, together = (
        tuple(_row(each) for each in examples if (len(each["at"]) > 1) == several) for several in (False, True)
    )
    commands = tuple((str(each["index"] + 1), each["command"]) for each in examples)
    of_commands = (Column("No.", "number", 0.2), Column("Command", "code", 4))
    return [
        Heading("What fails first"),
        *([Table("Along one parameter, nearest to nominal", columns, alone)] if alone else []),
        *([Table("Several parameters together", columns, together, True)] if together else []),
        Table("The commands that show them again", of_commands, commands, True),
    ]


def _row(failure: Mapping[str, Any]) -> tuple[str, ...]:
    return failure["name"], _places(failure["at"]), _flip(failure), rounded(failure["score"])
