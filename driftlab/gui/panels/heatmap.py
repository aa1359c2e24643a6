"""The heatmap of the chosen parameter, or of a stage: a symmetric scale around a neutral middle, and its limits.

pyqtgraph is imported with the first heatmap, not with the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from driftlab.gui.document import Document
from driftlab.gui.explaining import Explaining
from driftlab.gui.numbers import MINUS
from driftlab.gui.titles import title_of
from driftlab.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from driftlab.analysis.sensitivity.sensitivities import Heatmap, StageHeatmaps, Table

__all__ = ["HeatmapPanel"]

#: Blue, neutral, orange: the colors of decrease and increase, as dark and as light as each other.
DIVERGING: Final = ((33, 84, 150), (120, 176, 224), (235, 235, 235), (240, 170, 96), (178, 84, 8))
#: Dark to light, for magnitudes.
SEQUENTIAL: Final = ((20, 20, 40), (62, 74, 137), (38, 130, 142), (108, 190, 100), (253, 231, 60))
PARAMETER: Final = "chosen parameter"


class HeatmapPanel(QWidget):
    """Where in the picture the answer listens."""

    overlay_changed = Signal(object, object)  # QImage or None, QRectF or None

    def __init__(self, document: Document, explaining: Explaining) -> None:
        super().__init__()
        self._document, self._explaining = document, explaining
        self._plot: Any = None
        self._shown: tuple[NDArray[np.float32], float, bool] | None = None
        self.what = QComboBox()
        self.what.addItem(PARAMETER)
        self.what.setAccessibleName("What the heatmap is of")
        self.overlay = QCheckBox("over the picture")
        self.title = QLabel()
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.notice = Notice("A click on a bar of the sensitivities shows where in the picture it comes from.")
        self._full = QWidget()
        self._column = QVBoxLayout(self._full)
        self._column.setContentsMargins(8, 6, 8, 0)
        line = QHBoxLayout()
        line.addWidget(self.what)
        line.addStretch(1)
        line.addWidget(self.overlay)
        self._column.addLayout(line)
        self._column.addWidget(self.title)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.notice)
        self._stack.addWidget(self._full)
        self.what.currentIndexChanged.connect(lambda _: self._show_chosen())
        self.overlay.toggled.connect(lambda _: self._lay_over())
        explaining.heatmap_changed.connect(self.show_heatmap)
        explaining.stages_changed.connect(self.show_stages)
        explaining.table_changed.connect(self._show_table)
        explaining.staled.connect(self._show_stale)

    def show_heatmap(self, heatmap: Heatmap) -> None:
        """A parameter's heatmap."""
        if self.what.currentText() == PARAMETER:
            values = heatmap.values.numpy()
            limit = float(np.quantile(np.abs(values), 0.998)) or float(np.abs(values).max()) or 1.0
            self._show(values, limit, True, self._title(heatmap))

    def _title(self, heatmap: Heatmap) -> str:
        rows = self._explaining.table.rows if self._explaining.table is not None else ()
        normalized = next((f", normalized {row.normalized:.3g}" for row in rows if row.key == heatmap.key), "")
        sums = f"sum {heatmap.total:.3g}{normalized}".replace("-", MINUS)
        return f"<b>{title_of(self._document.settings, heatmap.key)}</b> · {sums}"

    def show_stages(self, stages: StageHeatmaps) -> None:
        """The heatmaps of all stages, to choose from, on one scale."""
        names = [PARAMETER, *(f"stage {name}" for name in stages.maps)]
        if names != [self.what.itemText(at) for at in range(self.what.count())]:
            chosen = self.what.currentText()
            with signals_blocked(self.what):
                self.what.clear()
                self.what.addItems(names)
                self.what.setCurrentText(chosen)
        if self.what.currentText() != PARAMETER:
            self._show_chosen()

    def _show_chosen(self) -> None:
        name = self.what.currentText()
        if name == PARAMETER:
            heatmap = self._explaining.heatmaps.get(self._explaining.selected)
            if heatmap is not None:
                self.show_heatmap(heatmap)
        elif self._explaining.stages is not None:
            stage = name.removeprefix("stage ")
            stages = self._explaining.stages
            values = stages.maps[stage].numpy()
            self._show(
                values, stages.limit or 1.0, False, f"|d target / d output| · one scale up to {stages.limit:.3g}"
            )
        if not self._explaining.fresh:
            self._show_stale()

    def _show(self, values: NDArray[np.float32], limit: float, signed: bool, title: str) -> None:
        plot = self._plot or self._make_plot()
        self._stack.setCurrentIndex(1)
        self.title.setText(title)
        self.title.setToolTip(title)
        self.title.setEnabled(True)
        self._shown = values, limit, signed
        levels = (-limit, limit) if signed else (0.0, limit)
        plot.image.setOpacity(1.0)
        plot.image.setImage(values, levels=levels, autoLevels=False)
        plot.bar.setColorMap(plot.maps[signed])
        plot.bar.setLevels(levels)
        plot.box.setRange(QRectF(0, 0, values.shape[1], values.shape[0]), padding=0.02)
        self._lay_over()

    def _make_plot(self) -> Any:
        from driftlab.gui.widgets.heat_plot import HeatPlot

        self._plot = HeatPlot({True: DIVERGING, False: SEQUENTIAL})
        self._column.addWidget(self._plot, stretch=1)
        return self._plot

    def _lay_over(self) -> None:
        if self._shown is None or not self.overlay.isChecked():
            self.overlay_changed.emit(None, None)
            return
        values, limit, signed = self._shown
        region = self._document.region
        height, width = values.shape
        rect = QRectF(region.left, region.top, region.width, region.height) if region else QRectF(0, 0, width, height)
        self.overlay_changed.emit(colored(values, limit, signed), rect)

    def _show_table(self, table: Table) -> None:
        if table.no_heatmaps:
            self.notice.say(f"No heatmaps: {table.no_heatmaps} The sensitivities come by finite differences.")
            self._stack.setCurrentIndex(0)
            self._shown = None
            self._lay_over()

    def _show_stale(self) -> None:
        self.title.setEnabled(False)
        if self._plot is not None:
            self._plot.image.setOpacity(0.4)
        self._shown = None
        self._lay_over()


def colored(values: NDArray[np.float32], limit: float, signed: bool) -> QImage:
    """A heatmap as a picture to lay over another: the stronger, the less of what is below shows through."""
    stops = np.array(DIVERGING if signed else SEQUENTIAL, np.float32)
    share = np.clip(values / limit, -1, 1)
    at = (share + 1) / 2 if signed else share
    pixels = np.empty((*values.shape, 4), np.uint8)
    for channel in range(3):
        pixels[..., channel] = np.interp(at, np.linspace(0, 1, len(stops)), stops[:, channel])
    pixels[..., 3] = 230 * np.sqrt(np.abs(share))
    height, width = values.shape
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGBA8888).copy()
