"""A report's page as a PDF: the same blocks on A4, in an embedded font, the same bytes for the same report."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics import shapes
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from driftlab import resource
from driftlab.report.blocks import Bar, Block, Column, Dot, Facts, Figure, Heading, Label, Plot, Role, Rule, Table, Text
from driftlab.report.document import document, title_of

__all__ = ["pdf_of"]

FONT, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
mm: Final = 72 / 25.4
MARGIN: Final = 16 * mm
WIDTH: Final[float] = A4[0] - 2 * MARGIN
#: What reportlab keeps free within its margins.
PAD: Final = 6
#: Rows of a folded table that go on paper; all of them are in the other files.
ROWS: Final = 60
#: Characters of a cell that go on paper: a row must fit on a page.
CELL: Final = 1500

TEXT, QUIET, LINE, PALE = (HexColor(code) for code in ("#1f1f1f", "#5e5e5e", "#cccccc", "#fff1e6"))
HOLDS, VIOLATED = HexColor("#00856a"), HexColor("#c14a00")
COLORS: Final[dict[Role, Color]] = {
    "searched": HexColor("#dcdcdc"), "holds": HOLDS, "unproven": HOLDS, "gap": HOLDS, "violated": VIOLATED,
    "nominal": TEXT, "frame": HexColor("#ffffff"), "grid": HexColor("#e2e2e2"), "curve": QUIET, "interval": QUIET,
    "known": HexColor("#d5d5d5"), "floor": VIOLATED, "note": QUIET, "value": TEXT,
}  # fmt: skip
WIDTHS: Final[dict[Role, float]] = {"violated": 1.5, "nominal": 1.5, "known": 2.5, "curve": 1.1}


def pdf_of(report: Mapping[str, Any]) -> bytes:
    """The page of a report on A4."""
    _fonts()
    story: list[Flowable] = []
    for block in document(report):
        story += _block(block)
    out, title = io.BytesIO(), _known(title_of(report))

    def footer(canvas: Any, page: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN, 9 * mm, f"driftlab.tolerance/1 · {report['report_id'][:23]}…")
        canvas.drawRightString(A4[0] - MARGIN, 9 * mm, f"Page {page.page}")

    pages = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=MARGIN - PAD, rightMargin=MARGIN - PAD, topMargin=14 * mm, bottomMargin=17 * mm,
        title=title, author="driftlab", subject=report["report_id"], lang="en", invariant=1,
    )  # fmt: skip
    pages.build(story, onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


@cache
def _fonts() -> None:
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, resource(f"fonts/{name}.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _style(**options: Any) -> ParagraphStyle:
    usual = {"fontName": FONT, "fontSize": 9, "leading": 12, "textColor": TEXT, "spaceAfter": 3}
    return ParagraphStyle("", **(usual | options))


PLAIN: Final = _style()
NOTE: Final = _style(fontSize=8, leading=10.5, textColor=QUIET)
NAME: Final = _style(fontName=BOLD, fontSize=8.5, leading=11, spaceAfter=1)
CODE: Final = _style(
    fontSize=8, leading=10.5, borderColor=LINE, borderWidth=0.5, borderPadding=4, spaceBefore=6, spaceAfter=8
)
WARNING: Final = _style(
    fontName=BOLD, backColor=PALE, borderColor=VIOLATED, borderWidth=0.8, borderPadding=6, spaceBefore=8, spaceAfter=11
)
HEADINGS: Final = {
    1: _style(fontName=BOLD, fontSize=17, leading=21, spaceAfter=8),
    2: _style(fontName=BOLD, fontSize=11.5, leading=15, spaceBefore=14, spaceAfter=5),
}
HEAD: Final = _style(fontName=BOLD, fontSize=7.5, leading=9.5, spaceAfter=0)
CELLS: Final = _style(fontSize=7.5, leading=9.5, spaceAfter=0)
RIGHT: Final = {True: TA_RIGHT, False: 0}


def _known(text: str) -> str:
    """The text in characters that the font has; others by their code points."""
    glyphs = pdfmetrics.getFont(FONT).face.charToGlyph
    return "".join(char if char == "\n" or ord(char) in glyphs else f"[U+{ord(char):04X}]" for char in text)


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    short = text if len(text) <= CELL else f"{text[:CELL]}…"
    return Paragraph(escape(_known(short)), style)


def _block(block: Block) -> list[Flowable]:
    match block:
        case Heading(text, level):
            return [CondPageBreak(45 * mm), _paragraph(text, HEADINGS[level])]
        case Text(text, tone):
            styles = {"plain": PLAIN, "note": NOTE, "warning": WARNING, "code": CODE}
            return [Paragraph(escape(_known(text)), styles[tone])]
        case Facts(rows):
            facts = [[_paragraph(name, NOTE), _paragraph(value, PLAIN)] for name, value in rows]
            plain = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 0),
                     ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5), ("LEFTPADDING", (0, 0), (0, -1), 0)]  # fmt: skip
            return [PdfTable(facts, [38 * mm, WIDTH - 38 * mm], style=plain), Spacer(0, 4)]
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)


def _table(table: Table) -> list[Flowable]:
    rows = table.rows[:ROWS] if table.folded else table.rows
    whole = sum(column.weight for column in table.columns)
    widths = [WIDTH * column.weight / whole for column in table.columns]
    cells = [[_cell(column.title, column, HEAD) for column in table.columns]]
    cells += [[_cell(text, column, CELLS) for text, column in zip(row, table.columns, strict=True)] for row in rows]
    ruled = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, 0), 0.6, QUIET),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE), ("TOPPADDING", (0, 0), (-1, -1), 1.8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2), ("LEFTPADDING", (0, 0), (-1, -1), 1),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
    ]  # fmt: skip
    left = len(table.rows) - len(rows)
    rest = [_paragraph(f"{left} more rows are in report.json and in the tables.", NOTE)] if left else []
    caption = [CondPageBreak(28 * mm), _paragraph(table.caption, NOTE)]
    return [*caption, PdfTable(cells, widths, repeatRows=1, style=ruled), *rest, Spacer(0, 7)]


def _cell(text: str, column: Column, style: ParagraphStyle) -> Paragraph:
    number = column.kind == "number"
    return _paragraph(text, ParagraphStyle("", parent=style, alignment=RIGHT[number]))


def _figure(figure: Figure) -> list[Flowable]:
    parts = [_paragraph(figure.before, NAME)] if figure.before else []
    parts += [_drawing(figure.plot), *([_paragraph(figure.after, NOTE)] if figure.after else []), Spacer(0, 5)]
    return [KeepTogether(parts), *(_table(figure.table) if figure.table else [])]


def _drawing(plot: Plot) -> shapes.Drawing:
    """A plot as wide as the page, its y upside down: PDF counts from the bottom."""
    scale = 0.8
    left, drawing = plot.left * scale, shapes.Drawing(WIDTH, plot.height * scale)

    def x(share: float) -> float:
        return left + (WIDTH - left) * share

    def y(points: float) -> float:
        return (plot.height - points) * scale

    for shape in plot.shapes:
        color = COLORS[shape.role]
        match shape:
            case Bar():
                at = (
                    x(shape.left),
                    y(shape.top + shape.height),
                    max(x(shape.right) - x(shape.left), 0.8),
                    shape.height * scale,
                )
                for part in _bar(at, shape.role):
                    drawing.add(part)
            case Rule():
                dashes = [4, 3] if shape.role == "floor" else None
                drawing.add(
                    shapes.Line(x(shape.x1), y(shape.y1), x(shape.x2), y(shape.y2), strokeColor=color,
                                strokeWidth=WIDTHS.get(shape.role, 0.7), strokeDashArray=dashes)
                )  # fmt: skip
            case Dot():
                fill, width = (COLORS["frame"], 1.0) if shape.hollow else (color, 0.0)
                drawing.add(
                    shapes.Circle(x(shape.x), y(shape.y), 2.3, fillColor=fill, strokeColor=color, strokeWidth=width)
                )
            case Label():
                drawing.add(
                    shapes.String(x(shape.x) + shape.dx * scale, y(shape.y), _known(shape.text), fontName=FONT,
                                  fontSize=7, fillColor=color, textAnchor=shape.anchor)
                )  # fmt: skip
    return drawing


def _bar(at: tuple[float, float, float, float], role: Role) -> list[shapes.Shape]:
    """A filled bar (x, y, width, height), an outline where it held again, or a hatch where nothing is proven."""
    left, bottom, width, height = at
    color = COLORS[role]
    if role not in ("gap", "unproven"):
        return [shapes.Rect(*at, fillColor=color, strokeColor=None)]
    lines = [shapes.Rect(*at, fillColor=None, strokeColor=color, strokeWidth=1)]
    if role == "unproven":
        start = -height
        while start < width:
            low, high = max(start, 0.0), min(start + height, width)
            if low < high:
                lines.append(
                    shapes.Line(left + low, bottom + low - start, left + high, bottom + high - start, strokeColor=color,
                                strokeWidth=1)
                )  # fmt: skip
            start += 3.5
    return lines
