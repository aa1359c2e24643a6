"""Making a tolerance report: a form, the search with its progress, a preview of what was found, and the writing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QSettings, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from driftlab.errors import DriftlabError
from driftlab.gui.aside import Aside
from driftlab.gui.bands import position
from driftlab.gui.case_command import model_words
from driftlab.gui.document import Document
from driftlab.gui.picked import pick
from driftlab.gui.report_form import ReportForm
from driftlab.gui.report_preview import preview_of
from driftlab.gui.reporting import Draft, ReportQuestion, command_of, drafted, written
from driftlab.gui.titles import title_of
from driftlab.gui.tolerating import Scope, Tolerating
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftlab.report.purpose import Purpose

__all__ = ["ReportDialog"]

FOLDER: Final = "tolerance-report"
START: Final = "Press Search: what is found is shown here before it is written."


@dataclass(frozen=True, eq=False)
class _Writing:
    """What is written where."""

    draft: Draft
    purpose: Purpose
    folder: Path

    def same(self, other: _Writing | None) -> bool:
        return self is other

    def steps(self) -> Iterator[Path]:
        return written(self.draft, self.purpose, self.folder)


class ReportDialog(QDialog):
    """Stays open beside the window while the search runs."""

    def __init__(
        self, parent: QWidget, document: Document, tolerating: Tolerating, worker: Worker, store: QSettings
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export a tolerance report")
        self.resize(940, 640)
        self._document, self._tolerating = document, tolerating
        self.form = ReportForm(store, _parameters(document))
        self.preview, self.state = QTextBrowser(), QLabel()
        self.bar = QProgressBar(textVisible=False)
        self.search, self.copy = QPushButton("Search"), QPushButton("Copy as command")
        self.write, self.show_it = QPushButton("Write the report …"), QPushButton("Show it")
        self.draft: Draft | None = None
        self.path: Path | None = None
        self._searching = Aside(self, worker, "report", 0, drafted)
        self._writing = Aside(self, worker, "report", 0, _Writing.steps)
        self._searching.signals.delivered.connect(self._deliver)
        self._searching.signals.changed.connect(self._refresh)
        self._searching.signals.failed.connect(self._fail)
        self._writing.signals.delivered.connect(self._tell)
        self._writing.signals.changed.connect(self._refresh)
        self._writing.signals.failed.connect(self._fail)
        self.search.clicked.connect(self._press)
        self.copy.clicked.connect(self._copy)
        self.write.clicked.connect(self._ask_where)
        self.show_it.clicked.connect(self._open)
        self.finished.connect(self._end)
        self._lay_out()
        self._fill()
        self._refresh()

    @property
    def question(self) -> ReportQuestion:
        """What the form says."""
        form, model = self.form, self._document.model
        assert model is not None
        every = form.scope.currentText() == Scope.FRAMES
        return ReportQuestion(
            pick(self._document, every, False, self._tolerating.truths),
            model,
            tuple(model_words(self._document)),
            self._tolerating.table,
            form.criterion.criterion,
            form.criterion.aggregation,
            form.ranges,
            form.joint.isChecked(),
            form.budget.value() or None,
            form.seed.value(),
        )

    def write_to(self, folder: Path) -> None:
        """Write what was found, with the purpose as it stands in the form."""
        if self.draft is not None:
            self.form.remember()
            self._writing.begin(_Writing(self.draft, self.form.purpose, folder))

    # What happens

    def _press(self) -> None:
        if self._searching.running:
            self._searching.stop()
            self.state.setText("Canceled: nothing was written.")
            return
        if not self.form.some:
            self.state.setText("No parameter is chosen: choose at least one.")
            return
        self.draft = self.path = None
        self.preview.setPlainText("")
        self.state.setText("Searching …")
        self._searching.begin(self.question)

    def _deliver(self, item: Any) -> None:
        if isinstance(item, Draft):
            self.draft = item
            self.preview.setHtml(preview_of(item.tolerance))
            self.state.setText("Complete: it can be written.")
        elif hasattr(item, "axes"):
            self.preview.setHtml(preview_of(item))
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * item.share))
            self.state.setText(f"{item.doing or 'nominal settings'}, {item.evaluations} trials")
        self._refresh()

    def _tell(self, path: Path) -> None:
        self.path = path
        self.state.setText(f"Written: report.json, report.html, report.pdf and tables, in {path.parent}")
        self._refresh()

    def _fail(self, error: Exception) -> None:
        self.state.setText(str(error) if isinstance(error, DriftlabError) else f"It failed: {error}")
        self._refresh()

    def _copy(self) -> None:
        if self.draft is None or self._searching.asked is None:
            return
        try:
            text = command_of(self._searching.asked, self.draft.tolerance.cases, FOLDER)
        except DriftlabError as error:
            self._fail(error)
            return
        QGuiApplication.clipboard().setText(text)
        self.state.setText(f"Copied: {text}")

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, "A folder for the report")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.write_to(Path(name)))
        dialog.open()

    def _open(self) -> None:
        if self.path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.path.with_suffix(".html"))))

    def _end(self) -> None:
        for job in (self._searching, self._writing):
            job.close()

    # What is shown

    def _refresh(self) -> None:
        searching, writing = self._searching.running, self._writing.running
        self.search.setText("Cancel" if searching else "Search")
        self.search.setEnabled(not writing)
        self.form.setEnabled(not searching and not writing)
        self.bar.setVisible(searching or writing)
        if not searching:
            self.bar.setRange(0, 0)
        self.write.setEnabled(self.draft is not None and not searching and not writing)
        self.copy.setEnabled(self.draft is not None)
        self.show_it.setVisible(self.path is not None)

    def _fill(self) -> None:
        form, model = self.form, self._document.model
        several = len(self._document.entries) > 1
        form.scope.addItems([each.value for each in Scope if several or each == Scope.PICTURE])
        form.scope.currentTextChanged.connect(lambda text: form.criterion.show_several(several=text == Scope.FRAMES))
        form.criterion.show_task(segmentation=model is not None and str(model.task) == "segmentation")
        form.scope.setCurrentText(self._tolerating.scope)
        form.criterion.show_text(self._tolerating.criterion, self._tolerating.over)
        self.preview.setPlainText(START)

    def _lay_out(self) -> None:
        self.preview.setAccessibleName("What was found")
        self.preview.setOpenLinks(False)
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar.setFixedWidth(120)
        self.bar.setAccessibleName("How far the search is")
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.form)
        close = QPushButton("Close")
        close.clicked.connect(self.reject)
        body, foot, line = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        body.addWidget(scroll, stretch=1)
        body.addWidget(self.preview, stretch=1)
        line.addWidget(self.state, stretch=1)
        line.addWidget(self.bar)
        foot.addWidget(self.search)
        foot.addWidget(self.copy)
        foot.addStretch(1)
        for button in (self.show_it, self.write, close):
            foot.addWidget(button)
        for button in (self.search, self.copy, self.show_it, self.write, close):
            button.setAutoDefault(False)  # Enter in a field is not "go"
        column = QVBoxLayout(self)
        column.addLayout(body, stretch=1)
        column.addLayout(line)
        column.addLayout(foot)


def _parameters(document: Document) -> list[tuple[str, str, str]]:
    """Key, title and usual range of every parameter that is searched unless others are named."""
    from driftlab.analysis.axes import axes_of

    settings = document.nominal
    if settings is None:
        return []
    return [
        (axis.key, title_of(settings, axis.key), f"{position(axis, axis.low)} to {position(axis, axis.high)}")
        for axis in axes_of([settings])
    ]
