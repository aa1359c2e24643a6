"""Where a result was made: the program and its own code, the libraries, the machine; and what differs every time."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

from driftlab import __version__
from driftlab.report.self_test import self_test

__all__ = ["environment_of", "tool", "volatile"]

NAME: Final = "driftlab"


@cache
def tool() -> dict[str, Any]:
    """Name, version, the digest of the program's own code, and the result of its self test."""
    package = Path(__file__).resolve().parents[1]
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(package).as_posix()}\n"
        for path in sorted(package.rglob("*.py"))
    ]
    return {
        "name": NAME,
        "version": __version__,
        "code_sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "self_test": self_test(),
    }


def environment_of(device: str) -> dict[str, Any]:
    """The system and the libraries that took part; `packages_sha256` is of the lines `name==version`."""
    packages = _packages()
    lines = "".join(f"{name}=={version}\n" for name, version in packages)
    return {
        "os": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "libraw": _libraw(),
        "device": device,
        "packages": [{"name": name, "version": version} for name, version in packages],
        "packages_sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def volatile(started: datetime | None) -> dict[str, Any]:
    """What differs between two runs of one search: times, folder and machine."""
    now = datetime.now(UTC)
    return {
        "created_utc": _stamp(now),
        "criterion_fixed_utc": _stamp(started) if started else None,
        "seconds": (now - started).total_seconds() if started else None,
        "folder": os.getcwd(),
        "os_release": platform.release(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@cache
def _packages() -> list[tuple[str, str]]:
    """What driftlab requires, without its extras, and the version that is there."""
    try:
        lines = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:  # run from a folder that nobody installed
        lines = ["numpy", "rawpy", "torch"]
    names = [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in lines if "extra ==" not in line]
    found = []
    for name in sorted(names):
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _libraw() -> str:
    import rawpy  # only for its version

    return ".".join(map(str, rawpy.libraw_version))
