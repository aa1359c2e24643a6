"""Correlation with small kernels as sums of shifted images, with hand-written derivatives.

For the few-tap, single-channel kernels of a camera this beats a general convolution several times over, and it adds
up every pixel in the same order wherever the pixel lies, so that a tile develops to the very bits of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from driftlab.isp.once import once_differentiable
from driftlab.isp.stage import stacked

__all__ = ["correlate", "correlate_wgsl", "gaussian", "gaussian_wgsl", "kernel_of", "padded", "radius_of"]


def padded(image: Tensor, rows: int, columns: int, mode: str = "reflect") -> Tensor:
    """`image` `[B, C, H, W]` with `rows` above and below and `columns` left and right.

    `mode` is "reflect" (mirrored without repeating the edge, which keeps the phases of a Bayer mosaic), "symmetric"
    (mirrored with the edge repeated), "replicate" or "constant" (zeros). Images smaller than the border are mirrored
    as often as it takes.
    """
    height, width = image.shape[-2:]
    if mode == "constant" or mode == "replicate" or (mode == "reflect" and rows < height and columns < width):
        return F.pad(image, (columns, columns, rows, rows), mode=mode)
    if mode == "symmetric" and rows <= height and columns <= width:
        image = torch.cat([image[..., :rows, :].flip(-2), image, image[..., height - rows :, :].flip(-2)], -2)
        return torch.cat([image[..., :columns].flip(-1), image, image[..., width - columns :].flip(-1)], -1)
    down, across = _mirrored(height, rows, mode), _mirrored(width, columns, mode)
    return image[..., down.to(image.device), :][..., across.to(image.device)]


def _mirrored(size: int, border: int, mode: str) -> Tensor:
    """Indices of `size` samples mirrored `border` beyond both ends."""
    at = torch.arange(-border, size + border)
    if mode == "reflect":
        period = max(2 * size - 2, 1)
        at = at.remainder(period)
        return torch.minimum(at, period - at) if size > 1 else torch.zeros_like(at)
    at = at.remainder(2 * size)
    return torch.minimum(at, 2 * size - 1 - at)


def correlate(image: Tensor, kernel: Tensor) -> Tensor:
    """Sum over (i, j) of `kernel[i, j]` times `image` moved by (i, j).

    `image` is `[B, C, H + n - 1, W + m - 1]`, already padded; `kernel` is `[n, m]`, or `[B, n, m]` for one a batch
    entry; the result is `[B, C, H, W]`.
    """
    result: Tensor = _Correlate.apply(image, kernel)  # type: ignore[no-untyped-call]
    return result


def kernel_of(*weights: Tensor) -> Tensor:
    """Parameters, row by row, as a square kernel `[n, n]`, or `[B, n, n]` where any of them is a batch."""
    side = math.isqrt(len(weights))
    kernels = stacked(*weights).reshape(-1, side, side)
    return kernels[0] if len(kernels) == 1 else kernels


def _windows(image: Tensor, kernel: Tensor) -> tuple[int, int]:
    return image.shape[-2] - kernel.shape[-2] + 1, image.shape[-1] - kernel.shape[-1] + 1


def _forward(image: Tensor, kernel: Tensor) -> Tensor:
    height, width = _windows(image, kernel)
    numbers = kernel.tolist() if kernel.ndim == 2 else None
    out: Tensor | None = None
    for i in range(kernel.shape[-2]):
        for j in range(kernel.shape[-1]):
            if numbers and not numbers[i][j]:
                continue
            moved = image[..., i : i + height, j : j + width]
            if out is None:
                out = moved * (numbers[i][j] if numbers else kernel[:, i, j, None, None, None])
            elif numbers:
                out.add_(moved, alpha=numbers[i][j])
            else:
                out.addcmul_(moved, kernel[:, i, j, None, None, None])
    return image.new_zeros(*image.shape[:2], height, width) if out is None else out


def _kernel_gradient(image: Tensor, grad: Tensor, kernel: Tensor) -> Tensor:
    """Sum over all pixels of `grad` times `image` moved by (i, j), for every weight.

    With zeros at the ends of its rows, `grad` laid out as `image` is, each of these is a sum over one run of memory.
    (A dot product would be slower: what is moved by a sample is not aligned.)
    """
    rows, columns = kernel.shape[-2:]
    batch = 1 if kernel.ndim == 2 else len(grad)
    flat_image = image.expand(len(grad), -1, -1, -1).reshape(batch, -1)
    flat_grad = F.pad(grad, (0, columns - 1, 0, rows - 1)).reshape(batch, -1)
    products, last = torch.empty_like(flat_grad), flat_image.shape[1]
    sums = []
    for at in (i * image.shape[-1] + j for i in range(rows) for j in range(columns)):
        sums.append(torch.mul(flat_image[:, at:], flat_grad[:, : last - at], out=products[:, : last - at]).sum(1))
    return torch.stack(sums, -1).reshape(kernel.shape)


class _Correlate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(image, kernel)
        ctx.save_for_forward(image, kernel)
        return _forward(image, kernel)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        image, kernel = ctx.saved_tensors
        rows, columns = kernel.shape[-2:]
        grad_image = grad_kernel = None
        if ctx.needs_input_grad[0]:
            wide = F.pad(grad, (columns - 1, columns - 1, rows - 1, rows - 1))
            grad_image = _forward(wide, kernel.flip(-2, -1)).sum_to_size(image.shape)
        if ctx.needs_input_grad[1]:
            grad_kernel = _kernel_gradient(image, grad, kernel)
        return grad_image, grad_kernel

    @staticmethod
    def jvp(ctx: Any, image_tangent: Tensor | None, kernel_tangent: Tensor | None) -> Tensor:
        image, kernel = ctx.saved_tensors
        if image_tangent is None:
            image_tangent = torch.zeros_like(image)
        if kernel_tangent is None:
            return _forward(image_tangent, kernel)
        return _forward(image_tangent, kernel) + _forward(image, kernel_tangent)


def radius_of(sigma: Tensor) -> int:
    """Where the largest gaussian of `sigma` is cut off: 4 sigma, rounded, as scipy.ndimage does."""
    return int(4 * float(sigma.detach().max()) + 0.5)


def gaussian(image: Tensor, sigma: Tensor, mode: str) -> Tensor:
    """`image` `[B, C, H, W]` blurred by a normalized gaussian of `sigma` px, cut off at 4 sigma.

    `sigma` is 0-d or `[B, 1, 1, 1]` and differentiable; the border is padded by `mode`. Zero is the identity.
    """
    radius = radius_of(sigma)
    if not radius:
        return image
    flat = sigma.reshape(-1, 1)
    offsets = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    inside = offsets.abs() <= (4 * flat.detach() + 0.5).floor()  # each its own cut, so that a batch equals a loop
    weights = torch.exp(-0.5 * (offsets / flat.clamp_min(1e-2)) ** 2) * inside
    weights = weights / weights.sum(-1, keepdim=True)
    weights = weights[0] if len(weights) == 1 else weights
    return correlate(correlate(padded(image, radius, radius, mode), weights[..., :, None]), weights[..., None, :])


def gaussian_wgsl(sigma: str, sample: str) -> str:
    """WGSL that declares `mean`, a line's `gaussian`; `sample` reads it `k` samples on (beyond the border too)."""
    return f"""
    let radius = i32(4.0 * {sigma} + 0.5);
    let width = max({sigma}, 0.01);
    var total = 0.0;
    var weight = 0.0;
    for (var k = -radius; k <= radius; k++) {{
        let distance = f32(k) / width;
        let w = exp(-0.5 * distance * distance);
        total += w * ({sample});
        weight += w;
    }}
    let mean = total / weight;"""


def correlate_wgsl(taps: Iterable[tuple[int, int, str]], border: str) -> str:
    """A WGSL sum of samples of one plane: `taps` are row and column from the middle, and a weight.

    `border` is the function that brings a place beyond the border back (`mirrored`, `repeated`), or "zero".
    """
    places = ((f"at + vec2i({column}, {row})", weight) for row, column, weight in taps)
    if border == "zero":
        return " + ".join(f"({w}) * select(0.0, load(clamped({at}), 0), inside({at}))" for at, w in places)
    return " + ".join(f"({w}) * load({border}({at}), 0)" for at, w in places)
