"""The weights of a kernel as a small grid of numbers, row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from driftlab.gui.widgets.value_edit import ValueEdit

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings
    from driftlab.isp.stage import Param

__all__ = ["WeightsGrid"]


class WeightsGrid(QWidget):
    """A square of values to type."""

    edited = Signal(str, object)

    def __init__(self, stage: str, params: Sequence[Param]) -> None:
        super().__init__()
        self._params = tuple(params)
        self.edits: dict[str, ValueEdit] = {}
        self._shown: dict[str, tuple[Any, Any]] = {}
        side = math.isqrt(len(params))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setSpacing(2)
        for number, param in enumerate(params):
            key = f"{stage}.{param.name}"
            edit = ValueEdit("", 3, param.hard)
            edit.setMinimumWidth(36)
            edit.compact()
            edit.setAccessibleName(param.label)
            edit.setToolTip(f"<b>{param.label}</b><br>{param.help}<br><br><code>{key}</code>")
            edit.typed.connect(partial(self.edited.emit, key))
            grid.addWidget(edit, *divmod(number, side))
            self.edits[key] = edit

    def active(self, chosen: Mapping[str, Any]) -> bool:
        """Whether the weights have an effect under these choices of the stage."""
        return any(param.active(chosen) for param in self._params)

    def show_settings(self, settings: Settings, nominal: Settings) -> None:
        """The weights in force."""
        for key, edit in self.edits.items():
            if (settings[key], nominal[key]) == self._shown.get(key):
                continue
            self._shown[key] = settings[key], nominal[key]
            edit.show_value(settings.number(key))
            font = edit.font()
            font.setBold(settings[key] != nominal[key])
            edit.setFont(font)
