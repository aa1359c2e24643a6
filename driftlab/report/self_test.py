"""A quick test of the program itself, whose result stands in every report: does the data model do what it says here?

The gradients of a small planted frame are held against finite differences, and a batch against its parts, in float64.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from driftlab.isp.pipeline import CAMERA, run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Sensor
from driftlab.raw.frame import CFA

__all__ = ["self_test"]

#: Parameters of stages before, in and after the demosaic.
KEYS: Final = ("exposure.ev", "optics.blur", "black_level.r", "white_balance.r", "color_matrix.rg", "tone.gamma")
AT: Final = {"optics.blur": 0.7, "black_level.r": 64.0, "tone.gamma": 2.2}
SIDE: Final = 16
STEP: Final = 1e-5
#: The largest relative error of a gradient, and the largest difference of a batch from its parts.
LIMITS: Final = (1e-3, 1e-9)


@cache
def self_test() -> dict[str, Any]:
    """`passed`, and of every check its name, value, limit and whether it passed; the same values every time."""
    checks = [
        _check("gradient against finite differences, largest relative error", _gradient_error(), LIMITS[0]),
        _check("batch against single runs, largest difference", _batch_error(), LIMITS[1]),
    ]
    return {"passed": all(check["passed"] for check in checks), "checks": checks}


def _check(name: str, value: float, limit: float) -> dict[str, Any]:
    passed = value <= limit
    return {"name": name, "value": float(f"{value:.0e}") if passed else value, "limit": limit, "passed": passed}


def _planted() -> tuple[Tensor, Sensor, Settings]:
    """A smooth mosaic in DN, `[1, 1, SIDE, SIDE]`, its sensor, and settings without steps."""
    sensor = Sensor(CFA.parse("RGGB"), (64.0,) * 4, 4095.0, (SIDE, SIDE), step=0.0)
    down, across = torch.meshgrid(*[torch.arange(SIDE, dtype=torch.float64)] * 2, indexing="ij")
    mosaic = 700 + 300 * torch.sin(across / 3) * torch.cos(down / 4)
    smooth: dict[str, Any] = {"quantization.on": False, "jpeg.on": False, "tone.curve": "power", "tone.brightness": 0.0}
    return mosaic[None, None], sensor, CAMERA.settings().changed({**smooth, **AT})


def _answer(moved: dict[str, Any]) -> Tensor:
    """One number a picture: a weighted sum, in which no two pixels count the same."""
    mosaic, sensor, settings = _planted()
    picture = run(mosaic, {**settings, **moved}, sensor, CAMERA)
    weights = torch.linspace(-1, 1, picture[0].numel(), dtype=torch.float64).reshape(picture[0].shape)
    return (picture * weights).flatten(1).sum(1)


def _gradient_error() -> float:
    _, _, settings = _planted()
    places = {key: torch.tensor(settings.number(key), dtype=torch.float64, requires_grad=True) for key in KEYS}
    gradients = torch.autograd.grad(_answer(places).sum(), list(places.values()))
    errors = []
    for key, gradient in zip(KEYS, gradients, strict=True):
        step = STEP * max(abs(settings.number(key)), 1.0)
        ends = torch.tensor([settings.number(key) + sign * step for sign in (-1, 1)], dtype=torch.float64)
        low, high = _answer({key: ends}).tolist()
        slope = (high - low) / (2 * step)
        errors.append(abs(float(gradient) - slope) / max(abs(slope), 1e-9))
    return float(max(errors))


def _batch_error() -> float:
    gains = torch.tensor([0.8, 1.0, 1.7], dtype=torch.float64)
    together = _answer({"white_balance.r": gains})
    alone = torch.cat([_answer({"white_balance.r": gain}) for gain in gains])
    return float((together - alone).abs().max())
