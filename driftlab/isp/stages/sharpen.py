"""Sharpen: steeper edges in the luma of linear RGB; chroma stays as it is.

`filter` adds `amount` times the four-neighbor Laplacian (with 1, the paper's kernel 0 -1 0 / -1 5 -1 / 0 -1 0, zeros
beyond the border, as there); `unsharp` adds `amount` times the difference to a gaussian of sigma `radius`; `kernel`
frees the nine weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from driftlab.isp.correlate import correlate, correlate_wgsl, gaussian, gaussian_wgsl, kernel_of, padded, radius_of
from driftlab.isp.stage import Choice, Domain, Param, Pass, Passes, Sensor, Shader, Stage, Values

NOMINAL = ((0.0, -1.0, 0.0), (-1.0, 5.0, -1.0), (0.0, -1.0, 0.0))
_LAPLACIAN = ((0.0, -1.0, 0.0), (-1.0, 4.0, -1.0), (0.0, -1.0, 0.0))


def _forward(luma: Tensor, p: Values, sensor: Sensor) -> Tensor:
    if p.method == "filter":
        edges = correlate(padded(luma, 1, 1, "constant"), luma.new_tensor(_LAPLACIAN))
        return torch.addcmul(luma, edges, p.amount)
    if p.method == "unsharp":
        return torch.addcmul(luma, luma - gaussian(luma, p.radius, "symmetric"), p.amount)
    if p.method == "kernel":
        kernel = kernel_of(*(getattr(p, f"k{i}{j}") for i in range(3) for j in range(3)))
        return correlate(padded(luma, 1, 1, "constant"), kernel)
    return luma


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    if choices["method"] == "filter":
        taps = ((i - 1, j - 1, str(_LAPLACIAN[i][j])) for i in range(3) for j in range(3) if _LAPLACIAN[i][j])
        return Passes((Pass(f"return load(at, 0) + p.amount * ({correlate_wgsl(taps, 'zero')});", 1),))
    if choices["method"] == "unsharp":
        down = gaussian_wgsl("p.radius", "load(repeated(at + vec2i(0, k)), 0)")
        along = gaussian_wgsl("p.radius", "before(repeated(at + vec2i(k, 0)), 0)")
        sharp = "let luma = load(at, 0); return luma + p.amount * (luma - mean);"
        return Passes((Pass(f"{down} return mean;", 1), Pass(f"{along} {sharp}", 1)))
    if choices["method"] == "kernel":
        taps = ((i - 1, j - 1, f"p.k{i}{j}") for i in range(3) for j in range(3))
        return Passes((Pass(f"return {correlate_wgsl(taps, 'zero')};", 1),))
    return Passes((Pass("return load(at, 0);", 1),))


def _reach(p: Values, sensor: Sensor) -> int:
    return {"none": 0, "filter": 1, "kernel": 1}.get(p.method, radius_of(p.radius))


STAGE = Stage(
    name="sharpen",
    title="Sharpen",
    help="Makes edges steeper, in brightness only.",
    reads=Domain.LUMA,
    writes=Domain.LUMA,
    forward=_forward,
    wgsl=_wgsl,
    reach=_reach,
    choices=(
        Choice("method", "Method", "none", ("none", "filter", "unsharp", "kernel"), "How edges are made steeper."),
    ),
    params=(
        Param(
            "amount",
            "Amount",
            default=1.0,
            low=0.0,
            high=3.0,
            hard=(-8.0, 16.0),
            when={"method": ("filter", "unsharp")},
            help="How much of the edge is added.",
        ),
        Param(
            "radius",
            "Radius",
            unit="px",
            default=1.0,
            low=0.0,
            high=4.0,
            hard=(0.0, 16.0),
            when={"method": ("unsharp",)},
            help="Sigma of the gaussian that edges are measured against.",
        ),
        *(
            Param(
                f"k{i}{j}",
                f"Kernel {i}, {j}",
                default=NOMINAL[i][j],
                low=-2.0,
                high=6.0,
                hard=(-64.0, 64.0),
                advanced=True,
                when={"method": ("kernel",)},
                help="A weight of the 3×3 kernel, row and column from the top left.",
            )
            for i in range(3)
            for j in range(3)
        ),
    ),
    neutral={"method": "none"},
)
