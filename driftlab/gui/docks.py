"""The panels around the preview: which there are, where they are at first, and what becomes of where they were left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QDockWidget, QTabBar, QWidget

if TYPE_CHECKING:
    from driftlab.gui.main_window import MainWindow

__all__ = ["DOCKS", "Dock", "make_docks", "remember", "restore", "tab_bars"]

LEFT: Final = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT: Final = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM: Final = Qt.DockWidgetArea.BottomDockWidgetArea
#: Height of the docks below the preview.
HEIGHT: Final = 280


@dataclass(frozen=True)
class Dock:
    """One line of the table: `beside` names the dock before it that it is a tab with; else `width` is its first."""

    name: str
    title: str
    area: Qt.DockWidgetArea
    panel: Callable[[MainWindow], QWidget]
    width: int = 0
    beside: str = ""


#: A new panel is one line here.
DOCKS: Final[tuple[Dock, ...]] = (
    Dock("frames", "Frames", LEFT, lambda w: w.frames, width=210),
    Dock("stages", "Data model", RIGHT, lambda w: w.stages, width=380),
    Dock("logits", "Logits", BOTTOM, lambda w: w.logits, width=400),
    Dock("sensitivity", "Sensitivity", BOTTOM, lambda w: w.sensitivity, width=440),
    Dock("heatmap", "Heatmap", BOTTOM, lambda w: w.heatmap, beside="sensitivity"),
    Dock("tolerance", "Tolerance", BOTTOM, lambda w: w.searches.tolerance, beside="sensitivity"),
    Dock("sweep", "Curve", BOTTOM, lambda w: w.searches.sweep, beside="sensitivity"),
    Dock("forensics", "Forensics", BOTTOM, lambda w: w.searches.forensics, beside="sensitivity"),
)


def make_docks(window: MainWindow) -> dict[str, QDockWidget]:
    """A dock of the window for every line of the table, by name."""
    window.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
    window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
    made: dict[str, QDockWidget] = {}
    for entry in DOCKS:
        dock = QDockWidget(entry.title, window)
        dock.setObjectName(entry.name)
        dock.visibilityChanged.connect(lambda _: tab_bars(window))  # Qt makes and fills them as it likes
        dock.setWidget(entry.panel(window))
        window.addDockWidget(entry.area, dock)
        made[entry.name] = dock
    for entry in DOCKS:
        if entry.beside:
            window.tabifyDockWidget(made[entry.beside], made[entry.name])
            made[entry.beside].raise_()
    wide = [entry for entry in DOCKS if entry.width]
    for areas in ((BOTTOM,), (LEFT, RIGHT)):
        row = [entry for entry in wide if entry.area in areas]
        window.resizeDocks(
            [made[entry.name] for entry in row], [entry.width for entry in row], Qt.Orientation.Horizontal
        )
    below = next(made[entry.name] for entry in wide if entry.area == BOTTOM)
    window.resizeDocks([below], [HEIGHT], Qt.Orientation.Vertical)
    return made


def tab_bars(window: MainWindow) -> list[QTabBar]:
    """The tabs of docks that share a place, each with a name."""
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    for bar in bars:
        bar.setAccessibleName("Panels: " + ", ".join(bar.tabText(at) for at in range(bar.count())))
    return bars


def remember(window: MainWindow, store: QSettings) -> None:
    """Keep where the window and its docks are."""
    store.setValue("geometry", window.saveGeometry())
    store.setValue("docks", window.saveState())


def restore(window: MainWindow, store: QSettings) -> None:
    """Window and docks where they were left; as they come, where nothing is known."""
    for name, put in (("geometry", window.restoreGeometry), ("docks", window.restoreState)):
        if (value := store.value(name)) is not None:
            put(value)
