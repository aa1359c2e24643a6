"""The light on a sensor: its samples above the black level."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from driftlab.isp.stage import Sensor, per_site

__all__ = ["black_of", "on_light"]


def black_of(image: Tensor, sensor: Sensor) -> Tensor:
    """The sensor's own black level in DN at every site of `image`."""
    return per_site(image.new_tensor(sensor.black), sensor.cfa, (image.shape[-2], image.shape[-1]))


def on_light(image: Tensor, sensor: Sensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`image` in DN with `change` made to what lies above the black level."""
    black = black_of(image, sensor)
    return change(image - black) + black
