"""What the data model adds to the time of a prediction: a 256×256 crop of a large frame and MobileNetV2."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from driftlab.bench.develop import large_frame
from driftlab.bench.measure import Result, versus
from driftlab.inference import predict
from driftlab.isp.develop import Region, develop
from driftlab.isp.pipeline import CAMERA
from driftlab.model.load import load_model

__all__ = ["results"]

REGION = Region(2000, 1500, 256, 256)
CARD = {"task": "classification", "input_size": 224, "labels": [str(index) for index in range(1000)]}


def results() -> Iterator[Result]:
    """The data model against the model's own time (4 is a share of 20 %), and all of it against the model alone."""
    frame = large_frame()
    settings = CAMERA.settings(frame)
    model = load_model("driftlab.bench.mobilenet:mobilenet_v2", trust=True, card=CARD)
    picture = torch.from_numpy(develop(frame, settings, region=REGION))[None]

    def data_model() -> object:
        return develop(frame, settings, region=REGION)

    def task_model() -> object:
        return model.predict(picture)

    yield versus("data model, against the task model's own time", data_model, task_model, rounds=15)
    yield versus(
        "whole prediction, against the task model's own time",
        lambda: predict(frame, settings, model, region=REGION),
        task_model,
        rounds=15,
    )
