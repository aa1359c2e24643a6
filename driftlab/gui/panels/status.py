"""The status bar: the pixel below the pointer, exact or draft, who draws and why, and the job that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget
from superqt import QElidingLabel

from driftlab.gui import theme
from driftlab.gui.numbers import MINUS, written
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.gui.preview_source import Engine, Picture, Readout

__all__ = ["StatusLine"]

#: What a running job is called.
TITLES = {"frame": "loading", "model": "loading a model", "logits": "logits", "heatmap": "sensitivities"}


class StatusLine(QStatusBar):
    """One line; nothing in it jumps."""

    cancel_asked = Signal()

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._worker = worker
        self.pixel = QLabel()
        self.picture = QLabel()
        self.engine = QElidingLabel()
        self.job = QLabel()
        self.bar = QProgressBar(textVisible=False)
        self.cancel = QToolButton(autoRaise=True)
        self.cancel.setText("✕")
        font = theme.numeric(self.font())
        for label in (self.pixel, self.picture, self.engine, self.job):
            label.setFont(font)
        self.pixel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.engine.setFixedWidth(300)
        self.picture.setMinimumWidth(120)
        self.bar.setFixedWidth(96)
        self.cancel.setToolTip("Cancel the running job (Esc)")
        self.cancel.setAccessibleName("Cancel the running job")
        self.cancel.clicked.connect(self.cancel_asked)
        jobs = QWidget()
        line = QHBoxLayout(jobs)
        line.setContentsMargins(0, 0, 4, 0)
        for widget in (self.job, self.bar, self.cancel):
            line.addWidget(widget)
        self.addWidget(self.pixel, stretch=1)
        self.addPermanentWidget(self.picture)
        self.addPermanentWidget(self.engine)
        self.addPermanentWidget(jobs)
        jobs.setMinimumWidth(190)
        self._end()
        worker.started.connect(self._begin)
        worker.delivered.connect(self._advance)
        for signal in (worker.finished, worker.dropped, worker.failed):
            signal.connect(self._end)

    def show_readout(self, readout: Readout | None) -> None:
        """The pixel below the pointer; None where there is none."""
        if readout is None:
            self.pixel.clear()
            return
        x, y = readout.at
        parts = [f"{x}, {y}", "DN " + " ".join(f"{value:.0f}" for value in readout.dn)]
        if readout.output:
            parts.append("after the stage " + " ".join(f"{value:.4g}".replace("-", MINUS) for value in readout.output))
        elif readout.linear:
            parts.append("linear " + " ".join(written(value, 3) for value in readout.linear))
        parts.append("sRGB " + " ".join(str(value) for value in readout.display))
        self.pixel.setText("  " + "  ·  ".join(parts))

    def show_picture(self, picture: Picture) -> None:
        """How the picture on the screen came about."""
        self.picture.setText(f"{'exact' if picture.exact else 'draft'} · {picture.seconds * 1000:.0f}\u2009ms")

    def show_engine(self, engine: Engine) -> None:
        """Who draws, and why nobody faster."""
        self.engine.setText(engine.name + (f" · {engine.reason}" if engine.reason else ""))
        self.engine.setToolTip(engine.reason or engine.name)

    def _begin(self, kind: str, generation: int) -> None:
        if kind == "logits":
            return  # too short to be read
        self.job.setText(TITLES.get(kind, kind))
        self.bar.setRange(0, 0)
        for widget in (self.job, self.bar, self.cancel):
            widget.show()

    def _advance(self, kind: str, generation: int, item: object) -> None:
        share = getattr(item, "share", None)
        if isinstance(share, float):
            self.bar.setRange(0, 100)
            self.bar.setValue(round(100 * share))

    def _end(self, *args: object) -> None:
        for widget in (self.job, self.bar, self.cancel):
            widget.hide()
