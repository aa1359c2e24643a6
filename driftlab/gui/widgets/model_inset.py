"""What the model sees: its exact input, as display RGB, in a corner of the preview."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from driftlab.gui import theme
from driftlab.gui.computing import Answer

__all__ = ["ModelInset"]

SIDE = 168
CAPTION = 20


class ModelInset(QWidget):
    """A small picture with a caption, lower left."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.wanted = True
        self._image: QImage | None = None
        self._caption = ""
        self._stale = False
        self.setAccessibleName("What the model sees")
        self.setToolTip("The model's exact input, after crop and resize")
        self.hide()

    def show_answer(self, answer: Answer | None, current: bool) -> None:
        """The input that this answer is to."""
        if answer is None:
            self._image = None
        else:
            height, width = answer.view.shape[:2]
            self._image = QImage(answer.view.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()
            self._caption = f"model sees · {width} × {height}" + (" · draft" if answer.question.draft else "")
        self._stale = not current
        self.settle()
        self.update()

    def show_stale(self) -> None:
        """What is shown is of earlier settings."""
        if not self._stale:
            self._stale = True
            self.update()

    def settle(self) -> None:
        """Keep to the corner, or out of sight."""
        parent = self.parentWidget()
        self.setVisible(self.wanted and self._image is not None)
        if self._image is None or parent is None:
            return
        longest = max(self._image.width(), self._image.height())
        width, height = (max(round(side * SIDE / longest), 8) for side in (self._image.width(), self._image.height()))
        self.resize(SIDE, height + CAPTION)
        self._width = width
        self.move(12, parent.height() - self.height() - 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Caption and picture on a ground of their own."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("base", 0.92))
        if self._image is not None:
            painter.setPen(theme.color("dim"))
            font = painter.font()
            font.setPointSizeF(font.pointSizeF() * 0.9)
            painter.setFont(font)
            caption = QRectF(6, 0, self.width() - 12, CAPTION)
            painter.drawText(caption, Qt.AlignmentFlag.AlignVCenter, self._caption)
            painter.setOpacity(0.55 if self._stale else 1.0)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._image.width() > self._width)
            left = (self.width() - self._width) / 2
            painter.drawImage(QRectF(left, CAPTION, self._width, self.height() - CAPTION), self._image)
        painter.end()
