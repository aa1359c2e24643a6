"""What data sets raise."""

from driftlab.errors import DriftlabError

__all__ = ["DataError"]


class DataError(DriftlabError):
    """Data that can't be used; the message is one sentence that names the mend."""
