"""The status bar: the pixel below the pointer, exact or draft, who draws and why, and the job that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget
from superqt import QElidingLabel

from driftlab.gui import theme
from driftlab.gui.jobs import Jobs, State
from driftlab.gui.numbers import MINUS, written
from driftlab.gui.widgets.still_label import StillLabel

if TYPE_CHECKING:
    from driftlab.gui.preview_source import Engine, Picture, Readout

__all__ = ["StatusLine"]

#: Room for the running job, so that it moves nothing when it comes and goes.
JOB: Final = 350


class StatusLine(QStatusBar):
    """One line; nothing in it jumps."""

    cancel_asked = Signal()
    jobs_asked = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._jobs = jobs
        self._loading = ""
        self.pixel = QLabel()
        self.picture = StillLabel("exact · 00000\u2009ms")
        self.engine = QElidingLabel()
        self.job = QElidingLabel()
        self.bar = QProgressBar(textVisible=False)
        self.cancel = QToolButton(autoRaise=True)
        self.cancel.setText("✕")
        font = theme.numeric(self.font())
        for label in (self.pixel, self.picture, self.engine, self.job):
            label.setFont(font)
        self.pixel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.engine.setFixedWidth(300)
        self.bar.setFixedWidth(80)
        self.cancel.setToolTip("Cancel the running job (Esc)")
        self.cancel.setAccessibleName("Cancel the running job")
        self.cancel.clicked.connect(self.cancel_asked)
        self.list = QToolButton(autoRaise=True)
        self.list.setText("Jobs")
        self.list.setToolTip("What is computed, and what was (Ctrl+J)")
        self.list.clicked.connect(self.jobs_asked)
        running = QWidget()
        line = QHBoxLayout(running)
        line.setContentsMargins(0, 0, 4, 0)
        self.job.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.job, stretch=1)
        for widget in (self.bar, self.cancel, self.list):
            line.addWidget(widget)
        self.addWidget(self.pixel, stretch=1)
        self.addPermanentWidget(self.picture)
        self.addPermanentWidget(self.engine)
        self.addPermanentWidget(running)
        running.setFixedWidth(JOB)
        self.show_jobs()
        jobs.changed.connect(self.show_jobs)

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
        parts = ["nominal", *parts] if readout.nominal else parts
        self.pixel.setText("  " + "  ·  ".join(parts))

    def show_picture(self, picture: Picture) -> None:
        """How the picture on the screen came about."""
        self.picture.setText(f"{'exact' if picture.exact else 'draft'} · {picture.seconds * 1000:.0f}\u2009ms")

    def show_engine(self, engine: Engine) -> None:
        """Who draws, and why nobody faster."""
        self.engine.setText(engine.name + (f" · {engine.reason}" if engine.reason else ""))
        self.engine.setToolTip(engine.reason or engine.name)

    def show_loading(self, sentence: str) -> None:
        """What is being loaded, or nothing."""
        self._loading = sentence
        self.show_jobs()

    def show_jobs(self) -> None:
        """The job that runs, with its progress; and whether one has failed."""
        record = self._jobs.running
        self.bar.setVisible(record is not None)
        self.cancel.setVisible(record is not None)
        self.job.setText(self._loading or (record.kind.said if record is not None else ""))
        if record is not None:
            self.bar.setRange(0, 0 if record.share is None else 100)
            self.bar.setValue(round(100 * (record.share or 0)))
        failed = sum(each.state == State.FAILED for each in self._jobs.records.values())
        self.list.setText(f"Jobs: {failed} failed" if failed else "Jobs")
