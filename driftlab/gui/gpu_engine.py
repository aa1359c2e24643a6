"""Pictures for the preview by the GPU, where there is one that is worth it. Runs in the preview's thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from driftlab.gui.preview_source import Drawn, Engine, TorchEngine

if TYPE_CHECKING:
    from driftlab.engine import GpuEngine
    from driftlab.isp.develop import Region
    from driftlab.isp.settings import Settings
    from driftlab.raw.frame import RawFrame

__all__ = ["GpuPreview", "best_engine"]


def best_engine(choice: str = "") -> Engine:
    """The GPU, or torch and the reason why it is not the GPU; `choice` (gpu, torch) overrules. Takes a second."""
    if choice == "torch":
        return TorchEngine("chosen")
    from driftlab.errors import DriftlabError

    try:
        from driftlab.engine import GpuEngine

        engine = GpuEngine()
    except (DriftlabError, ImportError) as error:
        return TorchEngine(f"no GPU: {error}")
    if engine.gpu.software and choice != "gpu":
        name = engine.name
        engine.gpu.destroy()
        return TorchEngine(f"faster than the only adapter, {name}, which is software")
    return GpuPreview(engine)


class GpuPreview:
    """The renderer, handed a canvas at a time: nothing but it crosses the bus."""

    def __init__(self, engine: GpuEngine) -> None:
        self._engine = engine
        self.name = f"GPU: {engine.name}"
        self.reason = "software" if engine.gpu.software else ""

    def draft(self, frame: RawFrame, settings: Settings, visible: Region, budget: int) -> Drawn:
        """What is visible, its pixels means of what they cover where there are more than the canvas holds."""
        from driftlab.isp.develop import picture_size

        share = min((budget / (visible.width * visible.height)) ** 0.5, 1.0)
        size = max(round(visible.height * share), 1), max(round(visible.width * share), 1)
        pixels = np.ascontiguousarray(self._engine.canvas(frame, settings, visible, size))
        return Drawn(pixels, visible, picture_size(frame, settings), share == 1)

    def exact(self, frame: RawFrame, settings: Settings) -> Iterator[Drawn | None]:
        """All of it."""
        from driftlab.isp.develop import Region, picture_size

        yield None
        height, width = picture_size(frame, settings)
        whole = Region(0, 0, width, height)
        pixels = np.ascontiguousarray(self._engine.canvas(frame, settings, whole, (height, width)))
        yield Drawn(pixels, whole, (height, width), True)
