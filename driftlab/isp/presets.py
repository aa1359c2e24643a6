"""Presets: named groups of settings, such as the camera sets of the paper's microscope and drone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from driftlab.isp.settings import Settings
from driftlab.isp.stage import IspError, Param, Value
from driftlab.raw.frame import CHANNELS, ColorMatrix, RawFrame

__all__ = ["PRESETS", "Preset", "preset_of"]


@dataclass(frozen=True, slots=True)
class Preset:
    """What a camera set fixes: black levels as shares of the white level, gains, and the rows of the color matrix."""

    title: str
    black: tuple[float, float, float, float]
    gains: tuple[float, float, float]
    matrix: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

    def applied(self, settings: Settings, frame: RawFrame | None) -> Settings:
        """`settings` with the preset's values in place of those of the frame; without one, white is 65535 DN.

        Where the pipeline takes its brightness from the frame, it is found anew. Gains below zero are factors of a
        product, not of light: nothing saturates with them, and the highlights are kept.
        """
        white = frame.white if frame else 65535.0
        black = tuple(level * white for level in self.black)
        changes: dict[str, Value] = {
            **{f"black_level.{c}": level for c, level in zip(CHANNELS, black, strict=True)},
            **{f"white_balance.{c}": gain for c, gain in zip("rgb", self.gains, strict=True)},
            **{
                f"color_matrix.{out}{into}": self.matrix[i][j]
                for i, out in enumerate("rgb")
                for j, into in enumerate("rgb")
            },
        }
        if min(self.gains) <= 0:
            changes["white_balance.highlights"] = "keep"
        brightness = settings.pipeline.keys.get("tone.brightness")
        if frame and isinstance(brightness, Param) and brightness.as_shot:
            matrix = ColorMatrix(self.matrix, self.title)
            changes["tone.brightness"] = brightness.as_shot(
                replace(frame, black=black, gains=self.gains, matrix=matrix)  # type: ignore[arg-type]
            )
        return settings.changed(changes)


#: The camera sets of raw2logit's Raw-Microscopy and Raw-Drone data. In the microscope's only the product of gains and
#: matrix has a meaning: the two negative signs of red cancel.
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "microscope": Preset(
            "Paper's microscope",
            (9.834368e-6,) * 4,
            (-0.6567, 1.9673, 3.5304),
            ((-2.0338, 0.0933, 0.4157), (-0.0286, 2.6464, -0.0574), (-0.5516, -0.0947, 2.9308)),
        ),
        "drone": Preset(
            "Paper's drone",
            (0.0625, 0.0626, 0.0625, 0.0626),
            (2.86653646, 1.0, 1.73079425),
            (
                (1.50768983, -0.33571374, -0.17197604),
                (-0.23048614, 1.70698738, -0.47650126),
                (-0.03119153, -0.32803956, 1.35923111),
            ),
        ),
    }
)


def preset_of(name: str) -> Preset:
    """The preset of this name."""
    if name not in PRESETS:
        raise IspError(f"There is no preset '{name}': use {' or '.join(PRESETS)}.")
    return PRESETS[name]
