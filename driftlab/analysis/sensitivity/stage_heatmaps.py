"""Stage heatmaps: how strongly the target hangs on every pixel, or every sample, that a stage gives on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from driftlab.isp.develop import Region, picture_size
from driftlab.isp.linearized import Linearized, Piece
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Domain, Sensor, per_site
from driftlab.raw.frame import RawFrame

__all__ = ["stage_heatmap"]


def stage_heatmap(
    frame: RawFrame,
    settings: Settings,
    region: Region,
    parts: Sequence[Piece],
    around: Callable[[int], Linearized],
    number: int,
) -> Tensor:
    """|dz / d(output of stage `number`)| summed over channels, `[h, w]`: on the region's pixels, or on its samples.

    What hangs on samples around the region is left out. Derivatives by DN are taken by spans from black to white.
    """
    stage = settings.pipeline.stages[number]
    # How many numbers along a side become one pixel from here on: a superpixel demosaic makes the picture smaller.
    side = picture_size(frame, settings, stage.name)[0] // picture_size(frame, settings)[0]
    total: Tensor | None = None
    for index, part in enumerate(parts):
        pull, cut = around(index).pulls[number], part.window
        if settings.pipeline.writes(stage.name) == Domain.SAMPLES:
            pull = pull * spans(cut.sensor, pull)
        if total is None:
            total = pull.new_zeros(pull.shape[1], region.height * side, region.width * side)
        # A piece begins with what it reads around it, and what that tells of the next piece is added there.
        top, left = part.rows.start - cut.rows.start, part.columns.start - cut.columns.start
        _add(total, pull[0], top * side, left * side)
    assert total is not None
    return total.abs().sum(0)


def spans(sensor: Sensor, image: Tensor) -> Tensor:
    """White minus black in DN at every site of a mosaic."""
    black = per_site(image.new_tensor(sensor.black), sensor.cfa, (image.shape[-2], image.shape[-1]))
    return sensor.white - black


def _add(canvas: Tensor, values: Tensor, top: int, left: int) -> None:
    """Add `values` `[C, h, w]` to `canvas` `[C, H, W]` at a corner that may lie outside; what lies outside is lost."""
    height, width = canvas.shape[1:]
    rows = slice(max(top, 0), min(top + values.shape[1], height))
    columns = slice(max(left, 0), min(left + values.shape[2], width))
    inside = values[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    canvas[:, rows, columns] += inside
