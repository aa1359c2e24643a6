"""The way of the Tab key: panel by panel, in each as its layout goes, wherever panels have been moved to.

Found anew at every step, for what is shown changes with the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QScrollArea, QWidget

__all__ = ["stops", "tab_from"]


def stops(panels: Iterable[QWidget]) -> list[QWidget]:
    """The widgets that Tab stops at now, in their order."""
    return [each for panel in panels for each in _within(panel)]


def tab_from(now: QWidget | None, panels: Iterable[QWidget], *, forward: bool) -> QWidget | None:
    """The stop after `now`, or before it; the first or the last where `now` is none; None where there are no stops."""
    way = stops(panels)
    if not way:
        return None
    if now not in way:
        return way[0] if forward else way[-1]
    return way[(way.index(now) + (1 if forward else -1)) % len(way)]


def _within(widget: QWidget) -> Iterator[QWidget]:
    if not widget.isVisible() or not widget.isEnabled():
        return
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        yield widget
    elif isinstance(widget, QScrollArea):
        if (inside := widget.widget()) is not None:
            yield from _within(inside)
    elif (layout := widget.layout()) is not None:
        yield from _along(layout)
    else:
        for child in widget.children():
            if isinstance(child, QWidget) and not child.isWindow():
                yield from _within(child)


def _along(layout: QLayout) -> Iterator[QWidget]:
    for number in range(layout.count()):
        item = layout.itemAt(number)
        if item is None:
            continue
        if (widget := item.widget()) is not None:
            yield from _within(widget)
        elif (inner := item.layout()) is not None:
            yield from _along(inner)
