"""The command line: arguments -> calls of the Python API -> output. One file a command.

Nothing heavy is imported before a command needs it: `--help` and `--version` load neither torch nor LibRaw nor Qt.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any, NoReturn

from driftlab import __version__
from driftlab.cli import (
    attack,
    bench,
    check,
    demo,
    develop,
    gui,
    info,
    predict,
    replay,
    report,
    sensitivity,
    stages,
    sweep,
    tolerance,
)
from driftlab.errors import DriftlabError

__all__ = ["main"]

COMMANDS = (
    info,
    stages,
    develop,
    predict,
    sensitivity,
    sweep,
    tolerance,
    attack,
    check,
    report,
    replay,
    demo,
    bench,
    gui,
)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence and its mend; options are written out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}: see `{self.prog} --help`.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="driftlab",
        description="See how a camera's raw data and its image processing move the answer of a vision model.",
        epilog="Settings are keys such as white_balance.r; `driftlab stages` lists them.",
    )
    top.add_argument("--version", action="version", version=f"driftlab {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        command.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 2 for what can't be done (a sentence on stderr), 130 interrupted."""
    # Before torch is loaded: its threads shall sleep, not spin, while they wait for one that has lost its core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    given = sys.argv[1:] if argv is None else [*argv]
    arguments = parser().parse_args(given or (["gui"] if gui.is_installed() else []))
    arguments.argv = given  # for a command that records how it was called
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
    except DriftlabError as error:
        print(error, file=sys.stderr)
        code = 2
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        print(f"The output can't be written: {error.strerror or error}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        # Of `driftlab.parallel`: not to wait for pieces that nobody will see. What was being written is cleaned up.
        if any(thread.name.startswith("driftlab") for thread in threading.enumerate()):
            os._exit(130)
        code = 130
    sys.exit(code or 0)
