"""The limit of hand-written derivatives: they have none of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch

from driftlab.isp.stage import IspError

__all__ = ["once_differentiable"]

T = TypeVar("T")


def once_differentiable(backward: Callable[..., T]) -> Callable[..., T]:
    """A `backward` that refuses to be differentiated again.

    Torch's own decorator of this name lets second derivatives through as zeros where the incoming gradient is a
    constant: a wrong number without a word.
    """

    @wraps(backward)
    def checked(ctx: Any, *grads: Any) -> T:
        if torch.is_grad_enabled():  # which it is in a backward that create_graph=True asked for
            raise IspError("The data model has first derivatives only: leave out create_graph=True.")
        return backward(ctx, *grads)

    return checked
