"""A Hugging Face folder: the network through `transformers`, the card from the folder's own JSON files.

The image processors of `transformers` want torchvision; the few numbers they hold are read here instead. Only local
files are read, only safetensors, and no code that a folder brings along.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from driftlab.model.card import Channels, Interpolation, ModelError, Resize, Task
from driftlab.model.network import Network, of_module
from driftlab.model.source import Source

__all__ = ["open_folder"]

#: `resample` of PIL -> ours.
RESAMPLE = {2: Interpolation.BILINEAR, 3: Interpolation.BICUBIC}


def open_folder(source: Source) -> Network:
    """The network of a folder with config.json and safetensors. Raises ModelError for other tasks and without extra."""
    folder = source.files[0].path.parent
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    architecture = next(iter(config.get("architectures") or ()), "")
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            f"{folder.name} is a Hugging Face model: install the extra 'hf' (pip install driftlab[hf])."
        ) from error
    loader: Any
    if architecture.endswith("ForImageClassification"):
        task, loader = Task.CLASSIFICATION, transformers.AutoModelForImageClassification
    elif architecture.endswith("ForSemanticSegmentation"):
        task, loader = Task.SEGMENTATION, transformers.AutoModelForSemanticSegmentation
    else:
        raise ModelError(
            f"{folder.name} is a {architecture or 'model without an architecture'}: "
            f"only image classification and semantic segmentation can be loaded."
        )
    bars: Any = transformers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        module = loader.from_pretrained(folder, local_files_only=True, use_safetensors=True, trust_remote_code=False)
    finally:
        if shown:
            bars.enable_progress_bar()
    return of_module(module, {"task": task, **_labels(config), **_processor(folder)})


def _labels(config: dict[str, Any]) -> dict[str, Any]:
    names = config.get("id2label")
    return {"labels": tuple(names[str(index)] for index in range(len(names)))} if names else {}


def _processor(folder: Path) -> dict[str, Any]:
    """The card's keys of preprocessor_config.json, as far as it says them."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return {}
    config = json.loads(path.read_text(encoding="utf-8"))
    claims: dict[str, Any] = {}
    size = _sides(config.get("size"))
    if config.get("do_resize", True) and size:
        claims |= {"input_size": size, "resize": Resize.STRETCH}
        claims["interpolation"] = RESAMPLE.get(config.get("resample", 2), Interpolation.BILINEAR)
    crop = _sides(config.get("crop_size"))
    shortest = isinstance(config.get("size"), dict) and "shortest_edge" in config["size"]
    if config.get("do_center_crop") and crop and size:
        claims |= {"input_size": crop, "resize": Resize.CENTER_CROP, "crop_fraction": min(min(crop) / min(size), 1.0)}
    elif shortest:
        claims["resize"] = Resize.CENTER_CROP
        claims["crop_fraction"] = config.get("crop_pct") or 1.0
    if config.get("do_flip_channel_order"):
        claims["channels"] = Channels.BGR
    # Theirs starts from 0..255, the card's from 0..1.
    if not config.get("do_rescale", True):
        claims["scale"] = 255.0
    elif "rescale_factor" in config:
        claims["scale"] = round(255 * config["rescale_factor"], 9)
    if config.get("do_normalize", True) and "image_mean" in config:
        claims |= {"mean": tuple(config["image_mean"]), "std": tuple(config["image_std"])}
    return claims


def _sides(size: Any) -> tuple[int, int] | None:
    """(height, width) of the forms in which a size is written: a number, its short edge, or both sides."""
    if isinstance(size, dict):
        short = size.get("shortest_edge")
        size = (size.get("height", short), size.get("width", short))
    elif isinstance(size, int):
        size = (size, size)
    return size if isinstance(size, tuple) and all(isinstance(side, int) for side in size) else None
