"""Data sets of camera files, with labels or masks."""
