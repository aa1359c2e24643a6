"""One parameter: label, track, value. The view of one key; it knows no stage and changes nothing by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget
from superqt import QElidingLabel

from driftlab.gui.numbers import decimals, plain
from driftlab.gui.widgets.band import Band
from driftlab.gui.widgets.track import Track
from driftlab.gui.widgets.value_edit import ValueEdit

if TYPE_CHECKING:
    from driftlab.isp.stage import Param

__all__ = ["LABEL", "Label", "ParamRow"]

#: Width of the labels, so that all tracks begin in one line.
LABEL = 92


class Label(QElidingLabel):
    """A label that resets on a double click."""

    reset_asked = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to nominal."""
        self.reset_asked.emit()


class ParamRow(QWidget):
    """The slider of one parameter."""

    edited = Signal(str, float)
    drag_began = Signal()
    drag_over = Signal()
    reset_asked = Signal(str)

    def __init__(self, key: str, param: Param) -> None:
        super().__init__()
        self.key = key
        self._shown: tuple[float, float] | None = None
        self.param = param
        self.label = Label(param.label)
        self.label.setElideMode(Qt.TextElideMode.ElideRight)
        self.label.setFixedWidth(LABEL)
        self.track = Track(param.low, param.high, log=param.log, integer=param.integer)
        places = decimals(param.low, param.high, param.integer)
        self.edit = ValueEdit(param.unit, places, param.hard, integer=param.integer)
        self.edit.fit(param.low, param.high, param.default)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for widget in (self.label, self.track, self.edit):
            line.addWidget(widget, stretch=int(widget is self.track))
        unit = f" {param.unit}" if param.unit else ""
        limits = (
            f"{plain(param.low)} to {plain(param.high)}{unit}; typed, {plain(param.hard[0])} to {plain(param.hard[1])}"
        )
        self._tip = f"<b>{param.label}</b><br>{param.help}<br><br>{limits}<br><code>{key}</code>"
        for widget in (self.label, self.track, self.edit):
            widget.setToolTip(self._tip)
            widget.setAccessibleName(f"{param.label}, {param.unit}" if param.unit else param.label)
            widget.setAccessibleDescription(param.help)
        self.track.moved.connect(self._edit)
        self.edit.typed.connect(self._edit)
        self.edit.stepped.connect(lambda steps: self.track.nudge(steps))
        self.track.drag_began.connect(self.drag_began)
        self.track.drag_over.connect(self.drag_over)
        for source in (self.label.reset_asked, self.track.reset_asked):
            source.connect(lambda: self.reset_asked.emit(key))

    def show_value(self, value: float, nominal: float) -> None:
        """The value in force and the nominal one, without announcing an edit."""
        if (value, nominal) == self._shown:
            return
        self._shown = value, nominal
        self.track.show_value(value, nominal)
        self.edit.show_value(value)
        font = self.label.font()
        if font.bold() != (value != nominal):
            font.setBold(value != nominal)
            self.label.setFont(font)

    def show_band(self, band: Band | None) -> None:
        """The tolerance, on the track and in its tooltip."""
        if band != self.track.band:
            self.track.show_band(band)
            self.track.setToolTip(self._tip + (f"<hr>{band.help}" if band else ""))

    def forget(self) -> None:
        """What is shown may not be what is: an edit was refused."""
        self._shown = None

    def _edit(self, value: float) -> None:
        self.edited.emit(self.key, value)
