"""Errors and questions as a line above the picture: never a box that must be answered first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from driftlab.gui.problem import Problem

__all__ = ["Message", "MessageBar"]


class Message(QFrame):
    """One sentence with its buttons; it goes when one of them is pressed."""

    def __init__(self, text: str, buttons: Sequence[tuple[str, Callable[[], None] | None]], *, alarm: bool) -> None:
        super().__init__()
        self.text = text
        self.buttons: list[QPushButton] = []
        self.setObjectName("message")  # for the theme
        self.setProperty("alarm", alarm)
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setTextFormat(Qt.TextFormat.PlainText)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 6, 8, 6)
        line.setSpacing(8)
        line.addWidget(label, stretch=1)
        for words, action in buttons:
            button = QPushButton(words)
            button.clicked.connect(lambda checked=False, action=action, words=words: self._press(action, words))
            line.addWidget(button)
            self.buttons.append(button)
        close = QToolButton(autoRaise=True)
        close.setText("✕")
        close.setAccessibleName("Dismiss the message")
        close.clicked.connect(self.dismiss)
        line.addWidget(close)

    def _press(self, action: Callable[[], None] | None, words: str) -> None:
        if action is not None:
            action()
        if not words.startswith("Copy"):
            self.dismiss()

    def dismiss(self) -> None:
        """Away with it."""
        self.setParent(None)
        self.deleteLater()


class MessageBar(QWidget):
    """The messages there are, the newest below."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    @property
    def messages(self) -> list[Message]:
        """What is shown."""
        return self.findChildren(Message)

    def show_problem(self, problem: Problem) -> None:
        """A sentence, its details to copy, and another try where there can be one."""
        buttons: list[tuple[str, Callable[[], None] | None]] = []
        if problem.retry is not None:
            buttons.append(("Try again", problem.retry))
        if problem.details:
            text = f"{problem.sentence}\n\n{problem.details}"
            buttons.append(("Copy details", lambda: QGuiApplication.clipboard().setText(text)))
        self._add(problem.sentence, buttons, alarm=True)

    def ask(self, question: str, yes: str, action: Callable[[], None], no: str = "Cancel") -> None:
        """A question that waits without holding anything up."""
        self._add(question, [(yes, action), (no, None)], alarm=False)

    def _add(self, text: str, buttons: Sequence[tuple[str, Callable[[], None] | None]], *, alarm: bool) -> None:
        for old in self.messages:
            if old.text == text or len(self.messages) > 3:
                old.dismiss()
        self._column.addWidget(Message(text, buttons, alarm=alarm))
