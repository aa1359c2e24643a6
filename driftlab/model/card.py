"""The model card: what a task model wants to be fed and what its numbers mean, as one frozen value.

Nothing here opens a model. A card is put together from several sources (flags, the JSON beside the model, the model
file, a probe of the model, defaults); `Card.sources` says for every key which of them answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from driftlab.errors import DriftlabError

__all__ = ["Card", "CardSource", "Channels", "Interpolation", "Layout", "ModelError", "Output", "Resize", "Task"]


class ModelError(DriftlabError):
    """A task model cannot be loaded or run; the message is one sentence that names the mend."""


class Task(StrEnum):
    """What a model does. Segmentation gives class logits per pixel, the others one row of numbers per picture."""

    CLASSIFICATION = "classification"
    SEGMENTATION = "segmentation"
    REGRESSION = "regression"
    EMBEDDING = "embedding"


class Resize(StrEnum):
    """How a picture of any size becomes an input of the model's size; `framing` holds the geometry."""

    STRETCH = "stretch"
    CENTER_CROP = "center_crop"
    LETTERBOX = "letterbox"
    TILE = "tile"


class Interpolation(StrEnum):
    """The kernel of the resize; both are antialiased."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


class Channels(StrEnum):
    """The model's color channels, first one first; gray is the Rec. 601 luma of display RGB."""

    RGB = "RGB"
    BGR = "BGR"
    GRAY = "gray"


class Layout(StrEnum):
    """The order of the axes of the model's input: N pictures, C channels, H rows, W columns."""

    NCHW = "NCHW"
    NHWC = "NHWC"


class Output(StrEnum):
    """What the model's numbers are: free scores, probabilities, or (segmentation only) the class index per pixel."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    MASK = "mask"


class CardSource(StrEnum):
    """Who answered for a key of the card, strongest first."""

    FLAG = "flag"
    CARD = "card"
    FILE = "file"
    PROBED = "probed"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Card:
    """The contract between a picture and a model.

    The model's input is `(picture * scale - mean) / std` per channel, with the picture in 0..1 and `mean` and `std` in
    the model's channel order, after `resize` to `input_size`.
    """

    task: Task
    #: One name per output, or empty where a model's numbers have no names (regression, embedding).
    labels: tuple[str, ...] = ()
    #: (height, width) in pixels, or None for a model that takes a picture of any size as it is.
    input_size: tuple[int, int] | None = None
    resize: Resize = Resize.STRETCH
    #: For center_crop: the model's input as a share of the resized picture's short side (0.875 is 224 of 256).
    crop_fraction: float = 1.0
    #: The display value, 0..1, of what letterbox and tile put where the picture does not reach.
    fill: float = 0.0
    interpolation: Interpolation = Interpolation.BILINEAR
    channels: Channels = Channels.RGB
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    layout: Layout = Layout.NCHW
    output: Output = Output.LOGITS
    #: For files that hold weights only: a built-in architecture or `package.module:factory`.
    architecture: str | None = None
    #: Key -> who answered for it.
    sources: Mapping[str, CardSource] = field(default_factory=dict)
