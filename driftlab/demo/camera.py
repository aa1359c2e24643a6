"""The simulated camera: filters, photons, electrons, converter. It makes RAW frames that say that they are simulated.

What is stated here is exact, so a test can hold the frames against it: shot noise is Poisson in electrons, read noise
is normal, and the converter rounds to 12 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftlab.demo.scene import CLASSES, SIZE, smear
from driftlab.demo.stain import BANDS, DYES, LAMP, LINEAR_SRGB, mixed, transmittance
from driftlab.raw.frame import CFA, ColorMatrix, Origin, RawFrame

__all__ = ["BLACK", "FULL_WELL", "GAINS", "ISO", "MATRIX", "READ_NOISE", "WHITE", "expose", "photograph", "series"]

#: Electrons at the white level; what the noise stage supposes of a frame of this ISO speed too.
FULL_WELL: Final = 7_500.0
ISO: Final = 200.0
#: Standard deviation in electrons.
READ_NOISE: Final = 3.0
BITS: Final = 12
BLACK: Final = 256.0
WHITE: Final = 4095.0
#: Share of the full well that the clear field fills in green: what a careful microscopist exposes for.
CLEAR_FIELD: Final = 0.80

#: Quantum efficiency behind the red, green and blue filter in each band, relative.
_FILTERS: Final = np.array(
    [
        (0.04, 0.03, 0.04, 0.10, 0.56, 0.80, 0.60, 0.30),
        (0.06, 0.14, 0.58, 1.00, 0.66, 0.14, 0.05, 0.04),
        (0.62, 0.86, 0.48, 0.10, 0.03, 0.02, 0.02, 0.02),
    ]
)
_RGGB: Final = CFA(("RG", "GB"))


def _response() -> NDArray[np.float64]:
    """Transmittance a band -> share of the full well `[3, bands]`."""
    weights = _FILTERS * LAMP
    return np.asarray(weights / weights[1].sum() * CLEAR_FIELD)


_RESPONSE: Final = _response()
_CLEAR: Final = _RESPONSE.sum(1)

#: What makes the clear field neutral.
GAINS: Final = (float(_CLEAR[1] / _CLEAR[0]), 1.0, float(_CLEAR[1] / _CLEAR[2]))


def _matrix() -> ColorMatrix:
    """Least squares over thin and thick layers of every dye, with rows that keep the clear field neutral."""
    layers = np.concatenate([np.eye(len(DYES)) * thickness for thickness in (0.1, 0.3, 0.6, 1.0)])
    light = transmittance(layers.T[..., None])[..., 0]
    camera, wanted = _RESPONSE @ light / _CLEAR[:, None], LINEAR_SRGB @ light
    # A row (1 - s - t, s, t) of sum one is a fit in two unknowns, of differences to the first channel.
    rest = np.linalg.lstsq((camera[1:] - camera[0]).T, (wanted - camera[0]).T, rcond=None)[0].T
    values = [(1 - green - blue, green, blue) for green, blue in rest.round(4).tolist()]
    return ColorMatrix((values[0], values[1], values[2]), "fitted to the simulated stain")


MATRIX: Final = _matrix()


def expose(light: NDArray[np.float64], rng: np.random.Generator, name: str = "simulated") -> RawFrame:
    """One exposure of `light`, the share of the lamp's light in each band `[bands, H, W]`."""
    if light.shape[0] != len(BANDS):
        raise ValueError(f"light has {light.shape[0]} bands, the camera sees {len(BANDS)}")
    planes = mixed(_RESPONSE, light)
    height, width = light.shape[1:]
    site = np.tile(_RGGB.colors(), (-(-height // 2), -(-width // 2)))[:height, :width]
    share = np.take_along_axis(planes, site[None], 0)
    electrons = rng.poisson(share * FULL_WELL) + rng.normal(0.0, READ_NOISE, share.shape)
    mosaic = np.clip(np.rint(electrons * ((WHITE - BLACK) / FULL_WELL) + BLACK), 0, 2**BITS - 1).astype(np.float32)
    return RawFrame(
        mosaic=mosaic,
        cfa=_RGGB,
        black=(BLACK,) * 4,
        white=WHITE,
        bits=BITS,
        gains=GAINS,
        gains_source="the clear field of the simulation",
        matrix=MATRIX,
        name=name,
        sha256=hashlib.sha256(mosaic.astype("<u2").tobytes()).hexdigest(),
        decoder="driftlab simulation",
        origin=Origin.SIMULATED,
        make="driftlab",
        model="simulated microscope",
        lens="simulated 100x/1.25 oil",
        iso=ISO,
        exposure_time=0.01,
    )


def photograph(label: str, seed: int, index: int = 0, size: int = SIZE) -> RawFrame:
    """The frame of a cell of this class; `seed` and `index` choose the cell, its surroundings and the noise."""
    light = smear(label, np.random.default_rng((seed, index, 0)), size)
    return expose(light, np.random.default_rng((seed, index, 1)), f"{label}-{index:04d}")


def series(count: int, seed: int) -> Iterator[tuple[RawFrame, int]]:
    """`count` frames with the index of their class in `CLASSES`, the classes taking turns."""
    for index in range(count):
        label = index % len(CLASSES)
        yield photograph(CLASSES[label], seed, index), label
