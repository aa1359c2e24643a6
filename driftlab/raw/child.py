"""The decoder as a process of its own: started, asked, timed, ended, and never able to take this process down.

A process answers one request at a time; it is kept for the next file and ends when this process does. Requests and
answers are JSON lines and samples come through an anonymous file, so nothing that a decoder sends can run code here.
`ask` may be called from any thread, and after a fork.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.description import Undescribed
from driftlab.raw.frame import RawError

__all__ = ["ask"]

MODULE: Final = "driftlab.raw.decode"


class ChildDied(Exception):
    """The process ended without an answer; the text says how."""


class ChildLate(Exception):
    """The process took too long and was ended."""


class Child:
    """One decoder process, and the anonymous file through which it hands samples."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.used = False
        self.samples, self.path = _anonymous_file()
        root = str(Path(__file__).resolve().parents[2])
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, self.path or str(self.samples)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=() if self.path else (self.samples,),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
                "OPENBLAS_NUM_THREADS": "1",  # every thread of it would reserve address space under the limit
            },
        )

    def ask(self, question: dict[str, Any], seconds: float, meanwhile: Callable[[], object]) -> dict[str, Any]:
        """The answer to `question` within `seconds`; `meanwhile` runs while the process works."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self.process.kill()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            answer = self._exchange(json.dumps(question).encode() + b"\n", meanwhile)
            code = None if answer.endswith(b"\n") else self.process.wait()
        finally:
            timer.cancel()
            timer.join()
        if late.is_set():
            raise ChildLate
        if code is not None:
            raise ChildDied(signal.Signals(-code).name if code < 0 else f"exit code {code}")
        parsed: dict[str, Any] = json.loads(answer)
        return parsed

    def _exchange(self, line: bytes, meanwhile: Callable[[], object]) -> bytes:
        """The line that answers `line`, empty when the process is gone."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.used = True
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            return b""
        meanwhile()
        return self.process.stdout.readline()

    def mosaic(self, shape: tuple[int, ...], dtype: str) -> NDArray[np.float32]:
        """The samples of the last answer as float32; the anonymous file is emptied."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with mmap.mmap(self.samples, size, access=mmap.ACCESS_READ) as mapped:
            stored = np.frombuffer(mapped, dtype).reshape(shape)
            mosaic = stored.astype(np.float32)
            del stored  # a mapping in use cannot be closed
        os.truncate(self.samples, 0)
        return mosaic

    def close(self) -> None:
        """End the process and free what it holds; a copy inherited by a fork leaves the process alone."""
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # a question that was never read
                    pipe.close()
        os.close(self.samples)
        if self.path and self.owner == os.getpid():
            os.unlink(self.path)


def _anonymous_file() -> tuple[int, str]:
    """A descriptor of an empty file without a name, and ""; or with its path where descriptors are not inherited."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("driftlab-samples"), ""
    descriptor, path = tempfile.mkstemp(prefix="driftlab-samples-")
    if os.name == "posix":
        os.unlink(path)
        return descriptor, ""
    return descriptor, path


#: Processes that wait for a question. List operations are atomic: whoever pops one has it for itself.
_idle: Final[list[Child]] = []


def _take(*, fresh: bool) -> Child:
    """An idle process of this very process, else a new one."""
    while _idle and not fresh:
        try:
            child = _idle.pop()
        except IndexError:  # another thread was faster
            break
        if child.owner == os.getpid() and child.process.poll() is None:
            return child
        child.close()
    return Child()


@atexit.register
def close_idle() -> None:
    """End every idle process."""
    while _idle:
        _idle.pop().close()


def ask(
    question: dict[str, Any], seconds: float, *, meanwhile: Callable[[], object] = lambda: None
) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Facts and samples, float32 `[C, H, W]`, that the decoder finds for `question` within `seconds` of wall time.

    Raises RawError, or Undescribed, with the decoder's own sentence, or when it crashes or takes too long. A process
    that crashes after it has read other files is given a second chance as a fresh one: the harm may be an earlier
    file's.
    """
    name = Path(question["path"]).name
    for fresh in (False, True):
        child = _take(fresh=fresh)
        again = child.used
        try:
            answer = child.ask(question, seconds, meanwhile)
            mosaic = None if "error" in answer else child.mosaic(tuple(answer["shape"]), answer["dtype"])
        except ChildLate:
            child.close()
            raise RawError(
                f"Decoding '{name}' took longer than {seconds:.0f} s and was ended: the file is damaged, "
                "or raise the limit with --time-limit."
            ) from None
        except ChildDied as death:
            child.close()
            if again:
                continue
            raise RawError(f"The decoder crashed on '{name}' ({death}): the file is damaged.") from None
        except BaseException:  # an interrupt leaves an answer on its way: never mistake it for the next one
            child.close()
            raise
        _idle.append(child)
        if mosaic is None:
            raise (Undescribed if answer.get("undescribed") else RawError)(answer["error"])
        return answer["facts"], mosaic
    raise AssertionError("a fresh process either answers or raises")
