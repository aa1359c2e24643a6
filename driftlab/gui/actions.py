"""Every action of the window, once: its menu, its words, its keys, its icon, when it may be, and what it does.

Menus, toolbar, shortcuts, the command palette and tests are made from this table.
"""

from __future__ import annotations

from typing import Final

from driftlab.gui.action import (
    FRAME,
    FRAME_AND_MODEL,
    FRAMES,
    MASK,
    OUTPUT,
    REDO,
    REGION,
    SEGMENTATION,
    SPLIT,
    UNDO,
    Action,
)

__all__ = ["ACTIONS"]

FILE: Final = (
    Action(
        "open", "File", "Open …", lambda w: w.ask_for_files(), ("Ctrl+O",),
        icon="open", help="Open camera files or pictures", tool="Open",
    ),
    Action(
        "open_folder", "File", "Open a folder …", lambda w: w.ask_for_folder(), ("Ctrl+Shift+O",),
        help="Open all frames of a folder",
    ),
    Action(
        "open_model", "File", "Choose a model …", lambda w: w.ask_for_model(), ("Ctrl+M",),
        icon="model", help="Choose the task model", tool="Model",
    ),
    Action(
        "sample", "File", "Open the sample", lambda w: w.opening.open_sample(),
        icon="sample", help="The bundled example: forty simulated frames and a network", tool="Sample",
    ),
    Action(
        "open_mask", "File", "Open mask …", lambda w: w.ask_for_mask(),
        help="Class indices to hold the segmentation against, in place of the nominal mask", when=SEGMENTATION,
    ),
    Action(
        "forget_mask", "File", "Forget the mask", lambda w: w.document.set_mask(None),
        help="Hold the segmentation against the nominal one again", when=MASK,
    ),
    Action(
        "open_settings", "File", "Open settings …", lambda w: w.ask_for_settings(),
        help="Lay the settings of a JSON file over these", when=FRAME, apart=True,
    ),
    Action(
        "save_settings", "File", "Save settings …", lambda w: w.ask_where_to_save_settings(), ("Ctrl+S",),
        help="Write the settings as JSON", when=FRAME,
    ),
    Action(
        "save_picture", "File", "Save picture …", lambda w: w.ask_where_to_save_picture(), ("Ctrl+E",),
        help="Write the exact picture: PNG, TIFF with 16 bits, or NPY", when=FRAME,
    ),
    Action(
        "export_report", "File", "Export tolerance report …", lambda w: w.searches.export_report(w), ("Ctrl+Shift+E",),
        help="How far the camera may drift before the model fails, as JSON, HTML, PDF and CSV", when=FRAME_AND_MODEL,
    ),
    Action(
        "close_frame", "File", "Close the frame", lambda w: w.opening.close_current(), ("Ctrl+W",),
        help="Take the frame that is shown off the list", when=FRAMES,
    ),
    Action("quit", "File", "Quit", lambda w: w.close(), ("Ctrl+Q",), apart=True),
)  # fmt: skip

EDIT: Final = (
    Action(
        "undo", "Edit", "Undo", lambda w: w.document.undo(), ("Ctrl+Z",),
        icon="undo", help="Take the last step back", when=UNDO, tool="Undo", wordless=True, apart=True,
    ),
    Action(
        "redo", "Edit", "Redo", lambda w: w.document.redo(), ("Ctrl+Shift+Z", "Ctrl+Y"),
        icon="redo", help="Bring it back", when=REDO, tool="Redo", wordless=True,
    ),
    Action(
        "reset", "Edit", "Reset all to nominal", lambda w: w.document.reset(), ("Ctrl+0",),
        help="All settings as nominal", when=FRAME,
    ),
    Action(
        "copy_settings", "Edit", "Copy settings", lambda w: w.copy_settings(), ("Ctrl+Shift+C",),
        help="Put the settings on the clipboard, as JSON", when=FRAME, apart=True,
    ),
    Action(
        "paste_settings", "Edit", "Paste settings", lambda w: w.paste_settings(), ("Ctrl+Shift+V",),
        help="Take the settings from the clipboard", when=FRAME,
    ),
    Action(
        "copy_develop", "Edit", "Copy as command: picture", lambda w: w.copy_command("develop"),
        help="The shell command that gives this picture", when=FRAME, apart=True,
    ),
    Action(
        "copy_predict", "Edit", "Copy as command: logits", lambda w: w.copy_command("predict"),
        help="The shell command that gives these logits", when=FRAME_AND_MODEL,
    ),
    Action(
        "copy_sensitivity", "Edit", "Copy as command: sensitivities", lambda w: w.copy_command("sensitivity"),
        help="The shell command that gives these sensitivities", when=FRAME_AND_MODEL,
    ),
)  # fmt: skip

VIEW: Final = (
    Action(
        "pin", "View", "Pin as nominal", lambda w: w.document.pin(), ("P",),
        icon="pin", help="Make these settings the nominal ones, which all is held against", when=FRAME,
        tool="Pin", apart=True,
    ),
    Action(
        "compare", "View", "Compare with nominal", lambda w, on: w.preview.hold_nominal(on),
        icon="compare", help="The picture at the nominal settings, as shot or as pinned; hold \\ for a moment of it",
        when=FRAME, checkable=True, tool="Nominal",
    ),
    Action(
        "split", "View", "Split", lambda w, on: w.preview.split(on), ("S",),
        icon="split", help="The picture at the nominal settings left of a divider, at those in force right of it",
        when=FRAME, checkable=True, tool="Split",
    ),
    Action(
        "divider_left", "View", "Divider to the left", lambda w: w.preview.view.divide(w.preview.view.split - 0.05),
        ("Shift+Left",), help="More of the picture in force", when=SPLIT,
    ),
    Action(
        "divider_right", "View", "Divider to the right", lambda w: w.preview.view.divide(w.preview.view.split + 0.05),
        ("Shift+Right",), help="More of the nominal picture", when=SPLIT,
    ),
    Action(
        "fit", "View", "Fit", lambda w: w.preview.view.fit(), ("F",),
        icon="fit", help="All of the picture", when=FRAME, tool="Fit", apart=True,
    ),
    Action(
        "zoom_100", "View", "100 %", lambda w: w.preview.view.zoom_to(1.0), ("1",),
        help="One pixel of the picture is one of the screen", when=FRAME, tool="100 %",
    ),
    Action(
        "zoom_200", "View", "200 %", lambda w: w.preview.view.zoom_to(2.0), ("2",),
        help="Each pixel twice as large, nothing smoothed", when=FRAME, tool="200 %",
    ),
    Action(
        "zoom_in", "View", "Zoom in", lambda w: w.preview.view.zoom_to(w.preview.view.zoom * 1.5), ("Ctrl++", "Ctrl+="),
        when=FRAME,
    ),
    Action(
        "zoom_out", "View", "Zoom out", lambda w: w.preview.view.zoom_to(w.preview.view.zoom / 1.5), ("Ctrl+-",),
        when=FRAME,
    ),
    Action(
        "inset", "View", "What the model sees", lambda w, on: w.preview.show_inset(on), ("M",),
        help="The model's exact input in a corner of the picture", checkable=True, checked=True, apart=True,
    ),
    Action(
        "mask", "View", "Mask over the picture", lambda w, on: w.preview.show_mask(on), ("K",),
        help="The classes of a segmentation, striped where they differ from the nominal or the opened mask",
        checkable=True, checked=True,
    ),
    Action(
        "heatmap", "View", "Heatmap over the picture", lambda w, on: w.heatmap.overlay.setChecked(on), ("H",),
        help="Where the answer hangs on the chosen parameter", checkable=True,
    ),
    Action(
        "previous", "View", "Previous frame", lambda w: w.opening.step(-1), ("Left", "PgUp"),
        icon="previous", help="The frame before", when=FRAMES, tool="Previous", wordless=True, apart=True,
    ),
    Action(
        "next", "View", "Next frame", lambda w: w.opening.step(1), ("Right", "PgDown"),
        icon="next", help="The frame after", when=FRAMES, tool="Next", wordless=True,
    ),
    Action(
        "previous_stage", "View", "Output of the stage before", lambda w: w.step_stage(-1), ("[",),
        help="What the stage before gives, instead of the picture", when=FRAME, apart=True,
    ),
    Action(
        "next_stage", "View", "Output of the next stage", lambda w: w.step_stage(1), ("]",),
        help="What the next stage gives; after the last one, the picture", when=OUTPUT,
    ),
    Action(
        "picture", "View", "Back to the picture", lambda w: w.outputs.leave(),
        help="The picture, instead of a stage's output; Esc does it too", when=OUTPUT,
    ),
)  # fmt: skip

MODEL: Final = (
    Action(
        "region", "Model", "Region", lambda w, on: w.preview.draw_region(on), ("R",),
        icon="region", help="Draw the part of the picture that the model is given; arrows move it, with Ctrl resize it",
        when=FRAME, checkable=True, tool="Region", apart=True,
    ),
    Action(
        "clear_region", "Model", "Whole picture", lambda w: w.document.set_region(None), ("Shift+R",),
        help="Give the model all of the picture", when=REGION,
    ),
)  # fmt: skip

ANALYSIS: Final = (
    Action(
        "cancel", "Analysis", "Cancel the running job", lambda w: w.escape(), ("Esc",),
        help="End what is being computed; while a stage's output is shown, back to the picture instead",
    ),
    Action(
        "jobs", "Analysis", "Jobs …", lambda w: w.show_jobs(), ("Ctrl+J",),
        help="What is computed, and what was",
    ),
)  # fmt: skip

HELP: Final = (
    Action(
        "palette", "Help", "Find a command …", lambda w: w.show_palette(), ("Ctrl+Shift+P",),
        icon="find", help="All commands, found by typing", tool="Commands",
    ),
    Action("about", "Help", "About driftlab", lambda w: w.show_about(), ("F1",)),
)  # fmt: skip

ACTIONS: Final[tuple[Action, ...]] = (*FILE, *EDIT, *VIEW, *MODEL, *ANALYSIS, *HELP)
