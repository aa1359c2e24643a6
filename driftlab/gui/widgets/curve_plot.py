"""The curve of the margin, or of the share of pictures that hold with its interval, along one parameter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from driftlab.gui import theme
from driftlab.gui.widgets.axis_plot import AxisPlot

if TYPE_CHECKING:
    from driftlab.analysis.sweep import Curve

__all__ = ["CurvePlot"]


class CurvePlot(AxisPlot):
    """What holds in the color of what holds, what fails in that of what fails; lines at nominal and current."""

    def __init__(self) -> None:
        self.line, self.edges = (
            pg.PlotCurveItem(antialias=True),
            (pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)),
        )
        self.band = pg.FillBetweenItem(*self.edges)
        self.dots = pg.ScatterPlotItem(size=5, pen=None)
        self.limit = pg.InfiniteLine(angle=0)
        self.nominal, self.current = pg.InfiniteLine(angle=90), pg.InfiniteLine(angle=90)
        self._shown: tuple[Curve, bool] | None = None
        self._marks: tuple[float | None, float | None] = (None, None)
        super().__init__("Curve along a parameter")
        for item in (self.band, *self.edges, self.limit, self.nominal, self.current, self.line, self.dots):
            self.plot.addItem(item, ignoreBounds=True)

    def show_curve(self, curve: Curve, *, stale: bool) -> None:
        """The points there are."""
        self._shown = curve, stale
        self.show_axes([curve.axis], [""])
        single = len(curve.points[0].scores) == 1 and curve.level is not None
        limit = curve.level if single else curve.floor
        x = np.array([self.to(0, point.position) for point in curve.points])
        y = np.array([point.scores[0] if single else point.metric for point in curve.points])
        self.line.setData(x, y, pen=pg.mkPen(theme.color("nominal" if stale else "text"), width=1.5))
        fails = y < (-math.inf if limit is None else limit)
        colors = [theme.color("nominal" if stale else "violated" if failing else "holds") for failing in fails]
        self.dots.setData(x, y, brush=[pg.mkBrush(color) for color in colors])
        for edge, name in zip(self.edges, ("low", "high"), strict=True):
            edge.setData(x, y if single else np.array([getattr(point, name) for point in curve.points]))
        self.band.setBrush(theme.color("nominal" if stale else "holds", 0.2))
        self.limit.setVisible(limit is not None)
        self.limit.setValue(limit or 0.0)
        bottom, top = min(float(y.min()), limit or 0.0), max(float(y.max()), limit or 0.0)
        self.plot.setYRange(*((bottom, top) if single else (0.0, 1.0)), padding=0.06)
        self.plot.setLabel("left", "margin" if single else "mean IoU" if curve.level is None else "share that holds")
        self.show_marks(*self._marks)

    def show_marks(self, nominal: float | None, current: float | None) -> None:
        """The positions of the nominal and of the current settings, where they are on the axis."""
        self._marks = nominal, current
        for line, position in ((self.nominal, nominal), (self.current, current)):
            there = position is not None and bool(self.axes) and (position > 0 or not self.axes[0].log)
            line.setVisible(there)
            if there and position is not None:
                line.setValue(self.to(0, position))

    def recolor(self) -> None:
        """In the colors of the theme in force."""
        super().recolor()
        self.limit.setPen(pg.mkPen(theme.color("violated"), width=1, style=Qt.PenStyle.DashLine))
        self.nominal.setPen(pg.mkPen(theme.color("nominal"), width=2))
        self.current.setPen(pg.mkPen(theme.color("accent"), width=2))
        if self._shown is not None:
            curve, stale = self._shown
            self.show_curve(curve, stale=stale)
