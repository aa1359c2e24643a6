"""The task model: display RGB in, logits out. The formats' own packages are imported when a file asks for them.

What needs torch is imported on first use (PEP 562): whoever only asks what a card may say does not load it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from driftlab.model.card import Card, CardSource, Channels, Interpolation, Layout, ModelError, Output, Resize, Task
from driftlab.model.sniff import Format, sniff

if TYPE_CHECKING:
    from driftlab.model.framing import Box, Framing
    from driftlab.model.load import find_source, load_model, needs_trust
    from driftlab.model.prediction import UNSEEN, Area, Choice, Prediction, Segmentation, iou, rank, segment
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

# Which module of this room each other name is in.
_HOMES = {
    name: home
    for home, names in {
        "framing": "Box Framing",
        "load": "find_source load_model needs_trust",
        "prediction": "UNSEEN Area Choice Prediction Segmentation iou rank segment",
        "source": "Source SourceFile",
        "task_model": "TaskModel",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"driftlab.model.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
