"""All sensitivities with all heatmaps of a 256×256 region and MobileNetV2, against two-sided finite differences.

The differences give the numbers only: heatmaps by differences would cost a picture more for every parameter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from driftlab.analysis.sensitivity.sensitivities import Heatmap, Table, sensitivities
from driftlab.bench.develop import large_frame
from driftlab.bench.measure import Result, versus
from driftlab.bench.mobilenet import mobilenet_v2
from driftlab.bench.predict import CARD, REGION
from driftlab.errors import DriftlabError
from driftlab.isp.develop import develop
from driftlab.isp.linearized import actives
from driftlab.isp.pipeline import CAMERA
from driftlab.isp.settings import Settings
from driftlab.model.load import load_model
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawFrame

__all__ = ["network", "precise_network", "results"]

#: No stage that rounds, and no parameter at the end of its range: there both sides must come to the same numbers.
SMOOTH: Final[Mapping[str, Any]] = {
    "quantization.on": False,
    "noise.intensity": 0.7,
    "noise.read_noise": 4.0,
    "optics.blur": 0.9,
    "optics.vignetting": 0.4,
}
#: Pictures that the baseline gives the model at once.
BATCH: Final = 8


def results() -> Iterator[Result]:
    """As shot, against the differences one by one and in batches."""
    frame = large_frame()
    model = load_model("driftlab.bench.sensitivity:network", trust=True, card=CARD)
    settings = CAMERA.settings(frame)
    _check_same(frame, settings.changed(SMOOTH))
    count = sum(each.kind != "none" for each in actives(settings))
    for what, batch in (("one by one", 1), (f"in batches of {BATCH}", BATCH)):
        yield versus(
            f"{count} sensitivities with heatmaps, against two-sided differences {what}",
            lambda: _ours(frame, settings, model),
            lambda batch=batch: _differences(frame, settings, model, batch),  # type: ignore[misc]
        )


def network() -> nn.Module:
    """MobileNetV2 with random weights that carry a signal through (He et al., ICCV 2015); torch's own let it fade."""
    generator = torch.Generator().manual_seed(0)
    made = mobilenet_v2()
    with torch.no_grad():
        for weights in made.parameters():
            if weights.ndim > 1:
                fan = weights[0].numel()
                weights.copy_(torch.randn(weights.shape, generator=generator) * math.sqrt(2 / fan))
    return made


def precise_network() -> nn.Module:
    """The same in float64."""
    return network().double()


def _ours(frame: RawFrame, settings: Settings, model: TaskModel) -> dict[str, float]:
    """dz/dt of every parameter with a gradient, as its heatmap sums to it."""
    items = sensitivities(frame, settings, model, region=REGION)
    return {item.key: item.total for item in items if isinstance(item, Heatmap)}


def _differences(frame: RawFrame, settings: Settings, model: TaskModel, batch: int = 1) -> dict[str, float]:
    """The same by two predictions a parameter."""
    found = [each for each in actives(settings) if each.kind != "none"]
    ends = [(each.key, *_ends(each.value, *each.param.hard, each.param.high - each.param.low)) for each in found]
    changed = [settings.changed({key: end}) for key, *two in ends for end in two]
    with torch.no_grad():
        logits = []
        for at in range(0, len(changed), batch):
            pictures = [develop(frame, one, region=REGION) for one in changed[at : at + batch]]
            logits.append(model(torch.stack([torch.from_numpy(picture) for picture in pictures])))
        margins = _margin(torch.cat(logits))
    return {key: float(margins[2 * k + 1] - margins[2 * k]) / (high - low) for k, (key, low, high) in enumerate(ends)}


def _ends(value: float, low: float, high: float, span: float) -> tuple[float, float]:
    return max(value - span / 1000, low), min(value + span / 1000, high)


def _margin(logits: Tensor) -> Tensor:
    first, second = logits[0].topk(2).indices.tolist()
    return logits[:, first] - logits[:, second]


def _check_same(frame: RawFrame, settings: Settings) -> None:
    """In float64, where a difference can be taken so near that it crosses no kink of the network."""
    model = load_model("driftlab.bench.sensitivity:precise_network", trust=True, card=CARD)
    table, sums = None, {}
    for item in sensitivities(frame, settings, model, region=REGION, check=True, dtype=torch.float64):
        if isinstance(item, Table):
            table = item
        elif isinstance(item, Heatmap):
            sums[item.key] = item.total
    assert table is not None
    largest = max(abs(row.normalized) for row in table.rows)
    for row in table.rows:
        apart = (row.finite_difference_error or 0.0) * abs(row.normalized) / largest
        if row.gradient_kind != "none" and (apart > 0.01 or abs(sums[row.key] - row.gradient) > 1e-9 * largest):
            raise DriftlabError(
                f"The two sides of the bench do not compute the same {row.key}: report this as a defect."
            )
