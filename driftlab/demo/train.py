"""Trains the example's network: `python -m driftlab.demo.train --out DIR --seed 0`.

Frames are simulated as they are needed and developed as shot. Training sees them turned and mirrored, never recolored,
blurred or darkened: what drift does to the network is not trained away. The command runs in one thread: the same seed
gives the same weights on the same kind of machine, however many cores it has. The weights that ship were trained before
the simulator computed in float64: they don't come again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from safetensors.torch import save as serialized
from torch import Tensor

from driftlab.demo.camera import series
from driftlab.demo.scene import CLASSES, SIZE
from driftlab.demo.sweep import BATCH, DRIFTS, accuracies, answers, develop
from driftlab.model.leukocyte_net import LeukocyteNet, folded

__all__ = ["CARD", "Recipe", "Trained", "build", "measure", "train"]

#: What a task model of driftlab says of itself, beside its weights.
CARD: Final[dict[str, Any]] = {
    "task": "classification",
    "labels": list(CLASSES),
    "input_size": [SIZE, SIZE],
    "resize": "center_crop",
    "channels": "RGB",
    "scale": 1.0,
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
    "layout": "NCHW",
    "output": "logits",
    "architecture": "leukocyte-net",
}

#: The hold-out's frames come of another seed than those of training.
HOLD_OUT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much is trained; the bundled weights come of the defaults."""

    frames: int = 2000
    epochs: int = 12
    batch: int = 32
    rate: float = 4e-3
    hold_out: int = 500


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network ready to be saved, how it came about, and the mean loss of each epoch."""

    network: LeukocyteNet
    recipe: Recipe
    seed: int
    losses: tuple[float, ...]


def build(recipe: Recipe, seed: int, out: Path) -> Iterator[str]:
    """Trains, measures, and writes `leukocyte_net.safetensors`, its card and `metrics.json`; says what it has done."""
    trained = yield from train(recipe, seed)
    metrics = yield from measure(trained)
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in trained.network.state_dict().items()}
    (out / "leukocyte_net.safetensors").write_bytes(serialized(weights))
    for name, content in (("leukocyte_net.json", CARD), ("metrics.json", metrics)):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    yield f"network, card and metrics written to {out}"


def train(recipe: Recipe, seed: int) -> Generator[str, None, Trained]:
    """A network trained on frames of this seed; says what it has done, step by step."""
    images: list[Tensor] = []
    labels: list[int] = []
    source = series(recipe.frames, seed)
    while batch := tuple(islice(source, BATCH)):
        frames, truth = zip(*batch, strict=True)
        images.append(develop(frames))
        labels.extend(truth)
    pictures, targets = torch.cat(images), torch.tensor(labels)
    yield f"{recipe.frames} frames simulated and developed"

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LeukocyteNet(normalized=True)
    draws = torch.Generator().manual_seed(seed)
    steps = recipe.epochs * (recipe.frames // recipe.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=steps, pct_start=0.2)
    losses: list[float] = []
    for epoch in range(recipe.epochs):
        total = 0.0
        order = torch.randperm(recipe.frames, generator=draws)
        batches = order[: recipe.frames // recipe.batch * recipe.batch].view(-1, recipe.batch)
        for chosen in batches:
            optimizer.zero_grad()
            logits = network(_turned(pictures[chosen], draws))
            loss = F.cross_entropy(logits, targets[chosen], label_smoothing=0.02)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        losses.append(total / len(batches))
        yield f"epoch {epoch + 1} of {recipe.epochs}: loss {losses[-1]:.3f}"
    return Trained(folded(network.eval()), recipe, seed, tuple(losses))


def _turned(images: Tensor, draws: torch.Generator) -> Tensor:
    """Each image laid in one of the eight ways that a square can lie."""
    ways = torch.randint(8, (len(images),), generator=draws).tolist()
    turned = [torch.rot90(image, way % 4, (1, 2)) for image, way in zip(images, ways, strict=True)]
    return torch.stack([image.flip(2) if way >= 4 else image for image, way in zip(turned, ways, strict=True)])


def measure(trained: Trained) -> Generator[str, None, dict[str, Any]]:
    """The hold-out's accuracy as shot and under each drift, ready for JSON; says each line of it."""
    frames, labels = zip(*series(trained.recipe.hold_out, trained.seed + HOLD_OUT), strict=True)
    logits = answers(trained.network, frames)
    confusion = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.long)
    for truth, answer in zip(labels, logits.argmax(1).tolist(), strict=True):
        confusion[truth, answer] += 1
    nominal = confusion.diag().sum().item() / len(frames)
    yield f"hold-out accuracy as shot {nominal:.3f}"
    table = []
    for drift in DRIFTS:
        for row in accuracies(trained.network, frames, labels, drift):
            yield f"{drift.title} {row.value:g} {drift.unit}: {row.overall:.3f}"
            table.append(
                {
                    "key": drift.key,
                    "unit": drift.unit,
                    "value": row.value,
                    "accuracy": round(row.overall, 4),
                    "by_class": {name: round(share, 4) for name, share in row.by_class.items()},
                }
            )
    return {
        "simulated": True,
        "seed": trained.seed,
        "recipe": asdict(trained.recipe),
        "losses": [round(loss, 4) for loss in trained.losses],
        "classes": list(CLASSES),
        "parameters": sum(weights.numel() for weights in trained.network.parameters()),
        "accuracy": round(nominal, 4),
        "confusion": confusion.tolist(),
        "drift": table,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Train the example's network on simulated frames.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights, their card and metrics.json")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)  # so the sums are in one order on any number of cores
    start = time.perf_counter()
    for step in build(Recipe(), given.seed, given.out):
        print(f"{time.perf_counter() - start:6.1f} s  {step}", flush=True)


if __name__ == "__main__":
    main()
