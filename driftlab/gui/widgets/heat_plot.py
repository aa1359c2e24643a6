"""A heatmap with its color bar, by pyqtgraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt

from driftlab.gui import theme

__all__ = ["HeatPlot"]


class HeatPlot(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """An image, row by row from the top, and a bar that tells its colors."""

    def __init__(self, maps: Mapping[bool, Sequence[tuple[int, int, int]]]) -> None:
        super().__init__()
        self.setBackground(theme.color("window"))
        self.setAccessibleName("Heatmap")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it has no keys of its own
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.maps = {
            signed: pg.ColorMap(np.linspace(0, 1, len(stops)), np.array(stops)) for signed, stops in maps.items()
        }
        plot = self.addPlot()
        plot.hideAxis("left")
        plot.hideAxis("bottom")
        plot.setMenuEnabled(False)
        plot.hideButtons()
        self.box = plot.getViewBox()
        self.box.invertY(True)
        self.box.setAspectLocked(True)
        self.image = pg.ImageItem(axisOrder="row-major")
        plot.addItem(self.image)
        self.bar = pg.ColorBarItem(values=(-1, 1), width=14, interactive=False, colorMap=self.maps[True])
        self.bar.setImageItem(self.image, insert_in=plot)

    def changeEvent(self, event: QEvent) -> None:
        """The theme has changed."""
        if event.type() == QEvent.Type.PaletteChange:
            self.setBackground(theme.color("window"))
        super().changeEvent(event)
