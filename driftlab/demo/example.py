"""The example end to end: bundled frames are loaded, developed, asked about, and drifted, and a folder tells of it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from driftlab import resource
from driftlab.demo.scene import CLASSES
from driftlab.demo.sheet import View, sheet
from driftlab.demo.sweep import DRIFTS, Accuracy, Drift, accuracies, answers, develop
from driftlab.errors import DriftlabError
from driftlab.model.load import load_model
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawFrame
from driftlab.raw.load import load_raw

__all__ = ["DemoError", "Step", "write_demo"]

MODEL: Final = ("leukocyte_net.safetensors", "leukocyte_net.json")

_BY_KEY: Final = {drift.key: drift for drift in DRIFTS}
#: The columns of the picture: a title, a drift and its value.
SHOWN: Final[tuple[tuple[str, Drift | None, float], ...]] = (
    ("As shot", None, 0.0),
    ("Red gain x 0.8", _BY_KEY["white_balance.r"], 0.8),
    ("Red gain x 1.2", _BY_KEY["white_balance.r"], 1.2),
    ("Blur 1.5 px", _BY_KEY["optics.blur"], 1.5),
    ("Half the light", _BY_KEY["noise.intensity"], 0.5),
)

README: Final = """\
driftlab: the bundled example
=============================

EVERYTHING HERE IS SIMULATED: a bright-field microscope, a stained blood smear, and a camera, computed by
driftlab/demo. No cell of it was ever in a body, and nothing here is fit to judge one.

frames/           {count} small DNG files as the simulated sensor recorded them, and labels.csv with what each shows
model/            the network that names the cell (leukocyte_net.safetensors) and its model card
developed/        one frame of each class, developed as shot
predictions.csv   what the network says of each frame as shot: {right} of {count} right ({accuracy:.1%});
predictions.json  the same with all logits
drift.csv         accuracy over these frames against red gain, blur and light, computed just now
drift.png         the same cells as shot and drifted, and the curves of drift.csv

Five classes. Neutrophil and eosinophil are the same cell but for the color of their grains: a drift of the red gain
breaks them. Basophil and lymphocyte are the same cell but for the fineness of the stain: blur breaks them. Too little
light breaks nearly all. Try it:

  driftlab predict frames/eosinophil-01.dng --model model/leukocyte_net.safetensors
  driftlab predict frames/eosinophil-01.dng --model model/leukocyte_net.safetensors --set white_balance.r=0.9
  driftlab predict frames/basophil-01.dng --model model/leukocyte_net.safetensors --set optics.blur=1.5
"""


class DemoError(DriftlabError):
    """The example cannot be written; the message is one sentence that names the mend."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was just done, and which share of the whole is done, 0 to 1."""

    text: str
    share: float


def write_demo(out: Path) -> Iterator[Step]:
    """Run the bundled example and leave in `out` its frames, its model, and what came of them.

    Work is done between the steps; the last one has a share of 1. Raises DemoError where `out` cannot be written.
    """
    try:
        yield from _written(out)
    except OSError as error:
        raise DemoError(
            f"The example cannot be written to '{out}' ({error.strerror or error}): choose another folder with --out."
        ) from error


def _written(out: Path) -> Iterator[Step]:
    files, labels = _copied(out)
    yield Step(f"{len(files)} frames and the network copied", 0.03)
    frames = [load_raw(file) for file in files]
    yield Step(f"{len(frames)} frames loaded", 0.15)
    model = load_model(out / "model" / MODEL[0])
    firsts = [labels.index(index) for index in range(len(CLASSES))]
    _develop_one_of_each(out / "developed", [frames[first] for first in firsts])
    right = _predict(out, model, files, frames, labels)
    accuracy = right / len(files)
    yield Step(f"as shot {right} of {len(files)} right ({accuracy:.1%})", 0.25)

    table: list[list[Accuracy]] = []
    done, total = 0, sum(len(drift.values) for drift in DRIFTS)
    for drift in DRIFTS:
        table.append([])
        for row in accuracies(model, frames, labels, drift):
            table[-1].append(row)
            done += 1
            text = f"{drift.title.lower()} {row.value:g} {drift.unit}: {row.overall:.1%} right"
            yield Step(text, 0.25 + 0.65 * done / total)
    _write_table(out / "drift.csv", table)
    views = [_views(model, frames[first], CLASSES[labels[first]]) for first in firsts]
    title = f"One network, {len(files)} frames, {accuracy:.0%} right as shot: what drift does to it"
    sheet(title, [name for name, _, _ in SHOWN], views, table).save(out / "drift.png", optimize=True)
    text = README.format(count=len(files), right=right, accuracy=accuracy)
    (out / "README.txt").write_text(text, encoding="utf-8")
    yield Step(f"drift.csv, drift.png and README.txt written to {out}", 1.0)


def _copied(out: Path) -> tuple[list[Path], list[int]]:
    """The bundled frames and network as files of `out`; gives the frames' files and the indices of their classes."""
    for folder in ("frames", "model", "developed"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name in MODEL:
        shutil.copyfile(resource(f"demo/{name}"), out / "model" / name)
    labels = resource("demo/labels.csv")
    shutil.copyfile(labels, out / "frames" / "labels.csv")
    with labels.open(encoding="utf-8", newline="") as file:
        rows = [(row["file"], row["label"]) for row in csv.DictReader(file)]
    for name, _ in rows:
        shutil.copyfile(labels.parent / name, out / "frames" / name)
    return [out / "frames" / name for name, _ in rows], [CLASSES.index(label) for _, label in rows]


def _develop_one_of_each(folder: Path, frames: Sequence[RawFrame]) -> None:
    for label, frame in zip(CLASSES, frames, strict=True):
        Image.fromarray(_pixels(develop([frame])[0])).save(folder / f"{label}.png", optimize=True)


def _predict(out: Path, model: TaskModel, files: Sequence[Path], frames: Sequence[RawFrame], labels: list[int]) -> int:
    """Writes what the model says of each frame as shot; gives how many it has right."""
    rows: list[dict[str, Any]] = []
    for file, label, logits in zip(files, labels, answers(model, frames), strict=True):
        probabilities = logits.softmax(0)
        first, second = logits.topk(2).values.tolist()
        answer = int(logits.argmax())
        rows.append(
            {
                "file": f"frames/{file.name}",
                "label": CLASSES[label],
                "answer": CLASSES[answer],
                "right": answer == label,
                "probability": round(probabilities[answer].item(), 6),
                "margin": round(first - second, 6),
                "logits": [round(value, 6) for value in logits.tolist()],
            }
        )
    right = sum(1 for row in rows if row["right"])
    content = {
        "simulated": True,
        "pipeline": "camera",
        "settings": "as shot",
        "model_sha256": model.sha256,
        "labels": list(CLASSES),
        "accuracy": right / len(rows),
        "predictions": rows,
    }
    (out / "predictions.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    names = ["file", "label", "answer", "right", "probability", "margin"]
    with (out / "predictions.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "right": str(row["right"]).lower()} for row in rows)
    return right


def _write_table(path: Path, table: Sequence[Sequence[Accuracy]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("key", "unit", "value", "accuracy", *CLASSES))
        for row in (row for rows in table for row in rows):
            shares = (round(row.by_class[name], 4) for name in CLASSES)
            writer.writerow((row.drift.key, row.drift.unit, row.value, round(row.overall, 4), *shares))


def _views(model: TaskModel, frame: RawFrame, label: str) -> list[View]:
    views = []
    for _, drift, value in SHOWN:
        picture = develop([frame], drift, value)
        with torch.no_grad():
            probabilities = model(picture)[0].softmax(0)
        answer = int(probabilities.argmax())
        views.append(View(_pixels(picture[0]), label, CLASSES[answer], probabilities[answer].item()))
    return views


def _pixels(picture: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Display RGB `[3, H, W]` as uint8 `[H, W, 3]`."""
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
