"""The question how a headerless dump is laid out, with a picture of the answer that follows every change.

The picture is made in a thread of the dialog's own; the one before stays, dimmed, until it is there or can't be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from driftlab.errors import DriftlabError
from driftlab.gui import theme
from driftlab.gui.problem import Problem
from driftlab.gui.widgets.thumbnail import Thumbnail
from driftlab.gui.worker import Worker

if TYPE_CHECKING:
    from driftlab.raw.description import Description

__all__ = ["Dump", "DumpDialog"]

#: How long after the last change the picture is made anew, in ms.
PAUSE: Final = 150
#: Samples of the picture at the most.
BUDGET: Final = 250_000
ARRAYS: Final = ("RGGB", "BGGR", "GRBG", "GBRG", "mono", "xtrans", "quad-RGGB", "quad-BGGR", "quad-GRBG", "quad-GBRG")
PACKINGS: Final = ("plain", "mipi10", "mipi12", "mipi14")


@dataclass(frozen=True)
class Dump:
    """A file that does not say how it is laid out: what it may be, and why it was not read."""

    path: Path
    size: int
    guess: Description
    sentence: str


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture of a description: display RGB, and the lowest and highest DN."""

    description: Description
    image: QImage
    span: tuple[int, int]


class DumpDialog(QDialog):
    """Asks, and tells once it has been answered."""

    described = Signal(object, object, bool)  # path, Description, whether to remember it

    def __init__(self, parent: QWidget | None, dump: Dump) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"How is {dump.path.name} laid out?")
        self.dump = dump
        self.shown: Shown | None = None
        self._worker = Worker(("picture",), "dump")
        self._worker.setParent(self)
        self._worker.delivered.connect(self._take)
        self._worker.failed.connect(self._fail)
        self._later = QTimer(self, singleShot=True, interval=PAUSE)
        self._later.timeout.connect(self._draw)
        self.width_, self.height_, self.bits, self.header = (_number(*span) for span in _SPANS)
        self.packing, self.endian, self.array = _choice(PACKINGS), _choice(("little", "big")), _choice(ARRAYS)
        self.array.setEditable(True)
        self.black, self.white = QLineEdit(), QLineEdit()
        self.thumbnail = Thumbnail("Picture of the description")
        self.sentence = QLabel()
        self.remember = QCheckBox(f"Remember beside the file, as {dump.path.name}.json")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self._lay_out()
        self._fill(dump.guess)
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for label, widget, about in (
            ("Width", self.width_, "Samples in a row"),
            ("Height", self.height_, "Rows of samples"),
            ("Bits", self.bits, "Depth of a sample; up to 8 are in one byte, more in two"),
            ("Packing", self.packing, "plain: one or two bytes a sample; mipi: low bits gathered, as CSI-2 sends them"),
            ("Byte order", self.endian, "Which byte of two comes first: little is what PCs write"),
            ("Header", self.header, "Bytes before the first sample"),
            ("Color filters", self.array, "From the top left sample; also rows such as RG/GB"),
            ("Black level", self.black, "The DN of no light: one number, or four (r, g1, g2, b) with commas between"),
            ("White level", self.white, "The DN at which the sensor saturates; empty: the highest of its bits"),
        ):
            form.addRow(label, widget)
            widget.setToolTip(about)
            widget.setAccessibleName(label)
            form.labelForField(widget).setToolTip(about)
        self.header.setSuffix(" bytes")
        self.white.setPlaceholderText("highest of its bits")
        line, ground = theme.color("line").name(), theme.color("base").name()
        for edit in (self.black, self.white):  # in the window a value has no frame before it is touched
            edit.setStyleSheet(f"QLineEdit {{ border: 1px solid {line}; background: {ground}; }}")
        said = QLabel(f"<b>{self.dump.path.name}</b> ({self.dump.size:,} bytes) does not say how it is laid out.")
        said.setWordWrap(True)
        self.sentence.setWordWrap(True)
        self.sentence.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        left, right, both, column = QVBoxLayout(), QVBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        left.addLayout(form)
        left.addStretch(1)
        right.addWidget(self.thumbnail, stretch=1)
        right.addWidget(self.sentence)
        both.setSpacing(16)
        both.addLayout(left)
        both.addLayout(right, stretch=1)
        column.setSpacing(12)
        column.addWidget(said)
        column.addLayout(both, stretch=1)
        column.addWidget(self.remember)
        column.addWidget(self.buttons)
        self._open = self.buttons.button(QDialogButtonBox.StandardButton.Open)

    def _fill(self, guess: Description) -> None:
        self.width_.setValue(guess.width or 1)
        self.height_.setValue(guess.height or 1)
        self.bits.setValue(guess.bits or 16)
        self.header.setValue(guess.header or 0)
        self.packing.setCurrentText(guess.packing or PACKINGS[0])
        self.endian.setCurrentText(guess.endian or "little")
        self.array.setCurrentText(guess.cfa or ARRAYS[0])
        self.black.setText(", ".join(f"{value:g}" for value in guess.black or (0.0,)))
        self.white.setText("" if guess.white is None else f"{guess.white:g}")

    def _connect(self) -> None:
        for box in (self.width_, self.height_, self.bits, self.header):
            box.valueChanged.connect(self._change)
        for choice in (self.packing, self.endian, self.array):
            choice.currentTextChanged.connect(self._change)
        for edit in (self.black, self.white):
            edit.textChanged.connect(self._change)
        self.packing.currentTextChanged.connect(self._fit_bits)
        self.buttons.accepted.connect(self._answer)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(lambda _: self._worker.close())

    def description(self) -> Description:
        """What the fields say. Raises RawError, one sentence, where it cannot be."""
        from driftlab.raw.description import Description
        from driftlab.raw.frame import RawError

        def levels(edit: QLineEdit, name: str) -> tuple[float, ...]:
            try:
                return tuple(float(part) for part in edit.text().split(","))
            except ValueError:
                raise RawError(f"'{edit.text()}' is no {name}: type a number of DN.") from None

        bits = self.bits.value()
        white = levels(self.white, "white level")[0] if self.white.text().strip() else float(2**bits - 1)
        return Description(
            width=self.width_.value(),
            height=self.height_.value(),
            bits=bits,
            packing=self.packing.currentText(),
            endian=self.endian.currentText(),
            header=self.header.value(),
            cfa=self.array.currentText().strip(),
            black=levels(self.black, "black level"),
            white=white,
        )

    def _fit_bits(self, packing: str) -> None:
        if packing != PACKINGS[0]:
            self.bits.setValue(int(packing.removeprefix("mipi")))

    def _change(self, *_: object) -> None:
        self._worker.cancel("picture")
        self._open.setEnabled(False)
        self.thumbnail.show_stale()
        self._later.start()

    def _draw(self) -> None:
        self._open.setEnabled(False)
        try:
            self._worker.submit("picture", partial(_pictured, self.dump.path, self.description()))
        except DriftlabError as error:
            self._say(error)

    def _take(self, kind: str, generation: int, item: Any) -> None:
        if item is None or not self._worker.is_newest(kind, generation):
            return
        self.shown = item
        self.thumbnail.show_image(item.image)
        said, (low, high) = item.description, item.span
        self.sentence.setText(f"{said.width} × {said.height} samples, from {low} to {high} DN.")
        self._open.setEnabled(True)

    def _fail(self, kind: str, generation: int, error: Exception) -> None:
        if self._worker.is_newest(kind, generation):
            self._say(error)

    def _say(self, error: Exception) -> None:
        self.thumbnail.show_stale()
        # Its words are those of the command line; here they are names of fields.
        self.sentence.setText(re.sub(r"--(\w+)", r"\1", Problem.of(error).sentence))

    def _answer(self) -> None:
        if self.shown is not None and self._open.isEnabled():
            self.described.emit(self.dump.path, self.shown.description, self.remember.isChecked())
            self.accept()


#: The spans of width, height, bits and header.
_SPANS: Final = ((1, 1 << 20), (1, 1 << 20), (1, 16), (0, 1 << 30))


def _number(low: int, high: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setKeyboardTracking(True)
    return box


def _choice(options: tuple[str, ...]) -> QComboBox:
    box = QComboBox()
    box.addItems(options)
    return box


def _pictured(path: Path, description: Description) -> Iterator[Shown | None]:
    """The dump as described, developed as shot, small. Runs in the dialog's thread."""
    from driftlab.isp.develop import develop
    from driftlab.isp.draft import draft_frame, draft_side
    from driftlab.isp.pipeline import CAMERA
    from driftlab.raw.load import load_raw

    frame = load_raw(path, description=description)
    yield None  # it may be of a description that is no more
    small = draft_frame(frame, draft_side(frame, frame.mosaic.size, BUDGET))
    yield None
    pixels = develop(small, CAMERA.settings(frame), bits=8).transpose(1, 2, 0).copy()
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()
    yield Shown(description, image, (int(frame.mosaic.min()), int(frame.mosaic.max())))
