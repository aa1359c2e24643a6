"""Sensor files -> RawFrame, and back to DNG."""

from .description import Description
from .frame import CFA, CHANNELS, ColorMatrix, Origin, RawError, RawFrame
from .limits import Limits
from .load import load_raw
from .unprocess import Unprocess

__all__ = [
    "CFA",
    "CHANNELS",
    "ColorMatrix",
    "Description",
    "Limits",
    "Origin",
    "RawError",
    "RawFrame",
    "Unprocess",
    "load_raw",
]
