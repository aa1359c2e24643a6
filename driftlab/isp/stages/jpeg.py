"""JPEG: what baseline compression leaves of a picture (ITU-T T.81), without the bytes.

YCbCr as in JFIF, the standard's example tables scaled to a quality as libjpeg does, blocks of 8×8. All rounding goes
forward; the derivative takes it for the identity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.isp.color import mixed
from driftlab.isp.correlate import padded
from driftlab.isp.stage import Choice, Domain, Param, Pass, Passes, Point, Sensor, Shader, Stage, Values

# T.81, tables K.1 and K.2.
LUMINANCE: Final = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE: Final = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
TO_YCBCR: Final = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB: Final = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def _forward(image: Tensor, p: Values, sensor: Sensor) -> Tensor:
    if p.mode == "off":
        return image
    height, width = image.shape[-2:]
    grid = 16 if p.chroma == "4:2:0" else 8
    wide = F.pad(_rounded(image.clamp(0, 1) * 255), (0, -width % grid, 0, -height % grid), mode="replicate")
    planes = _rounded(mixed(wide, wide.new_tensor([TO_YCBCR])))
    luma, chroma = planes[:, :1] - 128, planes[:, 1:]
    low = 5000 / p.quality
    low = low.detach().floor() + (low - low.detach())  # a whole number of percents, as in libjpeg
    scale = torch.where(p.quality < 50, low, 200 - 2 * p.quality) / 100
    luma = _blocks_rounded(luma, LUMINANCE, scale) + 128
    if p.chroma == "4:2:0":
        chroma = _doubled(_blocks_rounded(_rounded(F.avg_pool2d(chroma, 2)), CHROMINANCE, scale))
    else:
        chroma = _blocks_rounded(chroma, CHROMINANCE, scale)
    out = mixed(torch.cat([luma, chroma], 1), wide.new_tensor([TO_RGB]))[..., :height, :width]
    return _rounded(out.clamp(0, 255)) / 255


def _rounded(x: Tensor) -> Tensor:
    """Rounded forward, unchanged backward."""
    exact = x.detach()
    return torch.floor(exact + 0.5) + (x - exact)


def _blocks_rounded(plane: Tensor, table: tuple[tuple[int, ...], ...], scale: Tensor) -> Tensor:
    """`plane` with the cosine transform of every 8×8 block rounded to the steps of `table` times `scale`."""
    # Half a step rounds up, as in libjpeg's integers.
    steps = _rounded(plane.new_tensor(table)[..., None, None, None, None] * scale.reshape(1, 1, -1, 1, 1, 1))
    steps = steps.clamp(1, 255)
    n = torch.arange(8, dtype=plane.dtype, device=plane.device)
    basis = torch.cos((2 * n + 1) * n[:, None] * (math.pi / 16)) / 2
    basis[0] *= math.sqrt(0.5)
    batch, channels, height, width = plane.shape
    # Row and column within the block first: each transform is then one product with a wide matrix.
    blocks = plane.reshape(batch, channels, height // 8, 8, width // 8, 8).permute(3, 5, 0, 1, 2, 4)
    kept = _rounded(_both_ways(basis, blocks) / steps) * steps
    whole = _both_ways(basis.T, kept).permute(2, 3, 4, 0, 5, 1)
    return _rounded(whole.reshape(-1, channels, height, width))


def _both_ways(basis: Tensor, blocks: Tensor) -> Tensor:
    """The transform of `blocks` `[8, 8, ...]` along their rows and along their columns."""
    for _ in range(2):
        blocks = torch.tensordot(basis, blocks, ([1], [1]))  # transforms the second axis and puts it first
    return blocks


def _doubled(plane: Tensor) -> Tensor:
    """Twice the size by the triangle filter of libjpeg's "fancy" upsampling: 3/4 the nearer, 1/4 the farther sample."""
    for axis in (-1, -2):
        wide = padded(plane, int(axis == -2), int(axis == -1), "replicate")
        size = plane.shape[axis]
        before, middle, after = (wide.narrow(axis, k, size) for k in range(3))
        pair = torch.stack([0.75 * middle + 0.25 * before, 0.75 * middle + 0.25 * after], axis if axis == -1 else -2)
        plane = pair.flatten(-2) if axis == -1 else pair.flatten(-3, -2)
    return plane


def _wgsl(choices: Mapping[str, str], sensor: Sensor) -> Shader:
    if choices["mode"] == "off":
        return Point("return x;")
    half = choices["chroma"] == "4:2:0"
    grid = 16 if half else 8
    # Of half the size, the chroma planes lie in the top left quarter of theirs.
    within = "all(at * 2 < before_size())" if half else "true"
    chroma = (
        """
    let twice = 2 * at;
    let four = jpeg_ycc(twice) + jpeg_ycc(twice + vec2i(1, 0)) + jpeg_ycc(twice + vec2i(0, 1)) + jpeg_ycc(twice + 1);
    return vec3f(jpeg_ycc(at).x, jpeg_whole(four / 4.0).yz);"""
        if half
        else "return jpeg_ycc(at);"
    )
    upsampled = "jpeg_doubled(at, 1), jpeg_doubled(at, 2)" if half else "before(at, 1), before(at, 2)"
    forward, back = "jpeg_basis(k, u)", "jpeg_basis(u, k)"
    sums = {
        (axis, basis): f"""
    let u = at.{axis} & 7;
    let first = at - vec2i({"u, 0" if axis == "x" else "0, u"});
    var total = vec3f(0.0);
    let colored = {within};
    for (var k = 0; k < 8; k++) {{
        let from_ = first + vec2i({"k, 0" if axis == "x" else "0, k"});
        let w = {basis};
        total.x += w * before(from_, 0);
        if (colored) {{ total.y += w * before(from_, 1); total.z += w * before(from_, 2); }}
    }}"""
        for axis in "xy"
        for basis in (forward, back)
    }
    whole = f"""
    let ycc = vec3f(before(at, 0) + 128.0, {upsampled});
    let rgb = vec3f({", ".join(f"dot(ycc, vec3f{row})" for row in TO_RGB)});
    return jpeg_whole(clamp(rgb, vec3f(0.0), vec3f(255.0))) / 255.0;"""
    bodies = (
        chroma,
        f"{sums['x', forward]} return total;",
        f"{sums['y', forward]} return jpeg_rounded(total, at, p.quality);",
        f"{sums['y', back]} return total;",
        f"{sums['x', back]} return jpeg_whole(total);",
    )
    return Passes((*(Pass(body, 3, grid=grid) for body in bodies), Pass(whole, 3)), _helpers(half))


def _helpers(half: bool) -> str:
    ycc = ", ".join(f"dot(rgb, vec3f{row})" for row in TO_YCBCR)
    tables = "".join(
        f"const {name} = array<f32, 64>({', '.join(f'{float(v)}' for row in table for v in row)});\n"
        for name, table in (("JPEG_LUMINANCE", LUMINANCE), ("JPEG_CHROMINANCE", CHROMINANCE))
    )
    cosines = ", ".join(f"{0.5 * math.cos(math.pi * k / 16)}" for k in range(32))
    doubled = """
fn jpeg_doubled(at: vec2i, plane: i32) -> f32 {
    let last = before_size() / 2 - 1;
    let near = at / 2;
    let far = clamp(near + select(vec2i(-1), vec2i(1), (at & vec2i(1)) == vec2i(1)), vec2i(0), last);
    let above = 0.75 * before(near, plane) + 0.25 * before(vec2i(far.x, near.y), plane);
    let below = 0.75 * before(vec2i(near.x, far.y), plane) + 0.25 * before(far, plane);
    return 0.75 * above + 0.25 * below;
}"""
    return f"""
{tables}const JPEG_COSINES = array<f32, 32>({cosines});
fn jpeg_whole(x: vec3f) -> vec3f {{
    return floor(x + 0.5);
}}
fn jpeg_ycc(at: vec2i) -> vec3f {{
    let rgb = jpeg_whole(clamp(load3(clamped(at)), vec3f(0.0), vec3f(1.0)) * 255.0);
    return jpeg_whole(vec3f({ycc})) - vec3f(128.0, 0.0, 0.0);
}}
fn jpeg_basis(sample: i32, frequency: i32) -> f32 {{
    let cosine = JPEG_COSINES[((2 * sample + 1) * frequency) & 31];
    return select(cosine, {0.5 * math.sqrt(0.5)}, frequency == 0);
}}
fn jpeg_rounded(x: vec3f, at: vec2i, quality: f32) -> vec3f {{
    let scale = select(200.0 - 2.0 * quality, floor(5000.0 / quality), quality < 50.0) / 100.0;
    let k = (at.y & 7) * 8 + (at.x & 7);
    let table = vec3f(JPEG_LUMINANCE[k], JPEG_CHROMINANCE[k], JPEG_CHROMINANCE[k]);
    let steps = clamp(jpeg_whole(table * scale), vec3f(1.0), vec3f(255.0));
    return jpeg_whole(x / steps) * steps;
}}{doubled if half else ""}"""


def _reach(p: Values, sensor: Sensor) -> int:
    return 16 if p.chroma == "4:2:0" else 0  # color is interpolated from the next block, which must be whole


STAGE = Stage(
    name="jpeg",
    title="JPEG",
    help="What JPEG compression leaves of the picture.",
    reads=Domain.DISPLAY_RGB,
    writes=Domain.DISPLAY_RGB,
    forward=_forward,
    wgsl=_wgsl,
    reach=_reach,
    block=16,
    gradient="surrogate",
    choices=(
        Choice("mode", "Compression", "off", ("off", "on"), "Whether the picture is compressed."),
        Choice("chroma", "Chroma", "4:2:0", ("4:2:0", "4:4:4"), "Color at half the resolution, or at all of it."),
    ),
    params=(
        Param(
            "quality",
            "Quality",
            default=90.0,
            low=10.0,
            high=100.0,
            hard=(1.0, 100.0),
            when={"mode": ("on",)},
            help="Quality as in libjpeg: 50 are the standard's own tables.",
        ),
    ),
    neutral={"mode": "off"},
    rounds=True,
)
