"""Makes the bundled example anew: `python -m driftlab.demo.make --out DIR --seed 0`.

Writes a sample set of small DNGs with `labels.csv`, trains the network, and measures it. `--frames N` makes a larger
set, `--frames-only` leaves the network out.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import torch

from driftlab.demo.camera import series
from driftlab.demo.scene import CLASSES
from driftlab.demo.train import Recipe, build
from driftlab.raw.dng import write_dng

__all__ = ["SAMPLE", "write_frames"]

#: Frames in the bundled set.
SAMPLE: Final = 40
#: The sample's frames come of another seed than those of training and of the hold-out.
OFFSET: Final = 2_000_000


def write_frames(out: Path, count: int, seed: int) -> Iterator[str]:
    """`count` frames as DNG, the classes taking turns, and `labels.csv` (`file,label`); says each that is written."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (frame, label) in enumerate(series(count, seed + OFFSET)):
        name = f"{CLASSES[label]}-{number // len(CLASSES) + 1:02d}.dng"
        write_dng(frame, out / name, compress=True)
        rows.append((name, CLASSES[label]))
        yield f"{name} written"
    with (out / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "label"), *sorted(rows)])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make the bundled example: simulated frames and a network for them.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the DNGs, labels.csv and the network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", type=int, default=SAMPLE, help=f"how many DNGs to write (default: {SAMPLE})")
    parser.add_argument("--frames-only", action="store_true", help="write the DNGs, train nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)  # as `driftlab.demo.train` does
    start = time.perf_counter()
    network = () if given.frames_only else build(Recipe(), given.seed, given.out)
    for step in chain(write_frames(given.out, given.frames, given.seed), network):
        print(f"{time.perf_counter() - start:6.1f} s  {step}", flush=True)


if __name__ == "__main__":
    main()
