"""Color temperature and tint: a second way to the gains of white balance, above them.

The gains are what is set; these two rows show the light that they make neutral, and turn another light into gains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from driftlab.gui.widgets.param_row import ParamRow

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings
    from driftlab.raw.frame import RawFrame

__all__ = ["TemperatureRows"]

GAINS: Final = ("white_balance.r", "white_balance.g", "white_balance.b")
#: How `raw.color.IDENTITY` begins to say that a frame has no matrix.
NO_MATRIX: Final = "none known"
Gains = tuple[float, float, float]


class TemperatureRows(QWidget):
    """Two sliders, for the light of one frame."""

    edited = Signal(dict, str)  # changes by key, and what the edit is called
    drag_began = Signal()
    drag_over = Signal()
    reset_asked = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.rows = {row.key: row for row in _rows()}
        self._frame: RawFrame | None = None
        self._shown: tuple[RawFrame | None, Gains, Gains] | None = None
        self._gains: Gains = (1.0, 1.0, 1.0)
        self._light = (0.0, 0.0)
        self._tips = {key: row.track.toolTip() for key, row in self.rows.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        for row in self.rows.values():
            row.edited.connect(self._edit)
            row.drag_began.connect(self.drag_began)
            row.drag_over.connect(self.drag_over)
            row.reset_asked.connect(lambda _: self.reset_asked.emit([*GAINS]))
            column.addWidget(row)

    def show_settings(self, frame: RawFrame, settings: Settings, nominal: Settings) -> None:
        """The light of the gains in force, or why it can't be told."""
        now, then = (
            (each.number(GAINS[0]), each.number(GAINS[1]), each.number(GAINS[2])) for each in (settings, nominal)
        )
        if self._shown is not None and self._shown[0] is frame and self._shown[1:] == (now, then):
            return
        self._shown, self._frame, self._gains = (frame, now, then), frame, now
        reason = _impossible(frame, now)
        for key, row in self.rows.items():
            for widget in (row.label, row.track, row.edit):
                widget.setToolTip(f"{self._tips[key]}<br><br>{reason or _rests_on(frame)}")
        self.setEnabled(not reason)
        if reason:
            return
        from driftlab.isp.temperature import temperature_of

        self._light = temperature_of(now, frame)
        nominal_light = self._light if _impossible(frame, then) or then == now else temperature_of(then, frame)
        for row, value, reference in zip(self.rows.values(), self._light, nominal_light, strict=True):
            row.show_value(value, reference)

    def forget(self) -> None:
        """What is shown may not be what is: an edit was refused."""
        self._shown = None
        for row in self.rows.values():
            row.forget()

    def _edit(self, key: str, value: float) -> None:
        from driftlab.isp.stage import IspError
        from driftlab.isp.temperature import gains_at

        if self._frame is None:
            return
        kelvin, tint = (value, self._light[1]) if key == "temperature" else (self._light[0], value)
        try:
            gains = gains_at(kelvin, tint, self._frame)
        except IspError as error:  # the light of an extreme; the gains stay at the last one that is possible
            self.rows[key].edit.setToolTip(str(error))
            return
        # As bright as before: the gains of a light are known up to a factor.
        changes = {each: gain * self._gains[1] for each, gain in zip(GAINS, gains, strict=True)}
        self.edited.emit(changes, self.rows[key].param.label)


def _rows() -> tuple[ParamRow, ParamRow]:
    from driftlab.isp.stage import Param
    from driftlab.isp.temperature import COOLEST, WARMEST

    about = "Sets the three gains; the gains move it. On the command line: --temperature and --tint."
    kelvin = Param(
        "temperature",
        "Temperature",
        default=6504.0,
        low=2000.0,
        high=12000.0,
        hard=(WARMEST, COOLEST),
        unit="K",
        log=True,
        help=f"Color temperature of the light that the gains make neutral; the higher, the warmer the picture. {about}",
    )
    tint = Param(
        "tint",
        "Tint",
        default=0.0,
        low=-60.0,
        high=60.0,
        hard=(-150.0, 150.0),
        help=f"How far that light is off the colors of glowing bodies; above 0 it is greener, and the picture less so. "
        f"{about}",
    )
    return ParamRow("temperature", kelvin), ParamRow("tint", tint)


def _impossible(frame: RawFrame, gains: Gains) -> str:
    """Why these gains have no temperature, in a sentence; nothing where they have one."""
    if frame.cfa.kind == "mono":
        return "Not here: a monochrome sensor sees no colors."
    if frame.matrix.source.startswith(NO_MATRIX):
        return (
            "Not here: this frame has no color matrix, without which nobody can tell what light its gains are for. "
            "The gains themselves can be set all the same."
        )
    if min(gains) <= 0:
        return "Not here: no light has a gain that is not above zero."
    return ""


def _rests_on(frame: RawFrame) -> str:
    """What the temperature is right by."""
    daylight = (
        "the gains of daylight"
        if frame.daylight_gains is not None
        else "the as-shot gains, which stand in for those of daylight: right only as far as it was shot in daylight"
    )
    return f"It rests on the color matrix ({frame.matrix.source}) and {daylight}."
