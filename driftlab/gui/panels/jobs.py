"""The jobs that run and those that ran, a row for each kind: how far, how long, cancel, and why one failed."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from driftlab.gui import theme
from driftlab.gui.jobs import KINDS, JobRecord, Jobs, State
from driftlab.gui.numbers import THIN

__all__ = ["JobsPopup"]

WIDTH: Final = 520
#: How often the elapsed time is written, in ms.
PULSE: Final = 200


class JobsPopup(QFrame):
    """Opens above the status bar, and goes with Escape or a click elsewhere."""

    def __init__(self, jobs: Jobs, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName("Jobs")
        self._jobs = jobs
        self.rows: dict[str, _Row] = {}
        self._empty = QLabel("Nothing has been computed yet.")
        self._empty.setEnabled(False)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.addWidget(self._empty)
        self._pulse = QTimer(self, interval=PULSE)
        self._pulse.timeout.connect(self.show_jobs)
        jobs.changed.connect(self.show_jobs)

    def open(self, corner: QPoint) -> None:
        """Show it with its lower right corner here, on the screen."""
        self._corner = corner
        self.show_jobs()
        self.show()
        self._pulse.start()

    def show_jobs(self) -> None:
        """The newest job of each kind."""
        for kind in KINDS:
            record = self._jobs.records.get(kind.name)
            if record is None:
                continue
            if kind.name not in self.rows:
                row = self.rows[kind.name] = _Row(record)
                row.cancel.clicked.connect(partial(self._jobs.cancel, kind.name))
                self._column.insertWidget(len(self.rows), row)
            self.rows[kind.name].show_job(record)
        self._empty.setVisible(not self.rows)
        column = self._column  # whose sentences, if there are any, take the lines they need
        high = column.totalHeightForWidth(WIDTH) if column.hasHeightForWidth() else column.totalSizeHint().height()
        self.setFixedSize(WIDTH, high)
        self.move(self._corner - QPoint(self.width(), self.height()))


class _Row(QWidget):
    """One kind."""

    def __init__(self, record: JobRecord) -> None:
        super().__init__()
        title = QLabel(record.kind.title)
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        self.state = QLabel()
        self.state.setFont(theme.numeric(self.font()))
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedWidth(96)
        self.bar.setAccessibleName(f"How far: {record.kind.title}")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName(f"Cancel: {record.kind.title}")
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = QPushButton("Copy details")
        self.copy.setAccessibleName(f"Copy the details of the failure: {record.kind.title}")
        self.copy.clicked.connect(self._copy)
        self._details = ""
        head = QHBoxLayout()
        head.addWidget(title, stretch=1)
        for widget in (self.state, self.bar, self.cancel, self.copy):
            head.addWidget(widget)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.addLayout(head, 0, 0)
        grid.addWidget(self.sentence, 1, 0)

    def show_job(self, record: JobRecord) -> None:
        """How far it is, or how it ended."""
        self.state.setText(f"{record.state} · {_elapsed(record.seconds)}")
        self.bar.setVisible(record.runs)
        self.bar.setRange(0, 0 if record.share is None else 100)
        if record.share is not None:
            self.bar.setValue(round(100 * record.share))
        self.cancel.setVisible(record.runs)
        self.cancel.setEnabled(record.state != State.ENDING)
        problem = record.problem
        self.sentence.setText(problem.sentence if problem else "")
        self.sentence.setVisible(problem is not None)
        self.copy.setVisible(problem is not None)
        self._details = f"{problem.sentence}\n\n{problem.details}" if problem else ""

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)


def _elapsed(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f}{THIN}ms"
    return f"{seconds:.1f}{THIN}s" if seconds < 60 else f"{int(seconds) // 60}{THIN}min {int(seconds) % 60:02}{THIN}s"
