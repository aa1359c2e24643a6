"""An ordinary RGB picture becomes a pseudo-RAW frame: the data model run backwards.

Tone curve, color matrix, gains and mosaic are undone in this order, then photon and read noise may be added and the
result is quantized (Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019). It stays a guess:
the picture's own processing is not known, and what it clipped or compressed is gone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.decoded import Decoded
from driftlab.raw.frame import CFA, ColorMatrix, Origin, RawError

__all__ = ["Unprocess", "unprocess"]

#: White-balanced camera RGB -> linear sRGB of a usual camera in daylight; rows sum to one.
USUAL_MATRIX: Final = ((1.6, -0.45, -0.15), (-0.2, 1.5, -0.3), (0.0, -0.5, 1.5))


@dataclass(frozen=True, slots=True)
class Unprocess:
    """The camera that is made up for an RGB picture.

    `gamma` is the power of the picture's tone curve, None for the sRGB curve; `matrix` takes white-balanced camera RGB
    to linear sRGB and `gains` (red, green, blue; green 1) make a neutral gray; `cfa` is a name for `CFA.parse`.
    Samples are stored with `bits` and hold `black` DN without light; the white level is the largest number of `bits`.
    `full_well` (electrons at white) above zero adds photon noise and `read_noise` (electrons, rms), drawn from `seed`.
    """

    gamma: float | None = None
    matrix: tuple[tuple[float, float, float], ...] = USUAL_MATRIX
    gains: tuple[float, float, float] = (2.0, 1.0, 1.6)
    cfa: str = "RGGB"
    bits: int = 14
    black: float = 512.0
    full_well: float = 0.0
    read_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if CFA.parse(self.cfa).kind == "mono":
            raise RawError("A pseudo-RAW frame needs a color filter array: use RGGB, xtrans, quad-RGGB or linear.")
        if not (1 <= self.bits <= 16 and 0 <= self.black < 2**self.bits - 1):
            raise RawError(
                f"A pseudo-RAW frame of {self.bits} bits and black level {self.black:g} cannot be: use 1-16 "
                "bits and a black level below the white level."
            )
        if min(self.gains) <= 0 or (self.gamma is not None and self.gamma <= 0):
            raise RawError("Gains and gamma of a pseudo-RAW frame are above zero: give other numbers.")
        if min(self.full_well, self.read_noise) < 0 or (self.read_noise and not self.full_well):
            raise RawError("Noise of a pseudo-RAW frame needs a full well above zero electrons: give full_well.")


def unprocess(picture: NDArray[Any], parameters: Unprocess) -> Decoded:
    """The pseudo-RAW frame of a picture `[H, W, 3]`, of unsigned integers of full range or floats in 0-1."""
    cfa = CFA.parse(parameters.cfa)
    white = float(2**parameters.bits - 1)
    camera = _linear(picture, parameters.gamma) @ np.linalg.inv(np.array(parameters.matrix)).T.astype(np.float32)
    camera /= np.array(parameters.gains, np.float32)
    samples = np.moveaxis(camera, 2, 0) if cfa.kind == "linear" else _mosaic(camera, cfa)[None]
    clipped = float(np.mean((samples < 0) | (samples > 1)))
    samples = samples.clip(0, 1)
    if parameters.full_well:
        noise = np.random.default_rng(parameters.seed)
        photons = noise.poisson(samples * parameters.full_well)
        electrons = photons + noise.normal(0, parameters.read_noise, samples.shape)
        samples = (electrons / parameters.full_well).astype(np.float32)
    stored = np.rint(parameters.black + samples * (white - parameters.black)).clip(0, white).astype(np.uint16)
    remarks = ["made from an RGB picture by un-processing: not a measurement, its camera is made up"]
    if clipped:
        remarks.append(f"{clipped:.2%} of the samples lie outside what the made-up camera can record and are clipped")
    return Decoded(
        stored,
        {
            "cfa": cfa,
            "black": (parameters.black,) * 4,
            "white": white,
            "bits": parameters.bits,
            "gains": parameters.gains,
            "gains_source": "un-processing",
            "matrix": ColorMatrix(parameters.matrix, "un-processing"),  # type: ignore[arg-type]
            "origin": Origin.PSEUDO_RAW,
            "remarks": tuple(remarks),
            "extra": {"unprocess": asdict(parameters)},
        },
    )


def _linear(picture: NDArray[Any], gamma: float | None) -> NDArray[np.float32]:
    """Display values without their tone curve: power `gamma`, or sRGB (IEC 61966-2-1) for None."""
    top = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    display = np.clip(picture.astype(np.float32) / top, 0, 1)
    if gamma is not None:
        return np.power(display, np.float32(gamma))
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _mosaic(camera: NDArray[np.float32], cfa: CFA) -> NDArray[np.float32]:
    """`[H, W]`: at every sample the color its filter lets through."""
    height, width = camera.shape[:2]
    tile = cfa.colors()
    index = tile[np.arange(height)[:, None] % tile.shape[0], np.arange(width) % tile.shape[1]]
    return np.take_along_axis(camera, index[..., None], axis=2)[..., 0]
