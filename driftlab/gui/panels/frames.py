"""The list of opened frames: small pictures, names, what the model last said of each, and what had to be guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QStackedLayout, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from driftlab.gui import theme
from driftlab.gui.computing import Computing
from driftlab.gui.document import Document, Entry
from driftlab.gui.numbers import written

if TYPE_CHECKING:
    from driftlab.gui.computing import Answer
    from driftlab.gui.preview_source import Picture

__all__ = ["FramesPanel"]

THUMB: Final = 48


class FramesPanel(QWidget):
    """One row a frame."""

    chosen = Signal(object)

    def __init__(self, document: Document, computing: Computing) -> None:
        super().__init__()
        self._document, self._computing = document, computing
        self.list = QListWidget()
        self.list.setIconSize(QSize(THUMB, THUMB))
        self.list.setAccessibleName("Frames")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        empty = QLabel("Frames that you open are listed here.")
        empty.setWordWrap(True)
        empty.setEnabled(False)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.remarks = QLabel()
        self.remarks.setTextFormat(Qt.TextFormat.PlainText)
        self.remarks.setWordWrap(True)
        self.remarks.setContentsMargins(8, 6, 8, 8)
        self.remarks.setAccessibleName("Remarks on the frame")
        self.remarks.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remarks.hide()
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list, stretch=1)
        column.addWidget(self.remarks)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(empty)
        self._stack.addWidget(full)
        self._items: dict[int, QListWidgetItem] = {}
        self._pictured: set[int] = set()  # the entries whose small picture there is
        self.setMinimumWidth(212)
        self.list.currentRowChanged.connect(self._choose)
        document.entries_changed.connect(self.show_entries)
        document.frame_changed.connect(self.show_entries)
        document.frame_changed.connect(self._show_remarks)
        document.model_changed.connect(self._forget_answers)
        computing.answer_changed.connect(self._show_answer)
        computing.nominal_changed.connect(lambda _: self._show_answer(computing.answer))

    def sizeHint(self) -> QSize:
        """Room for a small picture and a name."""
        return QSize(200, 300)

    def show_entries(self) -> None:
        """The list as it is, with the current frame marked."""
        with signals_blocked(self.list):
            known = {id(entry) for entry in self._document.entries}
            for gone in [key for key in self._items if key not in known]:
                self.list.takeItem(self.list.row(self._items.pop(gone)))
            for entry in self._document.entries:
                if id(entry) not in self._items:
                    item = QListWidgetItem(self._blank(entry), entry.path.name)
                    item.setToolTip(str(entry.path))
                    item.setSizeHint(QSize(0, THUMB + 8))
                    self._items[id(entry)] = item
                    self.list.addItem(item)
            current = self._document.current
            if current is not None and id(current) in self._items:
                self.list.setCurrentItem(self._items[id(current)])
                self.list.scrollToItem(self._items[id(current)])
        self._stack.setCurrentIndex(bool(self._document.entries))

    def show_thumbnail(self, picture: Picture) -> None:
        """The small picture of the current frame."""
        item = self._current_item()
        if item is None or not picture.exact:
            return
        pixmap = self._pixmap()
        side = pixmap.width()
        small = picture.levels[-1].scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        small.setDevicePixelRatio(pixmap.devicePixelRatio())
        painter = QPainter(pixmap)
        width, height = small.deviceIndependentSize().toTuple()
        painter.drawImage(QPointF((THUMB - width) / 2, (THUMB - height) / 2), small)
        painter.end()
        item.setIcon(QIcon(pixmap))
        self._pictured.add(id(self._document.current))

    def changeEvent(self, event: QEvent) -> None:
        """The theme has changed."""
        if event.type() == QEvent.Type.PaletteChange:
            for entry in self._document.entries:
                if id(entry) in self._items and id(entry) not in self._pictured:
                    self._items[id(entry)].setIcon(self._blank(entry))
        super().changeEvent(event)

    def _pixmap(self) -> QPixmap:
        """Empty, with the pixels of the screen."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(THUMB * ratio), round(THUMB * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        return pixmap

    def _blank(self, entry: Entry) -> QIcon:
        """A frame that has not been opened yet: an outline, and what kind of file it is."""
        pixmap = self._pixmap()
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("groove"))
        painter.drawRoundedRect(QRectF(0.5, 0.5, THUMB - 1, THUMB - 1), 3, 3)
        painter.setPen(theme.color("dim"))
        kind = entry.path.suffix.removeprefix(".").upper()[:4]
        painter.drawText(QRectF(0, 0, THUMB, THUMB), Qt.AlignmentFlag.AlignCenter, kind)
        painter.end()
        return QIcon(pixmap)

    def _show_remarks(self) -> None:
        """What of this frame is no measurement, and what had to be guessed or mended."""
        frame, item = self._document.frame, self._current_item()
        if frame is None:
            return
        height, width = frame.size
        said = [*([] if frame.origin == "sensor" else [str(frame.origin)]), *frame.remarks]
        self.remarks.setText("\n".join(f"{line[:1].upper()}{line[1:]}." for line in said))
        self.remarks.setVisible(bool(said))
        current = self._document.current
        if item is not None and current is not None:
            camera = f"{frame.camera}, " if frame.camera else ""
            item.setToolTip(f"{current.path}\n{camera}{frame.cfa.name}, {width} × {height}, {frame.bits} bits")

    def _forget_answers(self) -> None:
        """They are another model's."""
        for entry in self._document.entries:
            if id(entry) in self._items:
                self._items[id(entry)].setText(entry.path.name)

    def _show_answer(self, answer: Answer | None) -> None:
        item, current = self._current_item(), self._document.current
        if item is None or current is None or answer is None or answer.question.draft or answer.top is None:
            return
        margin = getattr(answer.prediction, "margin", None)
        nominal = self._computing.nominal
        flag = "⚑ " if nominal is not None and nominal.top not in (None, answer.top) else ""
        said = f"{flag}{answer.top}" + (f"  m\u2009{written(margin, 2)}" if margin is not None else "")
        item.setText(f"{current.path.name}\n{said}")

    def _current_item(self) -> QListWidgetItem | None:
        current = self._document.current
        return self._items.get(id(current)) if current is not None else None

    def _choose(self, row: int) -> None:
        if 0 <= row < self.list.count():
            item = self.list.item(row)
            entry = next((each for each in self._document.entries if self._items.get(id(each)) is item), None)
            if isinstance(entry, Entry) and entry is not self._document.current:
                self.chosen.emit(entry)
