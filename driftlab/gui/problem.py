"""What went wrong, as the window tells it: a sentence, details to copy, and what may be tried again."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from driftlab.errors import DriftlabError

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """One message of the message bar."""

    sentence: str
    details: str = ""
    retry: Callable[[], None] | None = None

    @classmethod
    def of(cls, error: BaseException, retry: Callable[[], None] | None = None) -> Problem:
        """An exception: its own sentence where it is one of ours, and its traceback as details."""
        details = "".join(traceback.format_exception(error))
        if isinstance(error, DriftlabError):
            return cls(str(error), details, retry)
        return cls(f"Something failed that should not ({type(error).__name__}: {error}).", details, retry)
