"""Demosaic: three colors at every pixel from one sample at each.

`bilinear` is the mean of the nearest samples of a color; `malvar2004` corrects it by the Laplacian of the known color
(Malvar, He & Cutler, ICASSP 2004); `menon2007` follows edges (Menon, Andriani & Calvagno, IEEE TIP 16(1), 2007, with
its refining step); `superpixel` gives one pixel for each smallest square that holds every color; `kernel` is bilinear
with free weights, as the paper trains them. On X-Trans, quad Bayer and other arrays bilinear is a normalized
convolution of every color, and malvar2004 and menon2007 interpolate color differences over it; a monochrome frame is
repeated in all three colors, and a linear one is RGB already.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from driftlab.isp.bayer import (
    BILINEAR_GREEN,
    BILINEAR_RED_BLUE,
    malvar2004,
    malvar2004_wgsl,
    site_masks,
    zero_filled,
    zero_filled_wgsl,
)
from driftlab.isp.correlate import kernel_of
from driftlab.isp.menon import menon2007, menon2007_wgsl
from driftlab.isp.other_arrays import (
    color_differences,
    color_differences_wgsl,
    normalized_convolution,
    normalized_convolution_wgsl,
)
from driftlab.isp.stage import Choice, Domain, IspError, Param, Pass, Passes, Point, Sensor, Shader, Stage, Values


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    kind = sensor.cfa.kind
    if kind == "linear":
        return image
    if kind == "mono":
        return image.expand(-1, 3, -1, -1)
    if p.method == "superpixel":
        return _superpixel(image, sensor)
    if kind == "bayer":
        if p.method == "kernel":
            return zero_filled(image, _weights(p, "g"), _weights(p, "rb"), sensor.cfa)
        if p.method == "bilinear":
            green, red_blue = image.new_tensor(BILINEAR_GREEN), image.new_tensor(BILINEAR_RED_BLUE)
            return zero_filled(image, green, red_blue, sensor.cfa)
        return malvar2004(image, sensor.cfa) if p.method == "malvar2004" else menon2007(image, sensor.cfa)
    if p.method == "kernel":
        raise _no_kernel(sensor)
    if p.method == "bilinear":
        return normalized_convolution(image, sensor.cfa)
    return color_differences(image, sensor.cfa)


def _no_kernel(sensor: Sensor) -> IspError:
    return IspError(
        f"The kernel demosaic is for Bayer mosaics and this one is {sensor.cfa.name}: set demosaic.method to bilinear."
    )


def _weights(p: Values, plane: str) -> Tensor:
    """The free 3×3 kernel of a plane, `[3, 3]` or `[B, 3, 3]`."""
    return kernel_of(*(getattr(p, f"{plane}{i}{j}") for i in range(3) for j in range(3)))


def _superpixel(image: Tensor, sensor: Sensor) -> Tensor:
    side = sensor.cfa.superpixel
    masks = site_masks(sensor.cfa, image)
    return F.avg_pool2d(image * masks, side) / F.avg_pool2d(masks, side)


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    kind, method = sensor.cfa.kind, choices["method"]
    if kind == "linear":
        return Point("return x;")
    if kind == "mono":
        return Passes((Pass("return vec3f(load(at, 0));", 3),))
    if method == "superpixel":
        return Passes((Pass(_SUPERPIXEL.format(side=sensor.cfa.superpixel), 3, shrink=sensor.cfa.superpixel),))
    if kind == "bayer":
        if method == "kernel":
            return zero_filled_wgsl(lambda plane, i, j: f"p.{plane}{i}{j}")
        if method == "bilinear":
            kernels = {"g": BILINEAR_GREEN, "rb": BILINEAR_RED_BLUE}
            return zero_filled_wgsl(lambda plane, i, j: str(kernels[plane][i][j]))
        return malvar2004_wgsl() if method == "malvar2004" else menon2007_wgsl()
    if method == "kernel":
        raise _no_kernel(sensor)
    return normalized_convolution_wgsl(sensor.cfa) if method == "bilinear" else color_differences_wgsl(sensor.cfa)


_SUPERPIXEL = """
    var total = vec3f(0.0);
    var count = vec3f(0.0);
    for (var i = 0; i < {side}; i++) {{
        for (var j = 0; j < {side}; j++) {{
            let place = {side} * at + vec2i(j, i);
            let mine = only(color(place));
            total += mine * load(place, 0);
            count += mine;
        }}
    }}
    return total / count;"""


def _reach(p: Values, sensor: Sensor) -> int:
    if sensor.cfa.kind in ("mono", "linear") or p.method == "superpixel":
        return 0
    if sensor.cfa.kind == "bayer":
        return {"bilinear": 1, "kernel": 1, "malvar2004": 2, "menon2007": 11}[p.method]
    return sensor.cfa.superpixel * (1 if p.method == "bilinear" else 2)


def _shrink(p: Values, sensor: Sensor) -> int:
    return sensor.cfa.superpixel if p.method == "superpixel" else 1


STAGE = Stage(
    name="demosaic",
    title="Demosaic",
    help="Three colors at every pixel from the one that its filter let through.",
    reads=Domain.MOSAIC,
    writes=Domain.CAMERA_RGB,
    forward=_forward,
    wgsl=_wgsl,
    reach=_reach,
    shrink=_shrink,
    choices=(
        Choice(
            "method",
            "Method",
            "malvar2004",
            ("bilinear", "malvar2004", "menon2007", "superpixel", "kernel"),
            "How the missing colors are found; superpixel gives a smaller picture.",
        ),
    ),
    params=tuple(
        Param(
            f"{plane}{i}{j}",
            f"{title} kernel {i}, {j}",
            default=nominal[i][j],
            low=-1.0,
            high=2.0,
            hard=(-16.0, 16.0),
            help="A weight of the 3×3 kernel over the samples of its color, row and column from the top left.",
            advanced=True,
            when={"method": ("kernel",)},
        )
        for plane, title, nominal in (
            ("g", "Green", BILINEAR_GREEN),
            ("rb", "Red and blue", BILINEAR_RED_BLUE),
        )
        for i in range(3)
        for j in range(3)
    ),
    off=None,
)
