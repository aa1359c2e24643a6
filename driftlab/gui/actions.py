"""Every action of the window, once: its menu, its words, its keys, its icon, when it may be, and what it does.

Menus, toolbar, shortcuts and tests are made from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from driftlab.gui.main_window import MainWindow

__all__ = ["ACTIONS", "Action"]

When = Callable[["MainWindow"], bool]


def _always(window: MainWindow) -> bool:
    return True


def _frame(window: MainWindow) -> bool:
    return window.document.frame is not None


def _frames(window: MainWindow) -> bool:
    return len(window.document.entries) > 1


def _both(window: MainWindow) -> bool:
    return window.document.frame is not None and window.document.model is not None


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
    when: When = _always
    checkable: bool = False
    checked: bool = False
    #: Its word in the toolbar, where it is there; and whether a line goes before it, in menu and toolbar.
    tool: str = ""
    apart: bool = False


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "open",
        "File",
        "Open …",
        lambda w: w.ask_for_files(),
        ("Ctrl+O",),
        "open",
        "Open camera files or pictures",
        tool="Open",
    ),
    Action(
        "open_folder",
        "File",
        "Open a folder …",
        lambda w: w.ask_for_folder(),
        ("Ctrl+Shift+O",),
        help="Open all frames of a folder",
    ),
    Action(
        "open_model",
        "File",
        "Choose a model …",
        lambda w: w.ask_for_model(),
        ("Ctrl+M",),
        "model",
        "Choose the task model",
        tool="Model",
    ),
    Action(
        "sample",
        "File",
        "Open the sample",
        lambda w: w.opening.open_sample(),
        (),
        "sample",
        "The bundled example: forty simulated frames and a network",
        tool="Sample",
    ),
    Action(
        "open_settings",
        "File",
        "Open settings …",
        lambda w: w.ask_for_settings(),
        (),
        help="Lay the settings of a JSON file over these",
        when=_frame,
        apart=True,
    ),
    Action(
        "save_settings",
        "File",
        "Save settings …",
        lambda w: w.ask_where_to_save_settings(),
        ("Ctrl+S",),
        help="Write the settings as JSON",
        when=_frame,
    ),
    Action(
        "save_picture",
        "File",
        "Save picture …",
        lambda w: w.ask_where_to_save_picture(),
        ("Ctrl+E",),
        help="Write the exact picture: PNG, TIFF with 16 bits, or NPY",
        when=_frame,
    ),
    Action("quit", "File", "Quit", lambda w: w.close(), ("Ctrl+Q",), apart=True),
    Action(
        "undo",
        "Edit",
        "Undo",
        lambda w: w.document.undo(),
        ("Ctrl+Z",),
        "undo",
        "Take the last step back",
        when=lambda w: w.document.history is not None and w.document.history.undoes is not None,
        tool="Undo",
        apart=True,
    ),
    Action(
        "redo",
        "Edit",
        "Redo",
        lambda w: w.document.redo(),
        ("Ctrl+Shift+Z", "Ctrl+Y"),
        "redo",
        "Bring it back",
        when=lambda w: w.document.history is not None and w.document.history.redoes is not None,
        tool="Redo",
    ),
    Action(
        "reset",
        "Edit",
        "Reset all to nominal",
        lambda w: w.document.reset(),
        ("Ctrl+0",),
        help="All settings as nominal",
        when=_frame,
    ),
    Action(
        "copy_settings",
        "Edit",
        "Copy settings",
        lambda w: w.copy_settings(),
        ("Ctrl+Shift+C",),
        help="Put the settings on the clipboard, as JSON",
        when=_frame,
        apart=True,
    ),
    Action(
        "paste_settings",
        "Edit",
        "Paste settings",
        lambda w: w.paste_settings(),
        ("Ctrl+Shift+V",),
        help="Take the settings from the clipboard",
        when=_frame,
    ),
    Action(
        "copy_develop",
        "Edit",
        "Copy as command: picture",
        lambda w: w.copy_command("develop"),
        (),
        help="The shell command that gives this picture",
        when=_frame,
        apart=True,
    ),
    Action(
        "copy_predict",
        "Edit",
        "Copy as command: logits",
        lambda w: w.copy_command("predict"),
        (),
        help="The shell command that gives these logits",
        when=_both,
    ),
    Action(
        "copy_sensitivity",
        "Edit",
        "Copy as command: sensitivities",
        lambda w: w.copy_command("sensitivity"),
        (),
        help="The shell command that gives these sensitivities",
        when=_both,
    ),
    Action(
        "pin",
        "View",
        "Pin as nominal",
        lambda w: w.document.pin(),
        ("P",),
        "pin",
        "Make these settings the nominal ones",
        when=_frame,
        tool="Pin",
        apart=True,
    ),
    Action(
        "compare",
        "View",
        "Compare with nominal",
        lambda w, on: w.preview.hold_nominal(on),
        (),
        "compare",
        "The picture at the nominal settings; hold \\ to see it for a moment",
        when=_frame,
        checkable=True,
        tool="Nominal",
    ),
    Action(
        "split",
        "View",
        "Split",
        lambda w, on: w.preview.split(on),
        ("S",),
        "split",
        "Nominal left of a divider, now right of it",
        when=_frame,
        checkable=True,
        tool="Split",
    ),
    Action(
        "fit",
        "View",
        "Fit",
        lambda w: w.preview.view.fit(),
        ("F",),
        "fit",
        "All of the picture",
        when=_frame,
        tool="Fit",
        apart=True,
    ),
    Action(
        "zoom_100",
        "View",
        "100 %",
        lambda w: w.preview.view.zoom_to(1.0),
        ("1",),
        "",
        "One pixel of the picture is one of the screen",
        when=_frame,
        tool="100 %",
    ),
    Action(
        "zoom_200",
        "View",
        "200 %",
        lambda w: w.preview.view.zoom_to(2.0),
        ("2",),
        "",
        "Each pixel twice as large, nothing smoothed",
        when=_frame,
        tool="200 %",
    ),
    Action(
        "zoom_in",
        "View",
        "Zoom in",
        lambda w: w.preview.view.zoom_to(w.preview.view.zoom * 1.5),
        ("Ctrl++", "Ctrl+="),
        when=_frame,
    ),
    Action(
        "zoom_out",
        "View",
        "Zoom out",
        lambda w: w.preview.view.zoom_to(w.preview.view.zoom / 1.5),
        ("Ctrl+-",),
        when=_frame,
    ),
    Action(
        "inset",
        "View",
        "What the model sees",
        lambda w, on: w.preview.show_inset(on),
        ("M",),
        help="The model's exact input in a corner of the picture",
        checkable=True,
        checked=True,
        apart=True,
    ),
    Action(
        "previous",
        "View",
        "Previous frame",
        lambda w: w.opening.step(-1),
        ("Left", "PgUp"),
        "previous",
        "The frame before",
        when=_frames,
        tool="Previous",
        apart=True,
    ),
    Action(
        "next",
        "View",
        "Next frame",
        lambda w: w.opening.step(1),
        ("Right", "PgDown"),
        "next",
        "The frame after",
        when=_frames,
        tool="Next",
    ),
    Action(
        "region",
        "Model",
        "Region",
        lambda w, on: w.preview.draw_region(on),
        ("R",),
        "region",
        "Draw the part of the picture that the model is given",
        when=_frame,
        checkable=True,
        tool="Region",
        apart=True,
    ),
    Action(
        "clear_region",
        "Model",
        "Whole picture",
        lambda w: w.document.set_region(None),
        ("Shift+R",),
        help="Give the model all of the picture",
        when=lambda w: w.document.region is not None,
    ),
    Action(
        "cancel",
        "Analysis",
        "Cancel the running job",
        lambda w: w.cancel_jobs(),
        ("Esc",),
        help="End what is being computed",
    ),
    Action("about", "Help", "About driftlab", lambda w: w.show_about(), ("F1",)),
)
