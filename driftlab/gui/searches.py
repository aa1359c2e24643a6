"""The longer questions of the window and their panels: tolerances, curves and maps, what breaks a model first.

What the main window needs to know of them is here, so that a new one changes nothing there but the table of docks.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from driftlab.errors import DriftlabError
from driftlab.gui.breaking import Breaking
from driftlab.gui.computing import Computing
from driftlab.gui.document import Document
from driftlab.gui.panels.forensics import ForensicsPanel
from driftlab.gui.panels.sweep import SweepPanel
from driftlab.gui.panels.tolerance import TolerancePanel
from driftlab.gui.report_dialog import ReportDialog
from driftlab.gui.sweeping import Sweeping
from driftlab.gui.tolerating import Tolerating
from driftlab.gui.worker import Worker

__all__ = ["Searches"]


class Searches(QObject):
    """All of them."""

    #: The key of a parameter that was chosen in one of the panels.
    chosen = Signal(str)
    #: A file of the list that is to be shown.
    frame_asked = Signal(object)
    #: What was copied, for the status bar.
    copied = Signal(str)
    failed = Signal(object)  # exception

    def __init__(self, document: Document, computing: Computing, worker: Worker, store: QSettings) -> None:
        super().__init__()
        self._document, self._worker, self._store = document, worker, store
        self.report: ReportDialog | None = None
        self._waiting: tuple[Path, dict[str, float]] | None = None
        self.tolerating = Tolerating(document, worker)
        self.tolerating.setParent(self)
        self.tolerating.automatic = store.value("tolerance/automatic", True) in (True, "true")
        self.tolerance = TolerancePanel(document, self.tolerating)
        self.sweeping = Sweeping(document, computing, self.tolerating, worker)
        self.sweeping.setParent(self)
        self.sweep = SweepPanel(document, self.sweeping)
        self.breaking = Breaking(document, self.tolerating, worker)
        self.breaking.setParent(self)
        self.forensics = ForensicsPanel(document, self.breaking)
        self.forensics.applied.connect(self._apply)
        document.frame_changed.connect(self._apply_waiting)
        self.tolerating.chosen_changed.connect(self._remember)
        self.tolerance.chosen.connect(self.chosen)
        self.tolerance.chosen.connect(self.sweep.show_key)
        for panel in (self.tolerance, self.sweep, self.forensics):
            panel.copied.connect(self.copied)
            panel.failed.connect(self.failed)
        self.tolerance.labels_asked.connect(self._ask_for_labels)

    def _apply(self, path: Path, values: dict[str, float]) -> None:
        """Nominal but for these values, on this frame, as one step."""
        self._waiting = path, values
        current = self._document.current
        if current is not None and current.path == path:
            self._apply_waiting()
        else:
            self.frame_asked.emit(path)

    def _apply_waiting(self) -> None:
        current, nominal = self._document.current, self._document.nominal
        if self._waiting is None or current is None or nominal is None or current.path != self._waiting[0]:
            return
        (_, values), self._waiting = self._waiting, None
        try:
            self._document.replace(nominal.changed(values), "Worst view")
        except DriftlabError as error:
            self.failed.emit(error)

    def export_report(self, parent: QWidget) -> None:
        """Ask what a tolerance report is to be of, search, and write it."""
        self.report = ReportDialog(parent, self._document, self.tolerating, self._worker, self._store)
        self.report.open()

    def open_labels(self, table: Path) -> None:
        """What the pictures show, from a table of `file,label` or `file,mask`."""
        from driftlab.data.entries import entries_of

        try:
            truths = {entry.path.absolute(): entry for entry in entries_of([table])}
        except DriftlabError as error:
            self.failed.emit(error)
            return
        self.tolerating.choose(truths=truths, table=table)

    def _ask_for_labels(self) -> None:
        dialog = QFileDialog(self.tolerance, "Labels from a table")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Tables (*.csv)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.open_labels(Path(name)))
        dialog.open()

    def _remember(self) -> None:
        self._store.setValue("tolerance/automatic", self.tolerating.automatic)
