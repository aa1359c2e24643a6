"""What the analyses raise."""

from driftlab.errors import DriftlabError

__all__ = ["AnalysisError"]


class AnalysisError(DriftlabError):
    """A question that can't be answered; the message is one sentence that names the mend."""
