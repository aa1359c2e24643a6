"""Sensor files -> RawFrame, and back to DNG."""
