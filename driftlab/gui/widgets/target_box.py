"""The choice of what the sensitivities are of: the margin, a logit, or the soft Dice of all classes or of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter
from superqt.utils import signals_blocked

__all__ = ["TargetBox"]

#: Targets up to which all can be looked through; of more, one is found by typing.
FEW: Final = 30


class TargetBox(QComboBox):
    """One line a target; its data is what `--target` takes, or None for what is asked without it."""

    chosen = Signal(object)  # a label or the index of an output, or None

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[str, tuple[str, ...]] = ("", ())
        self.setAccessibleName("Target of the sensitivities")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(16)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMaxVisibleItems(16)
        self.activated.connect(lambda at: self.chosen.emit(self.itemData(at)))
        self.hide()

    def show_targets(self, task: str, labels: Sequence[str]) -> None:
        """The targets of a model for this task, with these outputs."""
        if self._known == (task, tuple(labels)):
            return
        self._known = task, tuple(labels)
        segments = task == "segmentation"
        with signals_blocked(self):
            self.clear()
            if segments:
                self.addItem("soft Dice of all classes", None)
            elif task == "classification":
                self.addItem("margin", None)
            for label in labels:
                self.addItem(f"soft Dice of {label}" if segments else f"logit of {label}", label)
            many = len(labels) > FEW
            self.setEditable(many)
            line, completer = self.lineEdit(), self.completer()
            if line is not None:  # what was typed and is no target goes again
                line.editingFinished.connect(lambda: self.setEditText(self.itemText(self.currentIndex())))
            if many and completer is not None:
                completer.setFilterMode(Qt.MatchFlag.MatchContains)
                completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.setVisible(self.count() > 1)
        against = (
            "How well it agrees with the opened mask or, without one, with the answer's own mask at these settings"
            if segments
            else "The margin is the top logit minus the runner-up's"
        )
        more = "; type a part of a label to find it" if many else ""
        self.setToolTip(f"What the sensitivities are of. {against}{more}")

    def show_target(self, target: str | None) -> None:
        """Which one is asked for."""
        with signals_blocked(self):
            self.setCurrentIndex(max(self.findData(target), 0))
