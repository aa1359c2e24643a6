"""The canvas: pan and zoom over a picture, its draft, the nominal one beside or instead of it, and what lies on top.

Places are pixels of the picture; zoom is screen pixels for one of them, so that 1 is 100 % on any screen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from driftlab.gui.preview_source import Picture
from driftlab.gui.widgets.picture_painting import paint
from driftlab.gui.widgets.region_keys import ARROWS, keyed
from driftlab.gui.widgets.region_tool import RegionTool, grip_at

if TYPE_CHECKING:
    from driftlab.gui.stage_outputs import StageOutput
    from driftlab.isp.develop import Region

__all__ = ["PictureView"]

LARGEST: Final = 64.0
CURSORS: Final = {
    "": Qt.CursorShape.CrossCursor,
    "inside": Qt.CursorShape.SizeAllCursor,
    "l": Qt.CursorShape.SizeHorCursor,
    "r": Qt.CursorShape.SizeHorCursor,
    "t": Qt.CursorShape.SizeVerCursor,
    "b": Qt.CursorShape.SizeVerCursor,
    "lt": Qt.CursorShape.SizeFDiagCursor,
    "rb": Qt.CursorShape.SizeFDiagCursor,
    "lb": Qt.CursorShape.SizeBDiagCursor,
    "rt": Qt.CursorShape.SizeBDiagCursor,
}


class PictureView(QWidget):
    """Shows pictures; it asks for nothing and changes nothing but where it looks."""

    hovered = Signal(int, int)
    left = Signal()
    region_drawn = Signal(object)
    view_changed = Signal()
    painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 180)
        self.setAccessibleName("Preview")
        self.exact: Picture | None = None
        self.draft: Picture | None = None
        self.nominal: Picture | None = None
        self.output: StageOutput | None = None
        self.outdated = False  # whether the output is of earlier settings
        self.size_: tuple[int, int] | None = None
        self.zoom = 1.0
        self.fits = True
        self.holds_nominal = False
        self.split: float | None = None  # where the divider is, 0 to 1 of the width
        self.draws_region = False
        self.region: Region | None = None
        self.boxes: tuple[QRectF, ...] = ()
        self.overlay: tuple[QImage, QRectF] | None = None
        self.classes: tuple[QImage, QRectF] | None = None
        self.classes_stale = False
        self._center = QPointF()
        self._drag: QPointF | None = None
        self._tool: RegionTool | None = None
        self._divides = False
        self._space = False

    # What is shown

    def show_picture(self, picture: Picture) -> None:
        """The picture, or a draft of a part of it, which lies over what there was."""
        if picture.size != self.size_:
            self._resize_picture(picture.size)
        if picture.exact and picture.region.width == picture.size[1] and picture.region.height == picture.size[0]:
            self.exact, self.draft = picture, None
        else:
            self.draft = picture
        self.update()

    def show_nominal(self, picture: Picture | None) -> None:
        """The picture at the nominal settings."""
        self.nominal = picture
        self.update()

    def show_output(self, output: StageOutput | None) -> None:
        """What a stage gives, instead of the picture."""
        self.output, self.outdated = output, False
        self.update()

    def show_outdated(self) -> None:
        """The output is of earlier settings."""
        self.outdated = True
        self.update()

    def _resize_picture(self, size: tuple[int, int]) -> None:
        old, self.size_ = self.size_, size
        self.exact = self.draft = self.nominal = None
        if self.fits or old is None:
            self.fit()
        else:  # look at the same place
            scale = size[1] / old[1]
            self._center *= scale
            self.zoom /= scale
        self._keep_in_sight()

    # Where it looks

    @property
    def scale(self) -> float:
        """Widget units for one pixel of the picture."""
        return self.zoom / self.devicePixelRatioF()

    def to_widget(self, x: float, y: float) -> QPointF:
        """A place in the picture, on the widget."""
        middle = QPointF(self.width() / 2, self.height() / 2)
        return middle + (QPointF(x, y) - self._center) * self.scale

    def to_picture(self, point: QPointF) -> QPointF:
        """A place on the widget, in the picture."""
        return self._center + (point - QPointF(self.width() / 2, self.height() / 2)) / self.scale

    def visible(self) -> Region | None:
        """The part of the picture that is in sight."""
        from driftlab.isp.develop import Region

        if self.size_ is None:
            return None
        height, width = self.size_
        first = self.to_picture(QPointF(0, 0))
        last = self.to_picture(QPointF(self.width(), self.height()))
        left, top = min(max(math.floor(first.x()), 0), width - 1), min(max(math.floor(first.y()), 0), height - 1)
        right, bottom = min(max(math.ceil(last.x()), left + 1), width), min(max(math.ceil(last.y()), top + 1), height)
        return Region(left, top, right - left, bottom - top)

    def shows_nominal_at(self, x: int) -> bool:
        """Whether it is the nominal picture that is shown in this column of the picture."""
        if self.nominal is None or self.split is None:
            return self.nominal is not None and self.holds_nominal
        return self.output is None and self.to_widget(x + 0.5, 0).x() < self.split * self.width()

    def fit(self) -> None:
        """All of the picture, as large as it goes."""
        self.fits = True
        if self.size_ is not None and self.width() > 0 and self.height() > 0:
            height, width = self.size_
            ratio = self.devicePixelRatioF()
            self.zoom = max(min((self.width() - 16) / width, (self.height() - 16) / height) * ratio, 1e-3)
            self._center = QPointF(width / 2, height / 2)
            self._changed()

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Another zoom, with the place under `at` (on the widget, its middle unless given) where it was."""
        if self.size_ is None:
            return
        self.fits = False
        at = at or QPointF(self.width() / 2, self.height() / 2)
        place = self.to_picture(at)
        smallest = min(0.02, 16 / max(self.size_))
        self.zoom = min(max(zoom, smallest), LARGEST)
        self._center += place - self.to_picture(at)
        self._keep_in_sight()
        self._changed()

    def _keep_in_sight(self) -> None:
        if self.size_ is not None:
            x = min(max(self._center.x(), 0), self.size_[1])
            self._center = QPointF(x, min(max(self._center.y(), 0), self.size_[0]))

    def _changed(self) -> None:
        self.update()
        self.view_changed.emit()

    # The hand

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to the pointer."""
        self.zoom_to(self.zoom * 2 ** (event.angleDelta().y() / 240), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to draw a region, or to drag the divider."""
        point, place = event.position(), self.to_picture(event.position())
        pans = event.button() == Qt.MouseButton.MiddleButton or self._space
        if event.button() == Qt.MouseButton.LeftButton and self._on_divider(point) and not pans:
            self._divides = True
        elif event.button() == Qt.MouseButton.LeftButton and self.draws_region and self.size_ and not pans:
            self._tool = RegionTool(place.x(), place.y(), self.region, self.size_, 7 / self.scale)
        elif pans or event.button() == Qt.MouseButton.LeftButton:
            self._drag = point
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what was begun, and tell where the pointer is."""
        point, place = event.position(), self.to_picture(event.position())
        if self._divides:
            self.divide(point.x() / max(self.width(), 1))
        elif self._tool is not None:
            region = self._tool.at(place.x(), place.y())
            if region is not None:
                self.region_drawn.emit(region)
        elif self._drag is not None:
            self._center -= (point - self._drag) / self.scale
            self._drag, self.fits = point, False
            self._keep_in_sight()
            self._changed()
        else:
            self._choose_cursor(point, place)
        if self.size_ is not None:
            self.hovered.emit(math.floor(place.x()), math.floor(place.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._drag, self._tool, self._divides = None, None, False
        self._choose_cursor(event.position(), self.to_picture(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Between fit and 100 %, at the pointer."""
        if self.draws_region:
            return
        self.zoom_to(1.0, event.position()) if self.fits else self.fit()

    def event(self, event: QEvent) -> bool:
        """While a region is drawn the arrow keys are its own, whatever they are shortcuts for elsewhere."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in ARROWS:
            event.setAccepted(self.draws_region)
            return True
        return super().event(event)

    def divide(self, share: float) -> None:
        """Put the divider of the split here, 0 to 1 of the width."""
        self.split = min(max(share, 0.02), 0.98)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pans while it is held; arrows move the region that is drawn, with Ctrl they resize it."""
        visible = self.visible()
        if self.draws_region and event.key() in ARROWS and visible is not None and self.size_ is not None:
            self.region_drawn.emit(keyed(event, self.region, visible, self.size_))
        elif event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """No longer."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self.unsetCursor()
        else:
            super().keyReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer is elsewhere."""
        self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A fitted picture stays fitted."""
        if self.fits:
            self.fit()

    def _on_divider(self, point: QPointF) -> bool:
        return self.split is not None and abs(point.x() - self.split * self.width()) <= 6

    def _choose_cursor(self, point: QPointF, place: QPointF) -> None:
        if self._on_divider(point):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self.draws_region:
            self.setCursor(CURSORS[grip_at(place.x(), place.y(), self.region, 7 / self.scale)])
        else:
            self.unsetCursor()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """All of it, as `picture_painting` has it."""
        painter = QPainter(self)
        paint(self, painter)
        painter.end()
        self.painted.emit()

    def on_widget(self, rect: QRectF) -> QRectF:
        """A part of the picture, on the widget."""
        return QRectF(self.to_widget(rect.left(), rect.top()), self.to_widget(rect.right(), rect.bottom()))
