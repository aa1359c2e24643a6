"""What a search for tolerances found, as rich text to look at before a report of it is written."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from driftlab.gui.bands import ALONE, failure_text, position, safe_text, status_text
from driftlab.gui.numbers import written
from driftlab.gui.titles import title_of

if TYPE_CHECKING:
    from driftlab.analysis.tolerance.findings import JointFinding, Tolerance

__all__ = ["preview_of"]

HEADS: Final = ("Parameter", "Nominal", "Holds", "First failure")


def preview_of(tolerance: Tolerance) -> str:
    """Criterion, nominal metric, every parameter alone, and all together where that was asked for."""
    settings, criterion, count = tolerance.cases[0].settings, tolerance.criterion, len(tolerance.cases)
    rows = [
        (
            title_of(settings, each.axis.key),
            position(each.axis, each.axis.nominal),
            safe_text(each)
            + ("" if each.status == "holds-on-samples" and each.monotone else f" ({status_text(each)})"),
            failure_text(each),
        )
        for each in tolerance.axes
    ]
    head = "".join(f"<th align='left'>{name}</th>" for name in HEADS)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}&nbsp; </td>' for cell in row)}</tr>" for row in rows)
    of = f"{count} pictures, over {criterion.aggregation}" if count > 1 else html.escape(tolerance.cases[0].frame.name)
    nominal = f"nominally {written(tolerance.metric.metric, 3)}, {tolerance.evaluations} trials"
    together = _together(tolerance.joint) if tolerance.joint else ""
    return (
        f"<h3>{html.escape(str(criterion))}</h3><p>{of}; {nominal}</p>{together}"
        f"<p>{ALONE.capitalize()}:</p><table cellspacing='2'><tr>{head}</tr>{body}</table>"
    )


def _together(joint: JointFinding) -> str:
    sides = "".join(
        f"<tr><td>{axis.key}&nbsp; </td><td>{position(axis, low, unit=False)} to {position(axis, high)}</td></tr>"
        for axis, (low, high) in zip(joint.axes, joint.box, strict=True)
    )
    return (
        f"<p>All together, {joint.status}: a box of {written(joint.scale, 3)} times the intervals below; "
        f"{joint.trials} points drawn from it held, so that less than {written(100 * joint.bound, 2)}&nbsp;% of it "
        f"fails, at 95&nbsp;%.</p><table cellspacing='2'>{sides}</table>"
    )
