"""Light through stain: the dyes of a Romanowsky smear in eight spectral bands, and what they let through.

Absorbers multiply (Beer and Lambert): a dye of concentration c lets 10^(-c * absorbance) of a band pass. The
absorbances are drawn after the published shapes of the spectra, scaled to one at the peak; they are a model of a stain,
not a measurement of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BANDS",
    "DYES",
    "LAMP",
    "LINEAR_SRGB",
    "LUMA",
    "Mixture",
    "concentrations",
    "developed",
    "matched",
    "mixed",
    "transmittance",
]

#: Concentration of each dye that is there, by name.
Mixture = Mapping[str, float]

#: Middle of each band in nm.
BANDS: Final = (420, 460, 500, 540, 580, 620, 660, 700)

#: A halogen lamp behind a daylight filter, relative power a band.
LAMP: Final = np.array([0.50, 0.74, 0.90, 1.00, 1.00, 0.95, 0.86, 0.60])

#: Absorbance of each dye at concentration 1.
DYES: Final[Mapping[str, tuple[float, ...]]] = {
    # Soret band in the violet, the pair of oxyhemoglobin in the green.
    "hemoglobin": (1.00, 0.50, 0.32, 0.50, 0.44, 0.08, 0.04, 0.03),
    # Eosin Y bound to protein: green.
    "eosin": (0.16, 0.34, 0.92, 1.00, 0.14, 0.02, 0.01, 0.00),
    # Azure B: orange and red, with the shoulder of its dimer.
    "azure": (0.06, 0.04, 0.08, 0.26, 0.62, 0.94, 1.00, 0.40),
    # The complex of azure B and eosin on chromatin, which neither dye gives alone: the Romanowsky purple.
    "purple": (0.14, 0.16, 0.52, 1.00, 0.92, 0.52, 0.30, 0.12),
}

_ABSORBANCE: Final = np.array([*DYES.values()])

#: CIE 1931 color matching functions at the bands (CIE 018:2019).
_CIE_1931: Final = np.array(
    [
        (0.1344, 0.2908, 0.0049, 0.2904, 0.9163, 0.8544, 0.1649, 0.0114),
        (0.0040, 0.0600, 0.3230, 0.9540, 0.8700, 0.3810, 0.0610, 0.0041),
        (0.6456, 1.6692, 0.2720, 0.0203, 0.0017, 0.0002, 0.0000, 0.0000),
    ]
)
#: IEC 61966-2-1.
_XYZ_TO_SRGB: Final = np.array([(3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570)])


def _linear_srgb() -> NDArray[np.float64]:
    weights = _XYZ_TO_SRGB @ _CIE_1931 * LAMP
    return np.asarray(weights / weights.sum(1, keepdims=True))


#: Transmittance a band -> linear sRGB `[3, bands]` of an observer adapted to the lamp: the clear field is white.
LINEAR_SRGB: Final = _linear_srgb()
#: Transmittance a band -> luma `[bands]` (ITU-R BT.709).
LUMA: Final = np.array([0.2126, 0.7152, 0.0722]) @ LINEAR_SRGB


def concentrations(mixture: Mixture) -> NDArray[np.float64]:
    """The mixture as a vector over `DYES`."""
    return np.array([mixture.get(name, 0.0) for name in DYES])


def transmittance(dyes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Concentrations `[dyes, H, W]` -> the share of light that passes in each band `[bands, H, W]`."""
    return np.exp(mixed((-np.log(10) * _ABSORBANCE).T, dyes))


def mixed(weights: NDArray[np.float64], planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of planes: weights `[..., N]` and planes `[N, ...]`. For so few of them a BLAS only wakes its threads."""
    return np.asarray(np.einsum("...n,nhw->...hw", weights, planes))


def developed(mixture: Mixture) -> NDArray[np.float64]:
    """Linear sRGB of light that went through `mixture`, the clear field being 1."""
    return np.asarray(LINEAR_SRGB @ _passed(concentrations(mixture)))


def matched(mixture: Mixture, to: Mixture, free: tuple[str, str]) -> Mixture:
    """`mixture` with so much of two `free` dyes that it has the luma and the blue of `to`: red alone tells them apart.

    Found by Newton's method. Raises ValueError where it would take less than nothing of a dye.
    """
    seen = np.stack([LUMA, LINEAR_SRGB[2]])
    wanted = seen @ _passed(concentrations(to))
    dyes, moved = concentrations(mixture), [[*DYES].index(name) for name in free]
    for _ in range(20):
        passed = _passed(dyes)
        slope = -np.log(10) * seen @ (passed * _ABSORBANCE[moved]).T
        dyes[moved] += np.linalg.solve(slope, wanted - seen @ passed)
    if not np.allclose(seen @ _passed(dyes), wanted) or (dyes < 0).any():
        raise ValueError(f"no mixture of {' and '.join(free)} has the luma and the blue of {dict(to)}")
    return dict(zip(DYES, dyes.tolist(), strict=True))


def _passed(dyes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 ** -(dyes @ _ABSORBANCE))
