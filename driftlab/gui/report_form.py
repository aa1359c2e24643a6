"""What is asked before a tolerance report is made: purpose and people, criterion, pictures, parameters, effort."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from driftlab.gui import theme
from driftlab.gui.widgets.criterion_edit import CriterionEdit

if TYPE_CHECKING:
    from driftlab.report.purpose import Purpose

__all__ = ["ReportForm"]

#: Where what was said of the purpose is kept for the next report.
STORED: Final = "report/purpose"
TEXTS: Final = (
    ("intended_use", "Intended use", "What the model is for"),
    ("decision", "Decision", "What is decided by its answer"),
    ("harm_if_wrong", "Harm if wrong", "What may come of a wrong answer"),
)


class ReportForm(QWidget):
    """The fields; the dialog around them knows what to do with what they say."""

    def __init__(self, store: QSettings, parameters: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._store = store
        self.texts = {name: QLineEdit() for name, *_ in TEXTS}
        self.exclusions, self.people = QPlainTextEdit(), QPlainTextEdit()
        self.scope, self.criterion = QComboBox(), CriterionEdit()
        self.parameters = QTableWidget(len(parameters), 2)
        self.joint = QCheckBox("also the box in which all may drift together")
        self.budget, self.seed = QSpinBox(), QSpinBox()
        self._keys = [key for key, *_ in parameters]
        self._prepare(parameters)
        self._lay_out()
        self._recall()

    @property
    def purpose(self) -> Purpose:
        """What was said of it."""
        from driftlab.report.purpose import Purpose, Responsible

        pairs = (line.partition(":") for line in self._lines(self.people))
        responsible = tuple(
            Responsible(role.strip() if colon else "", (name if colon else role).strip()) for role, colon, name in pairs
        )
        texts = {name: edit.text().strip() for name, edit in self.texts.items()}
        return Purpose(**texts, exclusions=tuple(self._lines(self.exclusions)), responsible=responsible)

    @property
    def some(self) -> bool:
        """Whether any parameter is to be searched."""
        items = (self.parameters.item(row, 0) for row in range(len(self._keys)))
        return any(item is not None and item.checkState() == Qt.CheckState.Checked for item in items)

    @property
    def ranges(self) -> tuple[str, ...]:
        """The parameters as `--param` takes them; none where all are wanted as usual."""
        found = []
        for row, key in enumerate(self._keys):
            name, span = self.parameters.item(row, 0), self.parameters.item(row, 1)
            if name is not None and name.checkState() == Qt.CheckState.Checked:
                text = span.text().strip() if span is not None else ""
                found.append(f"{key}={text}" if text else key)
        return () if found == self._keys else tuple(found)

    def remember(self) -> None:
        """Keep the purpose for the next report."""
        told = {name: edit.text() for name, edit in self.texts.items()}
        told |= {"exclusions": self.exclusions.toPlainText(), "people": self.people.toPlainText()}
        self._store.setValue(STORED, json.dumps(told))

    def _recall(self) -> None:
        told: dict[str, Any] = json.loads(str(self._store.value(STORED, "{}")))
        for name, edit in self.texts.items():
            edit.setText(str(told.get(name, "")))
        self.exclusions.setPlainText(str(told.get("exclusions", "")))
        self.people.setPlainText(str(told.get("people", "")))

    def _lines(self, edit: QPlainTextEdit) -> list[str]:
        return [line.strip() for line in edit.toPlainText().splitlines() if line.strip()]

    def _prepare(self, parameters: Sequence[tuple[str, str, str]]) -> None:
        line, ground = theme.color("line").name(), theme.color("base").name()
        for text in self.texts.values():  # in the window a value has no frame before it is touched
            text.setStyleSheet(f"QLineEdit {{ border: 1px solid {line}; background: {ground}; }}")
        for edit, hint in ((self.exclusions, "one on each line"), (self.people, "role: name, one on each line")):
            edit.setPlaceholderText(hint)
            edit.setTabChangesFocus(True)
            edit.setFixedHeight(44)
        self.budget.setRange(0, 100_000_000)
        self.budget.setSpecialValueText("as many as it takes")
        self.budget.setToolTip("The most trials: pictures shown to the model")
        self.seed.setRange(0, 2**31 - 1)
        self.parameters.setHorizontalHeaderLabels(["Parameter", "From:to"])
        self.parameters.verticalHeader().hide()
        self.parameters.verticalHeader().setDefaultSectionSize(22)
        self.parameters.setMinimumHeight(160)
        self.parameters.setTabKeyNavigation(False)
        self.parameters.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for row, (_, title, span) in enumerate(parameters):
            name, ends = QTableWidgetItem(title), QTableWidgetItem()
            name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            name.setCheckState(Qt.CheckState.Checked)
            ends.setToolTip(f"The range to search, such as 1.5:2.5; empty: as usual, {span}")
            self.parameters.setItem(row, 0, name)
            self.parameters.setItem(row, 1, ends)

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        texts: list[tuple[str, QWidget]] = [(label, self.texts[name]) for name, label, _ in TEXTS]
        rows: list[tuple[str, QWidget]] = [
            *texts,
            ("Not meant for", self.exclusions),
            ("Responsible", self.people),
            ("Pictures", self.scope),
            ("Criterion", self.criterion),
            ("Parameters", self.parameters),
            ("Jointly", self.joint),
            ("Trials", self.budget),
            ("Seed", self.seed),
        ]
        for label, widget in rows:
            form.addRow(label, widget)
            widget.setAccessibleName(label)
        for name, _, about in TEXTS:
            self.texts[name].setToolTip(about)
        for label, box in (("Trials", self.budget), ("Seed", self.seed)):
            box.lineEdit().setAccessibleName(label)
            box.setMinimumHeight(26)
