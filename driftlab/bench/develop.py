"""A 24-megapixel file to an 8-bit picture, decoding included, against LibRaw's own development of the same file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rawpy

from driftlab.bench.measure import Result, versus
from driftlab.errors import DriftlabError
from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA
from driftlab.raw.dng import write_dng
from driftlab.raw.frame import CFA, ColorMatrix, RawFrame
from driftlab.raw.load import load_raw

__all__ = ["results"]

HEIGHT, WIDTH = 4000, 6000
MEGABYTE = 1 << 20

OURS = "import sys; from driftlab.bench.develop import ours; ours(sys.argv[1])"
LIBRAW = "import sys, rawpy; rawpy.imread(sys.argv[1]).postprocess(use_camera_wb=True)"
PEAK = "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
PEAK_WITH_DECODER = (
    "\nimport resource; from driftlab.raw.child import close_idle; close_idle()"
    "\nprint(sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))"
)


def results() -> Iterator[Result]:
    """Time against LibRaw's default and linear development, and peak memory of a process that does nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "24-megapixel.dng"
        write_dng(large_frame(), path, compress=True)
        per = HEIGHT * WIDTH * 1e-9
        yield versus(
            "against LibRaw's default (AHD)", lambda: ours(path), lambda: _libraw(path), per=per, unit="ns/px", rounds=3
        )
        linear = rawpy.DemosaicAlgorithm.LINEAR
        yield versus(
            "against LibRaw's linear demosaic",
            lambda: ours(path),
            lambda: _libraw(path, linear),
            per=per,
            unit="ns/px",
            rounds=3,
        )
        mine, theirs = _peak(OURS + PEAK_WITH_DECODER, path), _peak(LIBRAW + PEAK, path)
        yield Result("peak memory, decoder process included, against LibRaw's", mine, theirs, "MB", theirs / mine)


def ours(path: Path | str) -> object:
    """The whole way with the defaults of the `camera` pipeline."""
    frame = load_raw(path)
    return develop(frame, CAMERA.settings(frame), bits=8)


def _libraw(path: Path, demosaic: rawpy.DemosaicAlgorithm | None = None) -> object:
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(use_camera_wb=True, demosaic_algorithm=demosaic)


def _peak(script: str, path: Path) -> float:
    """Peak resident memory in MB of a fresh process that runs the script."""
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DriftlabError(f"The peak memory can't be measured here: {done.stderr.strip().splitlines()[-1]}.")
    return int(done.stdout) * 1024 / MEGABYTE


def large_frame() -> RawFrame:
    """A 14-bit Bayer frame of waves and noise, about as hard to compress as a photograph."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:500, :500]
    light = 0.4 + 0.3 * np.sin(x / 37) * np.cos(y / 23)
    block = 512 + light * 15_000 + rng.normal(0, 60, light.shape)
    mosaic = np.tile(np.round(block), (HEIGHT // 500, WIDTH // 500)).astype(np.float32)[None]
    matrix = ColorMatrix(((1.6, -0.4, -0.2), (-0.2, 1.5, -0.3), (0.0, -0.5, 1.5)), "made up")
    return RawFrame(
        mosaic,
        CFA.parse("RGGB"),
        black=(512.0,) * 4,
        white=16383.0,
        bits=14,
        gains=(2.0, 1.0, 1.6),
        gains_source="made up",
        matrix=matrix,
        name="bench",
        sha256="",
        decoder="none",
        make="driftlab",
        model="bench",
    )
