"""Drawing, moving and resizing a region with the pointer, in pixels of the picture. Geometry only, no painting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from driftlab.isp.develop import Region

__all__ = ["RegionTool"]

#: The smallest region, in pixels.
SMALLEST: Final = 8


class RegionTool:
    """One drag: it begins at a point, and says for every further point what the region is."""

    def __init__(self, x: float, y: float, region: Region | None, size: tuple[int, int], reach: float) -> None:
        self._start = x, y
        self._size = size
        self._region = region
        self.grip = grip_at(x, y, region, reach)

    def at(self, x: float, y: float) -> Region | None:
        """The region with the pointer here; None while there is too little of it."""
        from driftlab.isp.develop import Region

        height, width = self._size
        if self._region is None or self.grip == "":
            left, right = sorted((min(max(self._start[0], 0), width), min(max(x, 0), width)))
            top, bottom = sorted((min(max(self._start[1], 0), height), min(max(y, 0), height)))
            if right - left < SMALLEST or bottom - top < SMALLEST:
                return None
            return Region(round(left), round(top), round(right) - round(left), round(bottom) - round(top))
        old = self._region
        dx, dy = round(x - self._start[0]), round(y - self._start[1])
        if self.grip == "inside":
            left = min(max(old.left + dx, 0), width - old.width)
            return Region(left, min(max(old.top + dy, 0), height - old.height), old.width, old.height)
        left, right, top, bottom = old.left, old.left + old.width, old.top, old.top + old.height
        if "l" in self.grip:
            left = min(max(left + dx, 0), right - SMALLEST)
        if "r" in self.grip:
            right = max(min(right + dx, width), left + SMALLEST)
        if "t" in self.grip:
            top = min(max(top + dy, 0), bottom - SMALLEST)
        if "b" in self.grip:
            bottom = max(min(bottom + dy, height), top + SMALLEST)
        return Region(left, top, right - left, bottom - top)


def grip_at(x: float, y: float, region: Region | None, reach: float) -> str:
    """What of a region lies under a point: sides (`l`, `r`, `t`, `b`, or two for a corner), `inside`, or nothing."""
    if region is None:
        return ""
    left, top, right, bottom = region.left, region.top, region.left + region.width, region.top + region.height
    if not (left - reach <= x <= right + reach and top - reach <= y <= bottom + reach):
        return ""
    sides = "l" if abs(x - left) <= reach else "r" if abs(x - right) <= reach else ""
    sides += "t" if abs(y - top) <= reach else "b" if abs(y - bottom) <= reach else ""
    return sides or "inside"
