"""The task model: display RGB in, logits out. The formats' own packages are imported when a file asks for them."""

from driftlab.model.card import Card, CardSource, Channels, Interpolation, Layout, ModelError, Output, Resize, Task
from driftlab.model.framing import Box, Framing
from driftlab.model.load import find_source, load_model, needs_trust
from driftlab.model.prediction import UNSEEN, Area, Choice, Prediction, Segmentation, iou, rank, segment
from driftlab.model.sniff import Format, sniff
from driftlab.model.source import Source, SourceFile
from driftlab.model.task_model import TaskModel

__all__ = [
    "UNSEEN",
    "Area",
    "Box",
    "Card",
    "CardSource",
    "Channels",
    "Choice",
    "Format",
    "Framing",
    "Interpolation",
    "Layout",
    "ModelError",
    "Output",
    "Prediction",
    "Resize",
    "Segmentation",
    "Source",
    "SourceFile",
    "Task",
    "TaskModel",
    "find_source",
    "iou",
    "load_model",
    "needs_trust",
    "rank",
    "segment",
    "sniff",
]
