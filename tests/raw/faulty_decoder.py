"""Stands in for `driftlab.raw.decode` and does by the file's name what damaged files make a decoder do."""

from __future__ import annotations

import os
import signal
import sys
import threading


def main() -> None:
    for asked, line in enumerate(sys.stdin):
        if "crash" in line or ("tired" in line and asked):
            os.kill(os.getpid(), signal.SIGSEGV)
        if "quit" in line:
            sys.exit(3)
        if "hang" in line:
            threading.Event().wait()
        print('{"error": "answered"}', flush=True)


main()
