"""The region by keys: arrows move it, with Ctrl its right and lower sides alone, with Shift by ten pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from driftlab.gui.widgets.region_tool import RegionTool

if TYPE_CHECKING:
    from driftlab.isp.develop import Region

__all__ = ["ARROWS", "keyed"]

ARROWS: Final = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


def keyed(event: QKeyEvent, region: Region | None, visible: Region, size: tuple[int, int]) -> Region:
    """The region after an arrow key, within a picture of this height and width.

    Where there is none it is the middle of what is visible, half as wide and as high.
    """
    from driftlab.isp.develop import Region

    if region is None:
        width, height = max(visible.width // 2, 1), max(visible.height // 2, 1)
        return Region(
            visible.left + (visible.width - width) // 2, visible.top + (visible.height - height) // 2, width, height
        )
    keys, (dx, dy) = event.modifiers(), ARROWS[Qt.Key(event.key())]
    step = 10 if keys & Qt.KeyboardModifier.ShiftModifier else 1
    tool = RegionTool(0, 0, region, size, 0)
    tool.grip = "rb" if keys & Qt.KeyboardModifier.ControlModifier else "inside"
    return tool.at(dx * step, dy * step) or region
