"""A small picture that stays while the next one is made, or can't be."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from driftlab.gui import theme

__all__ = ["Thumbnail"]


class Thumbnail(QWidget):
    """As large as it goes, in the middle; dimmed while it is not of what is asked for."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.image: QImage | None = None
        self.stale = False
        self.setAccessibleName(title)
        self.setMinimumSize(360, 270)

    def show_image(self, image: QImage) -> None:
        """Another picture."""
        self.image, self.stale = image, False
        self.update()

    def show_stale(self) -> None:
        """What is shown is of something earlier."""
        self.stale = True
        self.update()

    def sizeHint(self) -> QSize:
        """Room to judge colors by."""
        return QSize(440, 330)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture on a neutral ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("surround"))
        if self.image is not None:
            scale = min(self.width() / self.image.width(), self.height() / self.image.height())
            width, height = self.image.width() * scale, self.image.height() * scale
            painter.setOpacity(0.35 if self.stale else 1.0)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            where = QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)
            painter.drawImage(where, self.image)
        else:
            painter.setPen(theme.color("base"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "no picture yet")
        painter.end()
