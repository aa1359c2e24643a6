"""One stage of the data model: a header with its switch, its choices, its parameters. Knows no particular stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from driftlab.gui.widgets.param_row import LABEL, ParamRow
from driftlab.gui.widgets.weights_grid import WeightsGrid

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings
    from driftlab.isp.stage import Choice, Stage, Value

__all__ = ["StageGroup", "Steady"]


class Steady(QComboBox):
    """A combo box that lets the wheel scroll the panel, unless it has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(8)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class StageGroup(QWidget):
    """The controls of one stage."""

    edited = Signal(str, object)
    drag_began = Signal()
    drag_over = Signal()
    reset_asked = Signal(list)
    opened = Signal(str, bool)

    def __init__(self, stage: Stage, is_open: bool) -> None:
        super().__init__()
        self.stage = stage
        self.switch = QCheckBox()
        self.arrow = QToolButton()
        self.title = QLabel(stage.title)
        self.brief = QLabel()
        self.reset = QToolButton()
        self.choices: dict[str, Steady] = {}
        self.rows: dict[str, ParamRow] = {}
        self.grid: WeightsGrid | None = None
        self._choice_rows: dict[str, QWidget] = {}
        self._shown: list[tuple[Value, Value]] = []
        self._body = QWidget()
        self._make_header()
        self._make_body()
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 8, 2)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._body)
        self.set_open(is_open)

    def _make_header(self) -> None:
        self._header = QWidget()
        self.arrow.setAutoRaise(True)
        self.arrow.setAccessibleName(f"Show the parameters of {self.stage.title}")
        self.arrow.clicked.connect(lambda: self.set_open(self._body.isHidden()))
        self.switch.setAccessibleName(f"{self.stage.title} on")
        self.switch.setEnabled(self.stage.off is not None)
        self.switch.setToolTip(
            f"Switch {self.stage.title.lower()} on or off"
            if self.stage.off is not None
            else f"{self.stage.title} can't be switched off: the next stage needs what it writes"
        )
        self.switch.toggled.connect(lambda on: self.edited.emit(f"{self.stage.name}.on", on))
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.title.setToolTip(f"<b>{self.stage.title}</b><br>{self.stage.help}<br><br>{_gradient(self.stage)}")
        self.brief.setForegroundRole(self.brief.foregroundRole())
        self.reset.setText("●")
        self.reset.setObjectName("changed")  # the theme's accent
        self.reset.setAutoRaise(True)
        self.reset.setToolTip("Changed: click to set the stage back to nominal")
        self.reset.setAccessibleName(f"Reset {self.stage.title}")
        self.reset.clicked.connect(lambda: self.reset_asked.emit([*self.stage.keys]))
        line = QHBoxLayout(self._header)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for widget in (self.arrow, self.switch, self.title):
            line.addWidget(widget)
        line.addWidget(self.brief, stretch=1)
        line.addWidget(self.reset)

    def _make_body(self) -> None:
        column = self._column = QVBoxLayout(self._body)
        column.setContentsMargins(24, 0, 0, 6)
        column.setSpacing(1)
        for choice in self.stage.choices:
            column.addWidget(self._choice_row(choice))
        weights = [param for param in self.stage.params if param.advanced]
        for param in self.stage.params:
            if param.advanced:
                continue
            row = ParamRow(f"{self.stage.name}.{param.name}", param)
            row.edited.connect(self.edited.emit)
            row.drag_began.connect(self.drag_began)
            row.drag_over.connect(self.drag_over)
            row.reset_asked.connect(lambda key: self.reset_asked.emit([key]))
            self.rows[row.key] = row
            column.addWidget(row)
        if weights:
            self.grid = WeightsGrid(self.stage.name, weights)
            self.grid.edited.connect(self.edited.emit)
            column.addWidget(self.grid)

    def _choice_row(self, choice: Choice) -> QWidget:
        row, label, box = QWidget(), QLabel(choice.label), Steady()
        label.setFixedWidth(LABEL)
        box.addItems(choice.options)
        box.setAccessibleName(f"{self.stage.title}: {choice.label}")
        key = f"{self.stage.name}.{choice.name}"
        for widget in (label, box):
            widget.setToolTip(f"<b>{choice.label}</b><br>{choice.help}<br><br><code>{key}</code>")
        box.currentTextChanged.connect(lambda text: self.edited.emit(key, text))
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 2, 0, 2)
        line.setSpacing(4)
        line.addWidget(label)
        line.addWidget(box, stretch=1)
        self.choices[key] = box
        self._choice_rows[key] = row
        return row

    def add_above(self, widget: QWidget) -> None:
        """Another way to the parameters, above their rows."""
        self._column.insertWidget(len(self.choices), widget)

    def set_open(self, is_open: bool) -> None:
        """Show or hide what is below the header."""
        has_body = bool(self.stage.params or self.stage.choices)
        self._body.setVisible(is_open and has_body)
        self.arrow.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.arrow.setEnabled(has_body)
        self.opened.emit(self.stage.name, is_open)

    def show_settings(self, settings: Settings, nominal: Settings) -> None:
        """Everything as in `settings`, without announcing an edit."""
        name = self.stage.name
        shown = [(settings[key], nominal[key]) for key in self.stage.keys]
        if shown == self._shown:
            return
        self._shown = shown
        on = bool(settings[f"{name}.on"])
        with signals_blocked(self.switch):
            self.switch.setChecked(on)
        for key, box in self.choices.items():
            with signals_blocked(box):
                box.setCurrentText(str(settings[key]))
        chosen = {choice.name: settings[f"{name}.{choice.name}"] for choice in self.stage.choices}
        for key, row in self.rows.items():
            row.show_value(settings.number(key), nominal.number(key))
            row.setVisible(row.param.active(chosen))
        if self.grid is not None:
            self.grid.show_settings(settings, nominal)
            self.grid.setVisible(self.grid.active(chosen))
        self._body.setEnabled(on)
        changed = any(settings[key] != nominal[key] for key in self.stage.keys)
        self.reset.setVisible(changed)
        self.brief.setText("" if len(chosen) != 1 else f"{next(iter(chosen.values()))}")
        self.brief.setEnabled(False)

    def forget(self) -> None:
        """What is shown may not be what is: an edit was refused."""
        self._shown = []
        for row in self.rows.values():
            row.forget()

    def show_sensitivities(self, shares: dict[str, float] | None) -> None:
        """The thin bars: each key's share of the strongest sensitivity, or None where they are not known."""
        for key, row in self.rows.items():
            row.track.show_sensitivity(None if shares is None else shares.get(key))


def _gradient(stage: Stage) -> str:
    return {
        "exact": "Its derivatives are exact.",
        "surrogate": "Where it has steps, its derivatives are useful stand-ins.",
        "none": "It has no derivatives.",
    }[stage.gradient]
