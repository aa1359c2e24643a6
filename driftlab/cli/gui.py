"""`driftlab gui [FILE…]`: the window."""

from __future__ import annotations

import argparse
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from driftlab.cli.options import (
    add_files,
    add_model,
    add_settings,
    description_of,
    limits_of,
    model_of,
    model_words,
    settings_of,
)
from driftlab.errors import DriftlabError


class GuiError(DriftlabError):
    """The window can't be opened; the message is one sentence that names the mend."""


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Open the window, on frames, folders and a task model if they are named."
    parser = commands.add_parser("gui", help="the window", description=about)
    add_files(parser, optional=True)
    add_model(parser, required=False)
    add_settings(parser)
    parser.add_argument("--engine", choices=("gpu", "torch"), default="", help="what draws (the faster one)")
    parser.add_argument("--screenshot", type=Path, metavar="OUT.png", help="save a picture of the window, and end")
    parser.add_argument("--size", metavar="WxH", help="the size of the window, such as 1440x900")
    parser.set_defaults(run=run)


def is_installed() -> bool:
    """Whether there is a window to open."""
    return all(find_spec(name) is not None for name in ("PySide6", "pyqtgraph", "superqt"))


def run(arguments: argparse.Namespace) -> int:
    """Show the window until it is closed."""
    if not is_installed():
        raise GuiError('The window needs PySide6, pyqtgraph and superqt: pip install "driftlab[gui]".')
    size = re.fullmatch(r"(\d{3,5})x(\d{3,5})", arguments.size or "1440x900")
    if size is None:
        raise GuiError(f"'{arguments.size}' is no size: give width and height in pixels, such as 1440x900.")
    if _is_blind():
        if arguments.screenshot is None:
            raise GuiError("There is no display to open the window on: log in to a desktop, or use --screenshot.")
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from driftlab.gui.app import Start, run

    said = description_of(arguments)

    def load_model(path: str, trust: bool) -> Any:
        return model_of(argparse.Namespace(**{**vars(arguments), "model": path, "trust": trust or arguments.trust}))

    return run(
        Start(
            files=arguments.files,
            model=arguments.model,
            model_words=model_words(arguments),
            trust=arguments.trust,
            screenshot=arguments.screenshot,
            size=(int(size[1]), int(size[2])) if arguments.size or arguments.screenshot else None,
            engine=arguments.engine,
            description=said if said.said() else None,
            limits=limits_of(arguments),
            load_model=load_model,
            first_settings=lambda frame: settings_of(arguments, frame),
        )
    )


def _is_blind() -> bool:
    """Whether there is no display, nor a choice of what stands in for it; Qt would end the process with a core dump."""
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return sys.platform.startswith("linux") and not named
