"""A plot over the positions of one or two axes, by pyqtgraph: click and pointer tell the positions below them.

Where an axis is logarithmic the plot's coordinates are decimal logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal

from driftlab.gui import theme

if TYPE_CHECKING:
    from driftlab.analysis.axes import Axis

__all__ = ["AxisPlot"]

SIDES = ("bottom", "left")


class AxisPlot(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """The frame of the plot; what is in it is its children's."""

    picked = Signal(object)  # a tuple of positions
    pointed = Signal(object)  # the same, or None outside of the plot

    axes: tuple[Axis, ...] = ()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the sliders are its keyboard
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot = self.addPlot()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.box: Any = self.plot.getViewBox()
        self.scene().sigMouseClicked.connect(self._click)
        self.scene().sigMouseMoved.connect(self._point)
        self.recolor()

    def show_axes(self, axes: Sequence[Axis], titles: Sequence[str]) -> None:
        """One axis along the bottom, or a second one up the side, each over all of its range.

        An axis with an empty title is told by its unit, if it has one.
        """
        self.axes = tuple(axes)
        for number, (axis, title) in enumerate(zip(axes, titles, strict=True)):
            side = self.plot.getAxis(SIDES[number])
            side.setLogMode(axis.log)
            side.setLabel(title if not axis.unit else f"{title} ({axis.unit})" if title else axis.unit)
            side.showLabel(bool(title or axis.unit))
            ends = self.to(number, axis.low), self.to(number, axis.high)
            (self.plot.setYRange if number else self.plot.setXRange)(*ends, padding=0.02)

    def to(self, number: int, position: float) -> float:
        """A coordinate of the plot."""
        return math.log10(position) if self.axes[number].log else position

    def positions(self, at: QPointF) -> tuple[float, ...] | None:
        """The positions at a place of the scene; None outside of the axes."""
        if not self.axes or not self.box.sceneBoundingRect().contains(at):
            return None
        place = self.box.mapSceneToView(at)
        found = []
        for axis, value in zip(self.axes, (place.x(), place.y()), strict=False):
            position = 10**value if axis.log else value
            found.append(axis.at_share(min(max(axis.to_share(position), 0.0), 1.0)))
        return tuple(found)

    def recolor(self) -> None:
        """In the colors of the theme in force."""
        self.setBackground(theme.color("window"))
        for side in SIDES:
            axis = self.plot.getAxis(side)
            axis.setPen(theme.color("line"))
            axis.setTextPen(theme.color("dim"))

    def changeEvent(self, event: QEvent) -> None:
        """The theme has changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.axes:
            self.recolor()

    def _click(self, event: Any) -> None:
        found = self.positions(event.scenePos())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            event.accept()
            self.picked.emit(found)

    def _point(self, at: QPointF) -> None:
        self.pointed.emit(self.positions(at))
