"""The bundled example: what ships, and the folder that it leaves."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__
from PIL import Image

from driftlab import resource
from driftlab.demo import DemoError, write_demo
from driftlab.demo.camera import GAINS, MATRIX, series
from driftlab.demo.make import OFFSET, SAMPLE, write_frames
from driftlab.demo.scene import CLASSES, SIZE
from driftlab.demo.sweep import DRIFTS
from driftlab.raw.frame import Origin
from driftlab.raw.load import load_raw


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_ships_is_small_and_whole() -> None:
    folder = resource("demo")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 3_000_000
    labels = rows(folder / "labels.csv")
    assert len(labels) == SAMPLE
    assert [sum(row["label"] == name for row in labels) for name in CLASSES] == [SAMPLE // len(CLASSES)] * len(CLASSES)
    assert {row["file"] for row in labels} == {path.name for path in folder.glob("*.dng")}


def test_what_ships_is_what_the_seed_makes() -> None:
    """Bytes of a DNG may change with its writer; the samples may not."""
    counts = dict.fromkeys(CLASSES, 0)
    for frame, label in series(10, OFFSET):
        name = CLASSES[label]
        counts[name] += 1
        loaded = load_raw(resource(f"demo/{name}-{counts[name]:02d}.dng"))
        assert np.array_equal(loaded.mosaic, frame.mosaic)
        assert loaded.origin is Origin.SIMULATED
        assert loaded.camera == frame.camera
        assert loaded.gains == pytest.approx(GAINS, abs=1e-5)
        assert np.allclose(loaded.matrix.values, MATRIX.values, atol=1e-5)
        assert (loaded.black, loaded.white, loaded.iso) == (frame.black, frame.white, frame.iso)


PROCESSORS = ["", "X86_V4 AVX512_ICL AVX512_SPR", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"]


@pytest.mark.parametrize("lacks", PROCESSORS, ids=["this", "no AVX-512", "no AVX2"])
def test_every_processor_makes_the_same_samples(lacks: str) -> None:
    """Rounding decides in the converter, so the light is in float64: a last bit there hardly ever reaches a sample."""
    unknown = [name for name in lacks.split() if name not in __cpu_features__]
    if unknown:
        pytest.skip(f"this numpy names its vector units otherwise: it has no {', '.join(unknown)}")
    has = [name for name in lacks.split() if __cpu_features__[name]]
    code = (
        "import hashlib; from driftlab.demo.camera import series\n"
        "print(hashlib.sha256(b''.join(frame.mosaic.tobytes() for frame, _ in series(20, 5))).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(has)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "01b505a9b6a6ab3ec5ea18bec1ac77d5a64db52eda0a4f4353452978bb71b660"


def test_a_larger_set_can_be_made(tmp_path: Path) -> None:
    assert len(list(write_frames(tmp_path / "more", 12, 5))) == 12
    labels = rows(tmp_path / "more" / "labels.csv")
    assert len(labels) == len({row["file"] for row in labels}) == 12
    assert load_raw(tmp_path / "more" / labels[0]["file"]).size == (SIZE, SIZE)


def test_the_example_end_to_end(tmp_path: Path) -> None:
    out = tmp_path / "an example"
    steps = list(write_demo(out))
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1

    labels = {f"frames/{row['file']}": row["label"] for row in rows(out / "frames" / "labels.csv")}
    assert all((out / file).is_file() for file in labels)
    predictions = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    assert {row["file"]: row["label"] for row in predictions["predictions"]} == labels
    assert predictions["accuracy"] >= 0.9
    assert [row["answer"] for row in rows(out / "predictions.csv")] == [
        row["answer"] for row in predictions["predictions"]
    ]
    assert all(
        row["answer"] == predictions["labels"][int(np.argmax(row["logits"]))] and row["margin"] >= 0
        for row in predictions["predictions"]
    )

    table = {(row["key"], float(row["value"])): float(row["accuracy"]) for row in rows(out / "drift.csv")}
    assert len(table) == sum(len(drift.values) for drift in DRIFTS)
    for drift in DRIFTS:
        assert table[drift.key, drift.nominal] == pytest.approx(predictions["accuracy"], abs=1e-4)
        assert min(table[drift.key, value] for value in drift.values) <= predictions["accuracy"] - 0.15

    for label in CLASSES:
        with Image.open(out / "developed" / f"{label}.png") as picture:
            assert picture.size == (SIZE, SIZE) and picture.mode == "RGB"
    with Image.open(out / "drift.png") as picture:
        assert picture.width > 1200
    text = (out / "README.txt").read_text(encoding="utf-8")
    assert "SIMULATED" in text and all(path.name in text for path in out.iterdir() if path.name != "README.txt")

    assert steps[-1] == list(write_demo(out))[-1]  # again over its own output


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(DemoError, match="choose another folder with --out"):
        list(write_demo(tmp_path / "taken"))
