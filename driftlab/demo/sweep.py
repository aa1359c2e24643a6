"""How the example's answers move with its three drifts: red gain, blur, and low light.

The camera data model does the drifting; nothing here knows how the frames came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from driftlab.demo.scene import CLASSES
from driftlab.isp.pipeline import CAMERA, run
from driftlab.isp.stage import Sensor
from driftlab.raw.frame import RawFrame

__all__ = ["DRIFTS", "Accuracy", "Classifier", "Drift", "accuracies", "answers", "develop"]

#: Display RGB `[N, 3, H, W]` -> logits `[N, classes]`.
Classifier = Callable[[Tensor], Tensor]

#: Frames developed at once: enough to keep the cores busy, few enough to stay in their caches.
BATCH: Final = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """One parameter of the data model and the values it goes through; `relative` ones are factors of as shot."""

    key: str
    title: str
    unit: str
    nominal: float
    values: tuple[float, ...]
    relative: bool = False


DRIFTS: Final = (
    Drift(
        "white_balance.r",
        "Red gain",
        "x as shot",
        1.0,
        (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6),
        relative=True,
    ),
    Drift("optics.blur", "Blur", "px", 0.0, (0.0, 0.5, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0)),
    Drift("noise.intensity", "Light", "share of the photons", 1.0, (1.0, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01)),
)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of right answers at one value of a drift: of all frames, and of each class that has any."""

    drift: Drift
    value: float
    overall: float
    by_class: Mapping[str, float]


def develop(frames: Sequence[RawFrame], drift: Drift | None = None, value: float = 0.0) -> Tensor:
    """Frames of one camera and size as display RGB `[N, 3, H, W]`: as shot, but for one drift."""
    mosaics = torch.from_numpy(np.stack([frame.mosaic for frame in frames]))
    settings = [dict(CAMERA.settings(frame)) for frame in frames]
    shared: dict[str, Any] = {key: _one([of[key] for of in settings]) for key in settings[0]}
    if drift is not None:
        shared[drift.key] = shared[drift.key] * value if drift.relative else value
    with torch.no_grad():
        return run(mosaics, shared, Sensor.of(frames[0]), CAMERA)


def answers(classify: Classifier, frames: Sequence[RawFrame], drift: Drift | None = None, value: float = 0.0) -> Tensor:
    """Logits `[N, classes]` of frames as shot but for one drift."""
    with torch.no_grad():
        return torch.cat(
            [classify(develop(frames[at : at + BATCH], drift, value)) for at in range(0, len(frames), BATCH)]
        )


def accuracies(
    classify: Classifier, frames: Sequence[RawFrame], labels: Sequence[int], drift: Drift
) -> Iterator[Accuracy]:
    """The accuracy at each value of the drift, as it is found."""
    truth = torch.tensor(labels)
    for value in drift.values:
        right = answers(classify, frames, drift, value).argmax(1) == truth
        by_class = {
            name: right[truth == index].double().mean().item()
            for index, name in enumerate(CLASSES)
            if bool((truth == index).any())
        }
        yield Accuracy(drift, value, right.double().mean().item(), by_class)


def _one(values: list[Any]) -> Any:
    """The value that all frames share, or one number a frame."""
    return values[0] if len(set(values)) == 1 else torch.tensor(values)
