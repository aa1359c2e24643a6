"""Sensor files -> RawFrame, and back to DNG."""

from driftlab.raw.description import Description
from driftlab.raw.frame import CFA, CHANNELS, ColorMatrix, Origin, RawError, RawFrame
from driftlab.raw.limits import Limits
from driftlab.raw.load import load_raw
from driftlab.raw.unprocess import Unprocess

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
