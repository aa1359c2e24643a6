"""What is there before anything is: one large target to drop on, and the sample in one click."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from driftlab.gui import theme

__all__ = ["DropArea"]


class DropArea(QWidget):
    """Three sentences and their buttons, or what a drop would do."""

    open_asked = Signal()
    model_asked = Signal()
    sample_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._hint = ""
        title = QLabel("Drop a raw file here")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.9)
        title.setFont(font)
        self._title = title
        text = QLabel(
            "A camera file, a folder of them, or an ordinary picture: "
            "every step of its development gets a slider.<br><br>"
            "Drop a task model too, and its answer follows the sliders.<br><br>"
            "Or open the sample: a simulated microscope camera and a network that reads its pictures."
        )
        text.setWordWrap(True)
        text.setFixedWidth(600)
        for label in (title, text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons: list[QPushButton] = []
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addStretch(1)
        for words, signal in (
            ("Open a file …", self.open_asked),
            ("Choose a model …", self.model_asked),
            ("Open the sample", self.sample_asked),
        ):
            button = QPushButton(words)
            button.setMinimumHeight(32)
            button.clicked.connect(signal)
            line.addWidget(button)
            self.buttons.append(button)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(title)
        column.addSpacing(8)
        column.addWidget(text, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(16)
        column.addLayout(line)
        column.addStretch(1)

    def show_hint(self, sentence: str) -> None:
        """What letting go would do; empty when nothing hovers."""
        self._hint = sentence
        self._title.setText(sentence or "Drop a raw file here")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent" if self._hint else "line"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(16, 16, -16, -16), 12, 12)
        painter.end()
