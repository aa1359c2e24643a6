"""A task model's answer for a frame at some settings: the data model and the task model joined."""

from __future__ import annotations

import torch

from driftlab.isp.develop import Region, develop
from driftlab.isp.settings import Settings
from driftlab.model.prediction import Prediction, Segmentation
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawFrame

__all__ = ["predict"]


def predict(
    frame: RawFrame, settings: Settings, model: TaskModel, *, region: Region | None = None, top: int = 5
) -> Prediction | Segmentation:
    """Develop a frame, or the region of it that the model is given, and ask the model about the exact picture."""
    picture = torch.from_numpy(develop(frame, settings, region=region))
    return model.predict(picture[None], top)[0]
