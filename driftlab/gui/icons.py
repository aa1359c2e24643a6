"""The icons: one set of strokes on a grid of 24, drawn for driftlab, in the color of the text."""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from driftlab.gui import theme

__all__ = ["forget", "icon"]

STROKES: Final = {
    "open": '<path d="M3 19V6h6l2 2h8v3"/><path d="M3 19l3-8h16l-3 8z"/>',
    "model": '<circle cx="5" cy="7" r="2"/><circle cx="5" cy="17" r="2"/><circle cx="12" cy="12" r="2"/>'
    '<circle cx="19" cy="12" r="2"/><path d="M7 8l3.5 3M7 16l3.5-3M14 12h3"/>',
    "sample": '<path d="M10 3h4M11 3v6l-6 9a2 2 0 0 0 2 3h10a2 2 0 0 0 2-3l-6-9V3M8 15h8"/>',
    "undo": '<path d="M8 5L4 9l4 4"/><path d="M4 9h10a5 5 0 0 1 0 10h-4"/>',
    "redo": '<path d="M16 5l4 4-4 4"/><path d="M20 9H10a5 5 0 0 0 0 10h4"/>',
    "pin": '<path d="M12 21v-6M7 15h10l-2-4V5h1V3H8v2h1v6z"/>',
    "compare": '<rect x="3" y="5" width="18" height="14" rx="1"/><path d="M9 15l6-6M9 9h.01M15 15h.01"/>',
    "split": '<rect x="3" y="5" width="18" height="14" rx="1"/><path d="M12 3v18M6 12h3M15 12h3"/>',
    "fit": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    "region": '<path d="M6 2v16h16M2 6h16v16" />',
    "find": '<circle cx="10" cy="10" r="6"/><path d="M14.5 14.5L21 21"/>',
    "previous": '<path d="M15 5l-7 7 7 7"/>',
    "next": '<path d="M9 5l7 7-7 7"/>',
}


@cache
def icon(name: str) -> QIcon:
    """The icon of this name, in the theme in force."""
    result = QIcon()
    for mode, color in ((QIcon.Mode.Normal, "text"), (QIcon.Mode.Disabled, "dim")):
        faded = 0.5 if mode == QIcon.Mode.Disabled else 1.0
        stroke = theme.color(color).name()
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{stroke}" '
            f'stroke-opacity="{faded}" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">'
            f"{STROKES[name]}</svg>"
        )
        for side in (20, 40):
            pixmap = QPixmap(side, side)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, side, side))
            painter.end()
            result.addPixmap(pixmap, mode)
    return result


def forget() -> None:
    """The theme has changed."""
    icon.cache_clear()
