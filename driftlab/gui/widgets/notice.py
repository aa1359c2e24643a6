"""What a panel says while it has nothing to show: a sentence, and buttons for what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from driftlab.gui.problem import Problem

__all__ = ["Notice"]


class Notice(QWidget):
    """In the middle of the panel."""

    def __init__(self, text: str, buttons: Sequence[tuple[str, Callable[[], object]]] = ()) -> None:
        super().__init__()
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons: list[QPushButton] = []
        self._line = QHBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.addStretch(1)
        column.addWidget(self.label)
        column.addLayout(self._line)
        column.addStretch(1)
        self.say(text, buttons)

    def say(self, text: str, buttons: Sequence[tuple[str, Callable[[], object]]] = ()) -> None:
        """This sentence, and these buttons below it."""
        self.label.setText(text)
        while (item := self._line.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()  # it may be the one that is being pressed
                old.deleteLater()
        self.buttons = []
        self._line.addStretch(1)
        for words, action in buttons:
            button = QPushButton(words)
            button.clicked.connect(lambda checked=False, action=action: action())
            self._line.addWidget(button)
            self.buttons.append(button)
        self._line.addStretch(1)

    def say_failed(self, error: Exception, again: Callable[[], object]) -> None:
        """Why there is nothing, with another try and the details."""
        problem = Problem.of(error)
        details = f"{problem.sentence}\n\n{problem.details}"
        copy = partial(QGuiApplication.clipboard().setText, details)
        self.say(problem.sentence, [("Try again", again), ("Copy details", copy)])
