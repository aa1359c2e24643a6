"""The window: a view of what the Python API does, and nothing that could not be had without it."""
