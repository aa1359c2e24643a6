"""A report's page as one HTML file: no script, nothing from elsewhere, every text escaped, plots as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Any

from driftlab import resource
from driftlab.report.blocks import Bar, Block, Dot, Facts, Figure, Heading, Label, Plot, Rule, Table, Text
from driftlab.report.document import document, title_of

__all__ = ["html_of"]


def html_of(report: Mapping[str, Any]) -> bytes:
    """The page of a report, UTF-8."""
    template = Template(resource("report/report.html").read_text(encoding="utf-8"))
    style = resource("report/report.css").read_text(encoding="utf-8").rstrip()
    body = "\n".join(_block(block) for block in document(report))
    page = template.substitute(title=_text(title_of(report)), style=style, body=body)
    return page.encode("utf-8", "xmlcharrefreplace")


def _text(text: str) -> str:
    """Escaped; what is no character of a page (controls, halves of surrogate pairs) is shown as a replacement."""
    seen = "".join(char if char.isprintable() or char in "\u202f\n" else "\ufffd" for char in text)
    return escape(seen, quote=True)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Text(text, "code"):
            return f"<pre>{_text(text)}</pre>"
        case Text(text, "warning"):
            return f'<p class="warning" role="note">{_text(text)}</p>'
        case Text(text, tone):
            return f'<p class="{tone}">{_text(text)}</p>'
        case Facts(rows):
            return "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in rows) + "</dl>"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)


def _table(table: Table) -> str:
    classes = [f' class="{column.kind}"' if column.kind == "number" else "" for column in table.columns]
    head = "".join(
        f'<th scope="col"{kind}>{_text(column.title)}</th>' for column, kind in zip(table.columns, classes, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{f'<code>{_text(cell)}</code>' if column.kind == 'code' else _text(cell)}</td>"
            for cell, column, kind in zip(row, table.columns, classes, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    caption = "" if table.folded else f"<caption>{_text(table.caption)}</caption>"
    inner = f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'
    return f"<details><summary>{_text(table.caption)}</summary>{inner}</details>" if table.folded else inner


def _figure(figure: Figure) -> str:
    before = f'<div class="before">{_text(figure.before)}</div>' if figure.before else ""
    after = f"<figcaption>{_text(figure.after)}</figcaption>" if figure.after else ""
    behind = _table(figure.table) if figure.table else ""
    return f"<figure>{before}{_plot(figure.plot)}{after}</figure>{behind}"


def _plot(plot: Plot) -> str:
    """Along x in percent, so that no text is stretched or shrunk with the page."""
    shapes = "".join(_shape(shape) for shape in plot.shapes)
    aside = f' style="padding-left:{plot.left:g}px"' if plot.left else ""
    says = _text(plot.says)
    return (
        f'<div class="plot"{aside}><svg role="img" aria-label="{says}" height="{plot.height:g}"><title>{says}</title>'
        f"{shapes}</svg></div>"
    )


def _shape(shape: Bar | Rule | Dot | Label) -> str:
    match shape:
        case Bar():
            width = max(shape.right - shape.left, 0.002)
            return (
                f'<rect class="{shape.role}" x="{_percent(shape.left)}" width="{_percent(width)}" '
                f'y="{shape.top:.1f}" height="{shape.height:.1f}"/>'
            )
        case Rule():
            return (
                f'<line class="{shape.role}" x1="{_percent(shape.x1)}" y1="{shape.y1:.1f}" '
                f'x2="{_percent(shape.x2)}" y2="{shape.y2:.1f}"/>'
            )
        case Dot():
            hollow = " hollow" if shape.hollow else ""
            return f'<circle class="{shape.role}{hollow}" cx="{_percent(shape.x)}" cy="{shape.y:.1f}" r="3.5"/>'
        case Label():
            return (
                f'<text class="{shape.role}" x="{_percent(shape.x)}" y="{shape.y:.1f}" dx="{shape.dx:g}" '
                f'text-anchor="{shape.anchor}">{_text(shape.text)}</text>'
            )


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
