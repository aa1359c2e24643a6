"""The `paper` pipeline against a plain torch transcription of the paper's parametrised model, all 69 parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from driftlab.bench.measure import Result, versus
from driftlab.bench.plain import plain_paper_model
from driftlab.errors import DriftlabError
from driftlab.isp.pipeline import PAPER, run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Sensor
from driftlab.raw.frame import CFA

__all__ = ["results"]

FRAMES, SIZE, WHITE = 8, 256, 65535.0
INNER: Final = np.s_[..., 4:-4, 4:-4]
#: The keys of each group of the paper's parameters, in the plain model's order.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "black": tuple(f"black_level.{c}" for c in ("r", "g1", "g2", "b")),
    "green": tuple(f"demosaic.g{i}{j}" for i in range(3) for j in range(3)),
    "red_blue": tuple(f"demosaic.rb{i}{j}" for i in range(3) for j in range(3)),
    "gains": tuple(f"white_balance.{c}" for c in "rgb"),
    "matrix": tuple(f"color_matrix.{out}{into}" for out in "rgb" for into in "rgb"),
    "sharpen": tuple(f"sharpen.k{i}{j}" for i in range(3) for j in range(3)),
    "denoise": tuple(f"denoise.k{i}{j}" for i in range(5) for j in range(5)),
    "gamma": ("tone.gamma",),
}
KEYS: Final = tuple(key for keys in GROUPS.values() for key in keys)


def results() -> Iterator[Result]:
    """Forward; forward and backward; and forward against the memory traffic that no implementation can avoid."""
    mosaics = _mosaics()
    sensor = Sensor(CFA.parse("RGGB"), (0.0,) * 4, WHITE, (SIZE, SIZE))
    settings = PAPER.settings().changed(
        {
            **{f"{stage}.method": "kernel" for stage in ("demosaic", "sharpen", "denoise")},
            **{"white_balance.r": 1.3, "white_balance.b": 1.2, "color_matrix.rr": 1.2, "color_matrix.rg": -0.2},
        }
    )
    theta = _theta(settings)
    weights = torch.zeros(FRAMES, 3, SIZE, SIZE)  # none at the borders, that the two pad differently before denoising
    weights[INNER] = torch.rand(weights[INNER].shape, generator=torch.Generator().manual_seed(1))

    def ours() -> Tensor:
        with torch.inference_mode():
            return run(mosaics, settings, sensor, PAPER)

    def plain() -> Tensor:
        with torch.inference_mode():
            return plain_paper_model(mosaics[:, 0] / WHITE, theta)

    def ours_and_back() -> Tensor:
        leaves = {key: torch.tensor(settings.number(key), requires_grad=True) for key in KEYS}
        (run(mosaics, {**settings, **leaves}, sensor, PAPER) * weights).sum().backward()
        return torch.stack([leaf.grad for leaf in leaves.values() if leaf.grad is not None])

    def plain_and_back() -> Tensor:
        leaves = {name: value.clone().requires_grad_() for name, value in theta.items()}
        (plain_paper_model(mosaics[:, 0] / WHITE, leaves) * weights).sum().backward()
        return torch.cat([leaf.grad.flatten() for leaf in leaves.values() if leaf.grad is not None])

    _check_same(ours(), plain(), ours_and_back(), plain_and_back())
    per = mosaics.numel() * 1e-9
    yield versus("forward", ours, plain, per=per, unit="ns/px")
    yield versus("forward and backward in 69 parameters", ours_and_back, plain_and_back, per=per, unit="ns/px")
    yield versus("forward, against copying samples in and RGB out", ours, _traffic(mosaics), per=per, unit="ns/px")


def _mosaics() -> Tensor:
    """Smooth, lightly noisy frames that no clip is met in: the two sides differ in what they do beyond it."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    light = np.stack([0.4 + 0.1 * np.sin(x / (11 + k) + k) * np.cos(y / (17 + k)) for k in range(FRAMES)])
    return torch.from_numpy(np.round(WHITE * (light + rng.normal(0, 0.002, light.shape)))).float()[:, None]


def _theta(settings: Settings) -> dict[str, Tensor]:
    """The plain model's parameters."""
    sides = {"green": (3, 3), "red_blue": (3, 3), "matrix": (3, 3), "sharpen": (3, 3), "denoise": (5, 5), "gamma": ()}
    numbers: dict[str, Any] = {name: [settings.number(key) for key in keys] for name, keys in GROUPS.items()}
    theta = {name: torch.tensor(values).reshape(sides.get(name, (-1,))) for name, values in numbers.items()}
    return theta | {"black": theta["black"] / WHITE}


def _check_same(ours: Tensor, plain: Tensor, our_gradient: Tensor, plain_gradient: Tensor) -> None:
    scale = torch.ones_like(our_gradient)
    scale[:4] = WHITE  # black levels in DN
    apart = (our_gradient * scale - plain_gradient).abs() / plain_gradient.abs()
    if (ours[INNER] - plain[INNER]).abs().max() > 1e-4 or apart.max() > 1e-3:
        raise DriftlabError("The two sides of the bench do not compute the same: report this as a defect.")


def _traffic(mosaics: Tensor) -> Any:
    picture = torch.empty(FRAMES, 3, SIZE, SIZE)
    return lambda: picture.copy_(mosaics.expand_as(picture))
