"""Color matrix: white-balanced camera RGB to linear sRGB, nine numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from driftlab.isp.color import mixed
from driftlab.isp.stage import Domain, Param, Point, Sensor, Shader, Stage, Stated, Values, stacked
from driftlab.raw.frame import RawFrame

NAMES = "rgb"


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    entries = stacked(*(getattr(p, f"{out}{into}") for out in NAMES for into in NAMES))
    return mixed(image, entries.reshape(-1, 3, 3))


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    rows = (" + ".join(f"p.{out}{into} * x.{into}" for into in NAMES) for out in NAMES)
    return Point(f"return vec3f({', '.join(rows)});")


def _as_shot(row: int, column: int, frame: RawFrame) -> float:
    return frame.matrix.values[row][column]


def _no_matrix(frame: RawFrame) -> str:
    return "the file states no color matrix" if frame.matrix.source.startswith("none") else ""


STAGE = Stage(
    name="color_matrix",
    title="Color matrix",
    help="From the camera's own colors to sRGB's. Rows that sum to 1 keep gray gray.",
    reads=Domain.CAMERA_RGB,
    writes=Domain.LINEAR_RGB,
    forward=_forward,
    wgsl=_wgsl,
    params=tuple(
        Param(
            f"{out}{into}",
            f"{out.upper()} from {into.upper()}",
            default=float(out == into),
            low=-2.0,
            high=4.0,
            hard=(-64.0, 64.0),
            as_shot=partial(_as_shot, row, column),
            source=Stated(_no_matrix),
            help=f"How much of the camera's {into.upper()} goes into the picture's {out.upper()}.",
        )
        for row, out in enumerate(NAMES)
        for column, into in enumerate(NAMES)
    ),
)
