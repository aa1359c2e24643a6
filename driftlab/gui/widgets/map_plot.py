"""The map of the score over two parameters, with the border of the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QTransform

from driftlab.gui import theme
from driftlab.gui.widgets.axis_plot import AxisPlot

if TYPE_CHECKING:
    from driftlab.analysis.sweep import Map

__all__ = ["MapPlot"]

#: From what fails over a neutral middle to what holds, as dark and as light as each other; and what is stale.
DIVERGING: Final = ((176, 64, 0), (238, 156, 108), (240, 240, 240), (104, 190, 166), (0, 112, 90))
GRAY: Final = ((60, 60, 60), (240, 240, 240))


class MapPlot(AxisPlot):
    """A color for each cell, a line where the criterion begins to fail, a cross at nominal, a ring at current."""

    def __init__(self) -> None:
        self.image, self.border = pg.ImageItem(axisOrder="row-major"), pg.IsocurveItem()
        self.nominal = pg.ScatterPlotItem(size=12, symbol="+")
        self.current = pg.ScatterPlotItem(size=12, symbol="o", brush=None)
        self._shown: tuple[Map, tuple[str, str], bool] | None = None
        self._marks: tuple[tuple[float, ...] | None, tuple[float, ...] | None] = (None, None)
        self._colors = [pg.ColorMap(np.linspace(0, 1, len(stops)), np.array(stops)) for stops in (DIVERGING, GRAY)]
        super().__init__("Map over two parameters")
        for item in (self.image, self.border, self.nominal, self.current):
            self.plot.addItem(item, ignoreBounds=True)
        self.bar = pg.ColorBarItem(values=(-1, 1), width=12, interactive=False, colorMap=self._colors[0])
        self.bar.setImageItem(self.image, insert_in=self.plot)

    def show_map(self, found: Map, titles: tuple[str, str], *, stale: bool) -> None:
        """The cells there are, each unknown one as the nearest."""
        self._shown = found, titles, stale
        self.show_axes([found.across, found.up], titles)
        values = found.filled().numpy()
        level = 0.0 if found.level is None else found.level
        limit = float(np.nanmax(np.abs(values - level), initial=0.0)) or 1.0
        rows, columns = values.shape
        place = self._place(columns, rows)
        self.image.setImage(values, levels=(level - limit, level + limit), autoLevels=False)
        self.image.setRect(place)
        self.bar.setColorMap(self._colors[stale])
        self.bar.setLevels((level - limit, level + limit))
        whole = found.level is not None and not np.isnan(values).any()
        divided = whole and float(values.min()) < level <= float(values.max())
        self.border.setVisible(bool(divided))
        if divided:
            self.border.setPen(pg.mkPen((20, 20, 20), width=1.5))
            self.border.setData(values.T, level)
            cells = QTransform.fromTranslate(place.left(), place.top())
            self.border.setTransform(cells.scale(place.width() / columns, place.height() / rows))
        self.show_marks(*self._marks)

    def show_marks(self, nominal: tuple[float, ...] | None, current: tuple[float, ...] | None) -> None:
        """The positions of the nominal and of the current settings, where they are on the axes."""
        self._marks = nominal, current
        for mark, places in ((self.nominal, nominal), (self.current, current)):
            there = len(self.axes) == 2 and places is not None and len(places) == 2
            there = there and all(at > 0 or not axis.log for at, axis in zip(places or (), self.axes, strict=True))
            pos = [tuple(self.to(number, at) for number, at in enumerate(places))] if there and places else []
            mark.setData(pos=pos)

    def recolor(self) -> None:
        """In the colors of the theme in force."""
        super().recolor()
        self.nominal.setPen(pg.mkPen((20, 20, 20), width=2))
        self.current.setPen(pg.mkPen(theme.color("accent"), width=2.5))

    def _place(self, columns: int, rows: int) -> QRectF:
        """Where the image lies, so that the middle of each cell is at its positions."""
        ends = [(self.to(number, axis.low), self.to(number, axis.high)) for number, axis in enumerate(self.axes)]
        (left, right), (bottom, top) = ends
        wide, high = (right - left) / max(columns - 1, 1), (top - bottom) / max(rows - 1, 1)
        return QRectF(left - wide / 2, bottom - high / 2, right - left + wide, top - bottom + high)
