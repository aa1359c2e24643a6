"""What every room's exception is: a sentence for the person at the screen."""

__all__ = ["DriftlabError"]


class DriftlabError(Exception):
    """Something was asked for that can't be done; the message is one sentence that names the mend.

    The command line prints it and exits with 2, a window shows it. Each room raises its own kind.
    """
