"""What a line of the table of actions is made of, and the conditions under which actions are possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from driftlab.gui.main_window import MainWindow

__all__ = [
    "ALWAYS",
    "FRAME",
    "FRAMES",
    "FRAME_AND_MODEL",
    "MASK",
    "OUTPUT",
    "REDO",
    "REGION",
    "SEGMENTATION",
    "SPLIT",
    "UNDO",
    "Action",
    "Condition",
]


@dataclass(frozen=True)
class Condition:
    """When an action is possible, and the words that follow "not now: " while it is not."""

    holds: Callable[[MainWindow], bool]
    reason: str = ""


ALWAYS: Final = Condition(lambda w: True)
FRAME: Final = Condition(lambda w: w.document.frame is not None, "open a frame first")
FRAMES: Final = Condition(lambda w: len(w.document.entries) > 1, "open several frames first")
FRAME_AND_MODEL: Final = Condition(
    lambda w: w.document.frame is not None and w.document.model is not None, "open a frame and choose a model first"
)
UNDO: Final = Condition(
    lambda w: w.document.history is not None and w.document.history.undoes is not None, "nothing has been changed"
)
REDO: Final = Condition(
    lambda w: w.document.history is not None and w.document.history.redoes is not None, "nothing has been taken back"
)
OUTPUT: Final = Condition(lambda w: w.outputs.stage is not None, "the picture is shown, no stage's output")
SEGMENTATION: Final = Condition(
    lambda w: w.document.frame is not None and w.document.model is not None and w.document.model.task == "segmentation",
    "open a frame and choose a model for segmentation first",
)
MASK: Final = Condition(lambda w: w.document.mask is not None, "no mask has been opened")
SPLIT: Final = Condition(lambda w: w.preview.view.split is not None, "the picture is not split")
REGION: Final = Condition(lambda w: w.document.region is not None, "the model is given the whole picture")


@dataclass(frozen=True)
class Action:
    """One line of the table. `run` is handed the window, and for a checkable action whether it is now checked."""

    name: str
    menu: str
    text: str
    run: Callable[..., object]
    keys: tuple[str, ...] = ()
    icon: str = ""
    help: str = ""
    when: Condition = ALWAYS
    checkable: bool = False
    checked: bool = False
    #: Its word in the toolbar, where it is there; whether its icon is enough there; and whether a line goes before it,
    #: in menu and toolbar.
    tool: str = ""
    wordless: bool = False
    apart: bool = False
