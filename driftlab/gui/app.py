"""Starts the window; torch is imported when it is already there. Called from the main thread, once a process."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from driftlab.gui import theme
from driftlab.gui.dump_dialog import DumpDialog
from driftlab.gui.gpu_engine import best_engine
from driftlab.gui.loading import FirstSettings, LoadModel
from driftlab.gui.main_window import MainWindow
from driftlab.gui.sorting import sort

if TYPE_CHECKING:
    from driftlab.raw.description import Description
    from driftlab.raw.limits import Limits

__all__ = ["Start", "run"]

#: Seconds after which a screenshot is given up.
PATIENCE: Final = 120.0
#: Seconds for which a screenshot waits for tolerances, which are searched aside.
ASIDE: Final = 30.0


@dataclass
class Start:
    """What to begin with, and how a command line wants frames and models loaded."""

    files: list[str] = field(default_factory=list)
    model: str | None = None
    model_words: tuple[str, ...] = ()
    trust: bool = False
    screenshot: Path | None = None
    size: tuple[int, int] | None = None
    engine: str = ""
    description: Description | None = None
    limits: Limits | None = None
    load_model: LoadModel | None = None
    first_settings: FirstSettings | None = None


def run(start: Start) -> int:
    """Show the window until it is closed, or until its picture is taken. The exit code."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("driftlab")
    app.setOrganizationName("driftlab")
    theme.apply(app)
    # A picture of the window is of the window as it comes, not as somebody left it.
    store = QSettings() if start.screenshot is None else QSettings("driftlab", "screenshot")
    if start.screenshot is not None:
        store.clear()
    window = MainWindow(store)
    if start.size is not None:
        window.resize(*start.size)
    window.show()
    QTimer.singleShot(0, window, lambda: _open(window, start))  # the window is on the screen first
    code = [0]
    if start.screenshot is not None:
        _take_picture(window, start.screenshot, code)
    app.exec()
    return code[0]


def _open(window: MainWindow, start: Start) -> None:
    opening = window.opening
    paths = [Path(name) for name in start.files]
    opening.named = frozenset(sort(paths).frames)
    opening.named_description = start.description
    opening.first_settings, window.document.limits = start.first_settings, start.limits
    opening.warm_up()
    window.source.look_for(partial(best_engine, start.engine))
    if start.model is not None:
        opening.open_model(start.model, start.trust, start.load_model, start.model_words)
    if paths:
        opening.open(paths)


def _take_picture(window: MainWindow, path: Path, code: list[int]) -> None:
    """Save the window's picture as soon as everything in it is current, and close it."""
    started = time.monotonic()
    timer = QTimer(window, interval=50)

    def look() -> None:
        asked = [dialog.dump.sentence for dialog in window.findChildren(DumpDialog)]
        failed = bool(window.messages.messages or asked)
        passed = time.monotonic() - started
        late = passed > PATIENCE
        ready = window.current and (window.searches.tolerating.current or passed > ASIDE)
        if not (ready or failed or late):
            return
        timer.stop()
        written = window.grab().save(str(path))
        for sentence in [*(message.text for message in window.messages.messages), *asked]:
            print(sentence, file=sys.stderr)
        if not written:
            print(f"'{path}' can't be written: name a .png in a folder that exists.", file=sys.stderr)
        elif late:
            print(f"The window was not current after {PATIENCE:.0f} s.", file=sys.stderr)
        code[0] = 2 if failed or late or not written else 0
        window.close()

    timer.timeout.connect(look)
    QTimer.singleShot(300, window, timer.start)
