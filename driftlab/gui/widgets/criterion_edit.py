"""Chooses what must hold, and of how many pictures; told as the command line takes it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget
from superqt.utils import signals_blocked

__all__ = ["CriterionEdit"]

#: Words -> what goes before the number (none where nothing follows), the first number, its limits and its step.
KINDS: Final = {
    "prediction unchanged": ("prediction-unchanged", None),
    "margin ≥": ("margin>=", (0.5, 0.0, 1000.0, 0.1)),
    "accuracy ≥": ("accuracy>=", (0.9, 0.0, 1.0, 0.01)),
    "drop ≤": ("drop<=", (0.02, 0.0, 1.0, 0.01)),
}
OVER: Final = {
    "of all pictures": ("all", None),
    "of a share of": ("quantile=", 0.95),
    "but for a share of": ("rate=", 0.05),
}
#: Criteria that are of all pictures together, and the only ones for segmentations.
TOGETHER: Final = ("accuracy ≥", "drop ≤")


class CriterionEdit(QWidget):
    """A criterion with its threshold."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind, self.threshold = QComboBox(), QDoubleSpinBox()
        self.over, self.share = QComboBox(), QDoubleSpinBox()
        self._segmentation = self._several = False
        self.kind.setAccessibleName("Criterion")
        self.kind.setToolTip(
            "What must hold: the class on top stays, the true class leads by so much, so many pictures are right "
            "(of a segmentation: the mean IoU), or at most so many fewer than nominally"
        )
        self.over.setAccessibleName("Of how many pictures")
        for box, name in ((self.threshold, "Threshold of the criterion"), (self.share, "Share of the pictures")):
            box.setAccessibleName(name)
            box.lineEdit().setAccessibleName(name)
        self.over.addItems([*OVER])
        self.over.setToolTip("How many pictures must hold")
        self.share.setRange(0.0, 1.0)
        self.share.setSingleStep(0.01)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for widget in (self.kind, self.threshold, self.over, self.share):
            line.addWidget(widget)
        self.show_task(segmentation=False)
        self._show_kind()
        self.kind.currentIndexChanged.connect(lambda _: self._show_kind())
        self.over.currentIndexChanged.connect(lambda _: self._show_over())
        for box in (self.threshold, self.share):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def criterion(self) -> str:
        """As `--criterion` takes it."""
        start, numbers = KINDS[self.kind.currentText()]
        return start if numbers is None else f"{start}{self.threshold.value():g}"

    @property
    def aggregation(self) -> str:
        """As `--over` takes it."""
        start, number = OVER[self.over.currentText()]
        return "all" if number is None or self.over.isHidden() else f"{start}{self.share.value():g}"

    def show_text(self, criterion: str, aggregation: str) -> None:
        """A criterion and an aggregation as the command line takes them; "" for none."""
        for name, (start, numbers) in KINDS.items():
            if criterion and criterion.startswith(start):
                self.kind.setCurrentText(name)
                if numbers is not None:
                    self.threshold.setValue(float(criterion.removeprefix(start)))
        for name, (start, number) in OVER.items():
            if aggregation.startswith(start):
                self.over.setCurrentText(name)
                if number is not None:
                    self.share.setValue(float(aggregation.removeprefix(start)))

    def show_task(self, *, segmentation: bool) -> None:
        """Only the criteria that a model of this task has an answer to."""
        if self.kind.count() and segmentation == self._segmentation:
            return
        self._segmentation = segmentation
        with signals_blocked(self.kind):
            self.kind.clear()
            self.kind.addItems([name for name in KINDS if not segmentation or name in TOGETHER])
            self.kind.setCurrentText("drop ≤" if segmentation else "prediction unchanged")
        self._show_kind()

    def show_several(self, *, several: bool) -> None:
        """Whether there are several pictures, of which not all need to hold."""
        self._several = several
        shown = several and self.kind.currentText() not in TOGETHER
        self.over.setVisible(shown)
        self.share.setVisible(shown and OVER[self.over.currentText()][1] is not None)

    def _show_kind(self) -> None:
        numbers = KINDS[self.kind.currentText()][1]
        self.threshold.setVisible(numbers is not None)
        if numbers is not None:
            with signals_blocked(self.threshold):
                self.threshold.setRange(*numbers[1:3])
                self.threshold.setSingleStep(numbers[3])
                self.threshold.setValue(numbers[0])
        self.show_several(several=self._several)
        self.changed.emit()

    def _show_over(self) -> None:
        number = OVER[self.over.currentText()][1]
        self.show_several(several=self._several)
        if number is not None:
            with signals_blocked(self.share):
                self.share.setValue(number)
        self.changed.emit()
