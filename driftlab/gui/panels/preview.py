"""The preview: asks for pictures as the document changes, and lays what the model sees over them.

A draft while a slider is dragged, the exact picture after it; the old picture stays until the new one is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, QTimer, Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from driftlab.gui.class_colors import colored_mask
from driftlab.gui.computing import Answer, Computing, is_segmentation
from driftlab.gui.document import Document
from driftlab.gui.preview_source import Picture, PreviewSource, Readout
from driftlab.gui.reference import reference_for
from driftlab.gui.widgets.drop_area import DropArea
from driftlab.gui.widgets.model_inset import ModelInset
from driftlab.gui.widgets.picture_view import PictureView

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings

__all__ = ["PreviewPanel"]

#: How long after the last of several edits the exact picture is drawn, in ms.
PAUSE: Final = 120


class PreviewPanel(QWidget):
    """The canvas, or what invites to fill it."""

    pictured = Signal(object)
    readout_changed = Signal(object)

    def __init__(self, document: Document, source: PreviewSource, computing: Computing) -> None:
        super().__init__()
        self._document, self._source, self._computing = document, source, computing
        self.view = PictureView()
        self.drop_area = DropArea()
        self.inset = ModelInset(self.view)
        self._shows_mask = True
        self._pointer: tuple[int, int] | None = None  # the pixel below it
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.drop_area)
        self._stack.addWidget(self.view)
        self._later = QTimer(self, singleShot=True, interval=PAUSE)
        self._later.timeout.connect(self._draw_exact)
        document.settings_changed.connect(self._change)
        document.frame_changed.connect(self._show_frame)
        document.nominal_changed.connect(self._draw_nominal)
        document.region_changed.connect(self._show_region)
        document.drag_ended.connect(self._draw_exact)
        document.model_changed.connect(lambda: self._show_answer(None))
        computing.answer_changed.connect(self._show_answer)
        computing.answer_changed.connect(lambda _: self._show_mask())
        computing.nominal_changed.connect(lambda _: self._show_mask())
        computing.staled.connect(self._dim_mask)
        document.mask_changed.connect(lambda _: self._show_mask())
        document.frame_changed.connect(self._show_mask)
        document.model_changed.connect(lambda _: self._show_mask())
        computing.staled.connect(self.inset.show_stale)
        source.pictured.connect(self._take)
        source.nominal_pictured.connect(self._take_nominal)
        source.read.connect(self._take_readout)
        self.view.hovered.connect(self._hover)
        self.view.left.connect(self._leave)
        self.view.region_drawn.connect(document.set_region)

    @property
    def current(self) -> bool:
        """Whether the picture on the screen is the exact one."""
        shown, document = self.view.exact, self._document
        return document.frame is None or (
            shown is not None
            and self.view.draft is None
            and shown.frame is document.frame
            and shown.settings == document.settings
            and not self._later.isActive()
        )

    def hold_nominal(self, held: bool) -> None:
        """Show the picture at the nominal settings for as long as this is true."""
        self.view.holds_nominal = held
        self._draw_nominal()
        self.view.update()
        if self._pointer is not None:
            self._hover(*self._pointer)

    def split(self, on: bool) -> None:
        """Nominal to the left of a divider, now to the right."""
        self.view.split = 0.5 if on else None
        self._draw_nominal()
        self.view.update()

    def draw_region(self, on: bool) -> None:
        """Whether the pointer draws the region that the model is given, or pans."""
        self.view.draws_region = on
        if on:
            self.view.setFocus()  # arrow keys draw it too
        self.view.update()

    def show_inset(self, on: bool) -> None:
        """Whether what the model sees is shown in a corner."""
        self.inset.wanted = on
        self.inset.settle()

    def show_mask(self, on: bool) -> None:
        """Whether the mask of a segmentation lies over the picture."""
        self._shows_mask = on
        self._show_mask()

    def redraw(self) -> None:
        """Draw anew what is shown, with another engine for instance."""
        self._draw_exact()

    def _show_frame(self) -> None:
        self._stack.setCurrentWidget(self.view)
        self.view.setFocus()
        self._later.stop()

    def _change(self, settings: Settings) -> None:
        frame, visible = self._document.frame, self.view.visible()
        if frame is None:
            return
        first = self.view.exact is None or self.view.exact.frame is not frame or visible is None
        if first:
            self._draw_exact()
            return
        assert visible is not None
        self._source.draft(frame, settings, visible)
        if self._document.dragging:
            self._later.stop()
        else:
            self._later.start()

    def _draw_exact(self) -> None:
        self._later.stop()
        frame, settings = self._document.frame, self._document.settings
        if frame is not None and settings is not None and not self._document.dragging:
            self._source.exact(frame, settings)

    def _draw_nominal(self) -> None:
        frame, nominal, shown = self._document.frame, self._document.nominal, self.view.nominal
        if frame is None or nominal is None or not (self.view.holds_nominal or self.view.split is not None):
            return
        if shown is None or shown.frame is not frame or shown.settings != nominal:
            self._source.nominal(frame, nominal)

    def _take(self, picture: Picture) -> None:
        if picture.frame is self._document.frame:
            self.view.show_picture(picture)
            self.pictured.emit(picture)
            if self.view.nominal is not None and self.view.nominal.frame is not picture.frame:
                self.view.show_nominal(None)
            self._draw_nominal()
            if self._pointer is not None:
                self._hover(*self._pointer)

    def _take_nominal(self, picture: Picture) -> None:
        if picture.frame is self._document.frame and picture.settings == self._document.nominal:
            self.view.show_nominal(picture)
            if self._pointer is not None:
                self._hover(*self._pointer)

    def _leave(self) -> None:
        self._pointer = None
        self.readout_changed.emit(None)

    def _hover(self, x: int, y: int) -> None:
        """Ask for the values of what is shown there: the nominal picture's, or the one's in force."""
        self._pointer = x, y
        frame, settings, shown = self._document.frame, self._document.settings, self.view.nominal
        if frame is None or settings is None or self.view.size_ is None or self._document.dragging:
            return  # a drag's end brings a picture, and that the values
        if shown is not None and shown.frame is frame and self.view.shows_nominal_at(x):
            height, width = self.view.size_
            x, y = x * shown.size[1] // width, y * shown.size[0] // height
            self._source.readout(frame, shown.settings, x, y, nominal=True)
        else:
            output = self.view.output
            self._source.readout(frame, settings, x, y, output.stage if output is not None else None)

    def _take_readout(self, readout: Readout) -> None:
        if self._pointer is not None:
            self.readout_changed.emit(readout)

    def _show_region(self, region: object) -> None:
        self.view.region = self._document.region
        self.view.boxes = ()
        self.view.update()

    def _show_answer(self, answer: Answer | None) -> None:
        self.inset.show_answer(answer, self._computing.current)
        boxes: tuple[QRectF, ...] = ()
        if answer is not None and not answer.question.draft and answer.question.region == self._document.region:
            region = self._document.region
            x, y = (region.left, region.top) if region else (0, 0)
            boxes = tuple(QRectF(x + box.x, y + box.y, box.width, box.height) for box in answer.boxes)
            if len(boxes) == 1 and self._covers(boxes[0]):
                boxes = ()
        if boxes != self.view.boxes:
            self.view.boxes = boxes
            self.view.update()

    def _show_mask(self) -> None:
        answer, frame = self._computing.answer, self._document.frame
        self.view.classes = None
        if self._shows_mask and answer is not None and answer.question.frame is frame:
            prediction = answer.prediction
            if is_segmentation(prediction):
                reference = reference_for(answer, self._computing.nominal, self._document.mask).mask
                other = None if reference is None else reference.numpy()
                image = colored_mask(prediction.mask.numpy(), other, prediction.labels)
                self.view.classes = image, _place(answer)
        self.view.classes_stale = answer is not None and not self._computing.current and not answer.question.draft
        self.view.update()

    def _dim_mask(self) -> None:
        if self.view.classes is not None and not self._document.dragging:
            self.view.classes_stale = True
            self.view.update()

    def _covers(self, box: QRectF) -> bool:
        """Whether a frame of the model is all of what it is given: then there is nothing to draw."""
        region, size = self._document.region, self.view.size_
        if region is not None:
            whole = QRectF(region.left, region.top, region.width, region.height)
        elif size is not None:
            whole = QRectF(0, 0, size[1], size[0])
        else:
            return True
        return box.adjusted(-1, -1, 1, 1).contains(whole)

    def show_overlay(self, image: QImage | None, rect: QRectF | None) -> None:
        """Something half transparent over a part of the picture, or nothing."""
        self.view.overlay = None if image is None or rect is None else (image, rect)
        self.view.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The inset keeps to its corner."""
        super().resizeEvent(event)
        self.inset.settle()


def _place(answer: Answer) -> QRectF:
    """Where in the picture an answer is of."""
    from driftlab.isp.develop import picture_size

    question = answer.question
    if question.region is not None:
        return QRectF(question.region.left, question.region.top, question.region.width, question.region.height)
    height, width = picture_size(question.frame, question.settings)
    return QRectF(0, 0, width, height)
