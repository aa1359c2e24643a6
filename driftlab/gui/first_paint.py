"""When the window is on the screen: asked by a process that has been started for nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from driftlab.gui.app import Start, run
from driftlab.gui.main_window import MainWindow

__all__ = ["wait_for_first_paint"]


def wait_for_first_paint(store: Path) -> float:
    """Start the window as the program does, its settings in this folder, and close it: the time it was painted.

    In seconds since the epoch, for another process than the one that has started this one. Once a process.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(store))
    app = QApplication(["driftlab"])
    watch = _FirstPaint()
    app.installEventFilter(watch)
    run(Start())
    return watch.painted


class _FirstPaint(QObject):
    painted = 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window's update paints all that is in it."""
        if event.type() == QEvent.Type.UpdateRequest and isinstance(watched, MainWindow) and not self.painted:
            watched.event(event)
            self.painted = time.time()
            QTimer.singleShot(0, watched, watched.close)
            return True
        return False
