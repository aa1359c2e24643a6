"""Deliveries from a worker into every table and plot, on one core: `python deliveries.py 1000 [--anywhere]`.

Meanwhile widgets like those that are shown become garbage, and the worker allocates and collects as often as it can.
Prints how much was shown, how many widgets became garbage, how many of them are gone in the end, and how many
collections in another thread than the GUI's found garbage. `--anywhere` leaves collecting to Python, as it would be
without `driftlab.gui.garbage`: the process then crashes or hangs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import torch
from PySide6.QtCore import QEventLoop, QObject
from PySide6.QtWidgets import QApplication, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from driftlab import resource
from driftlab.analysis.axes import axes_of
from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.sweep import Curve, CurvePoint, Map
from driftlab.gui.garbage import collect_in_this_thread
from driftlab.gui.panels.heatmap import DIVERGING, SEQUENTIAL
from driftlab.gui.widgets.curve_plot import CurvePlot
from driftlab.gui.widgets.heat_plot import HeatPlot
from driftlab.gui.widgets.logit_bars import BarRow, LogitBars
from driftlab.gui.widgets.map_plot import MapPlot
from driftlab.gui.widgets.rows_table import Row, RowsTable
from driftlab.gui.widgets.sensitivity_bars import SensitivityBar, SensitivityBars
from driftlab.gui.worker import Worker
from driftlab.isp.pipeline import CAMERA
from driftlab.raw.load import load_raw

ROWS, EVERY = 6, 5
CRITERION = parse_criterion("margin>=0")
NOMINAL = CAMERA.settings(load_raw(resource("demo/eosinophil-01.dng")))
EXPOSURE, BLUR = axes_of([NOMINAL], {"exposure.ev": None, "optics.blur": None})


class Views(QWidget):
    """Every table and plot there is."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        self.table = RowsTable("Tolerances", ("Parameter", "Nominal", "Holds", "First failure"))
        self.list = QListWidget()
        self.curve, self.map, self.heat = CurvePlot(), MapPlot(), HeatPlot({True: DIVERGING, False: SEQUENTIAL})
        self.logits, self.bars = LogitBars(), SensitivityBars()
        for view in (self.table, self.list, self.curve, self.map, self.heat, self.logits, self.bars):
            column.addWidget(view)
        self.shown = [self.show_table, self.show_list, self.show_curve, self.show_map, self.show_heat, self.show_bars]
        self.items: list[QListWidgetItem] = []

    def show_item(self, number: int) -> None:
        for show in self.shown:
            show(number)

    def show_table(self, number: int) -> None:
        rows = [Row(f"row{at}", "holds", (f"row {at}", f"{number}", "0 to 1", "–"), "help") for at in range(ROWS)]
        self.table.show_rows(rows, stale=number % 2 == 0)

    def show_list(self, number: int) -> None:
        self.list.clear()
        self.items = [QListWidgetItem(f"{number}") for _ in range(ROWS)]
        for item in self.items:
            self.list.addItem(item)

    def show_curve(self, number: int) -> None:
        points = [CurvePoint(at, number % 7 - at, 0.0, 1.0, (number % 7 - at,), (0,)) for at in np.linspace(-4, 4, 9)]
        curve = Curve(EXPOSURE, CRITERION, ("a", "b"), tuple(points), 0.0, None, 9, 1.0)
        self.curve.show_curve(curve, stale=number % 2 == 0)

    def show_map(self, number: int) -> None:
        at = tuple(np.linspace(0.0, 4.0, 5).tolist())
        scores = torch.linspace(-1, 1, 25, dtype=torch.float64).view(5, 5) * (number % 5 + 1)
        tops = torch.zeros(5, 5, dtype=torch.long)
        found = Map(EXPOSURE, BLUR, CRITERION, ("a", "b"), at, at, scores, tops, 0.0, 25, 1.0)
        self.map.show_map(found, ("Exposure", "Blur"), stale=number % 2 == 0)

    def show_heat(self, number: int) -> None:
        self.heat.image.setImage(np.full((8, 8), number, np.float32))

    def show_bars(self, number: int) -> None:
        self.logits.show_rows([BarRow(f"class {at}", number + at, None) for at in range(ROWS)])
        self.bars.show_rows([SensitivityBar(f"row{at}", "label", 0.5, "1", "help") for at in range(ROWS)])


def numbers(count: int, shown: Callable[[], int]) -> Iterator[int | None]:
    """A number each time the one before has been shown; garbage, and a collection, all the while."""
    number = 0
    while number < count:
        if shown() >= number:
            number += 1
            yield number
        for _ in range(50):
            ring: list[Any] = []
            ring.append(ring)
        gc.collect(number % 3)
        yield None


def main(count: int, *, anywhere: bool) -> None:
    with contextlib.suppress(AttributeError):  # not every system can
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _app = QApplication([])
    if not anywhere:
        collect_in_this_thread()
    sys.setswitchinterval(1e-4)
    views, worker = Views(), Worker(["tolerance"], "compute")
    views.resize(500, 1000)
    views.show()
    gone: list[weakref.ref[QObject]] = []
    here, elsewhere, shown = threading.get_ident(), 0, 0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal elsewhere
        elsewhere += phase == "stop" and info["collected"] > 0 and threading.get_ident() != here

    def show(kind: str, generation: int, number: int) -> None:
        nonlocal shown
        views.show_item(number)
        if number % EVERY == 0:
            lost = Views()
            lost.show_item(number)
            gone.append(weakref.ref(lost))
        shown = number

    gc.callbacks.append(note)
    worker.delivered.connect(show)
    loop = QEventLoop()
    worker.finished.connect(loop.quit)
    worker.failed.connect(lambda kind, generation, error: print(repr(error)))
    worker.submit("tolerance", lambda: numbers(count, lambda: shown))
    loop.exec()
    worker.close()
    gc.collect()
    print(shown, len(gone), sum(ref() is None for ref in gone), elsewhere, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), anywhere="--anywhere" in sys.argv)
