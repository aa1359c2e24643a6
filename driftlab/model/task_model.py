"""The task model: display RGB in, logits out, whatever format, size, scaling and batch the network behind it wants.

A TaskModel is used from one thread at a time. It holds no state between calls and changes no global state of torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from driftlab.model.card import Card, ModelError, Output, Task
from driftlab.model.framing import Framing, frame
from driftlab.model.inference import normalize, run
from driftlab.model.network import Network
from driftlab.model.prediction import Prediction, Segmentation, rank, segment
from driftlab.model.sniff import Format
from driftlab.model.source import Source

__all__ = ["TaskModel"]


@dataclass(frozen=True, eq=False)
class TaskModel:
    """A model ready to be asked about pictures; `load_model` makes one."""

    network: Network
    card: Card
    #: The file it came from: format, sha256, and whether loading it ran code.
    source: Source
    #: The most inputs that the network takes at once: 1 for a model exported with a batch of one.
    batch: int

    @property
    def task(self) -> Task:
        """What the model does."""
        return self.card.task

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each class; empty for regression and embedding without names."""
        return self.card.labels

    @property
    def sha256(self) -> str:
        """What the model is identified by, in reports and where trust is remembered."""
        return self.source.sha256

    @property
    def format(self) -> Format:
        """What kind of file the model was loaded from."""
        return self.source.format

    @property
    def ran_code(self) -> bool:
        """Whether loading it, or calling it, runs code that came with the model: for reports."""
        return self.source.risk is not None

    @property
    def no_gradient(self) -> str | None:
        """Why the model is a black box, in one sentence, or None where gradients pass."""
        if self.card.output is Output.MASK:
            return "The model gives class indices, which have no gradient."
        return self.network.no_gradient

    @property
    def differentiable(self) -> bool:
        """Whether gradients pass from the logits to the picture."""
        return self.no_gradient is None

    def framing(self, image: Tensor) -> Framing:
        """How the picture `[..., H, W]` is resized and cut for the model, and the way back."""
        return frame(self.card, (image.shape[-2], image.shape[-1]))

    def view(self, image: Tensor) -> Tensor:
        """What the model sees, as display RGB in 0..1: `[B, 3, H, W]` -> `[B * frames, 3, h, w]`. Differentiable."""
        if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point() or 0 in image.shape:
            raise ModelError(
                f"A task model takes display RGB of shape [B, 3, H, W] in float, not {list(image.shape)} {image.dtype}."
            )
        return self.framing(image).cut(image)

    def prepare(self, image: Tensor) -> Tensor:
        """The exact model input of display RGB `[B, 3, H, W]`, 0..1: `[B * frames, C, h, w]` in the card's scaling.

        Channels in the model's order, in the picture's dtype; the call itself moves it to the network's dtype, device
        and layout. Differentiable.
        """
        return normalize(self.view(image), self.card)

    def __call__(self, image: Tensor) -> Tensor:
        """Logits of display RGB `[B, 3, H, W]`, 0..1, in the picture's dtype and on its device.

        `[B, K]`, or for segmentation `[B, K, h, w]` over what the model saw, on the scaled picture: `to_picture` of
        `framing` brings them to the picture's pixels. Raises ModelError when the network fails or gives no finite
        numbers.
        """
        framing = self.framing(image)
        logits = run(self.network, self.card, self.prepare(image), self.batch)
        if self.card.labels and logits.shape[1] != len(self.card.labels):
            raise ModelError(
                f"The model gives {logits.shape[1]} outputs for a picture of {image.shape[-1]} x {image.shape[-2]}, "
                f"but has {len(self.card.labels)} labels: give 'input_size' in its card."
            )
        return framing.merge(logits)

    def predict(self, image: Tensor, top: int = 5) -> tuple[Prediction | Segmentation, ...]:
        """The answer for each picture of `[B, 3, H, W]`: top classes and margin, or a mask."""
        with torch.no_grad():
            logits = self(image)
        if self.task is Task.SEGMENTATION:
            framing = self.framing(image)
            return tuple(segment(one, framing, self.labels) for one in logits)
        return tuple(rank(one, self.task, self.labels, top) for one in logits)
