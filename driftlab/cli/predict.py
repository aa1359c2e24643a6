"""`driftlab predict FILE… --model M`: what a task model says of frames."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftlab.cli.options import (
    OptionError,
    add_files,
    add_mask,
    add_model,
    add_settings,
    check_output,
    each_file,
    frame_of,
    mask_of,
    model_of,
    print_json,
    settings_of,
)

if TYPE_CHECKING:
    from torch import Tensor

    from driftlab.model.prediction import Prediction, Segmentation
    from driftlab.model.task_model import TaskModel


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Develop frames and ask a task model about them."
    parser = commands.add_parser("predict", help="what a task model says of frames", description=about)
    add_files(parser)
    add_model(parser)
    add_settings(parser)
    parser.add_argument("--crop", metavar="X,Y,W,H", help="the region of the picture that the model is given")
    parser.add_argument("--top", type=_count, default=5, metavar="N", help="how many classes to name (5)")
    add_mask(parser, "what the IoU of a segmentation is against")
    parser.add_argument(
        "--save-mask",
        type=Path,
        metavar="FILE.png",
        help="write the mask of a segmentation: a PNG of one channel, in each pixel the index of its class, "
        "counted as the labels are from 0; 255 where the model saw none (of more than 255 classes 16 bits, and 65535)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line and file")
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of classes, which is 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Predict and print."""
    from driftlab.data.mask import mask_on
    from driftlab.inference import predict
    from driftlab.isp.develop import Region

    region = Region.parse(arguments.crop) if arguments.crop is not None else None
    model = model_of(arguments)
    mask = mask_of(arguments, model)
    if arguments.save_mask:
        _check_mask(arguments, model)
    assumed = _assumed(model)

    def show(path: str) -> None:
        frame = frame_of(arguments, path)
        settings = settings_of(arguments, frame)
        answer = predict(frame, settings, model, region=region, top=arguments.top)
        truth = None if mask is None else mask_on(mask, frame, settings, region)
        if arguments.save_mask:
            _save_mask(answer, arguments.save_mask)
        if not arguments.json:
            print("\n".join([path, *(f"  {line}" for line in (*_lines(answer, truth), *frame.remarks, *assumed))]))
            return
        print_json(
            {
                "file": path,
                **_facts(answer, model, truth),
                "crop": arguments.crop,
                "mask": str(arguments.mask) if arguments.mask else None,
                "saved_mask": str(arguments.save_mask) if arguments.save_mask else None,
                "settings": dict(settings),
                "pipeline": settings.pipeline.name,
                "model": arguments.model,
                "model_format": str(model.source.format),
                "model_sha256": model.sha256,
                "model_ran_code": model.source.risk is not None,
                "raw_sha256": frame.sha256,
                "raw_origin": str(frame.origin),
                "remarks": [*frame.remarks, *assumed],
            }
        )

    return each_file(arguments, show)


def _assumed(model: TaskModel) -> list[str]:
    """One remark on what nobody said of the model, where neither card nor flag says anything."""
    from driftlab.model.card import CardSource

    card = model.card
    if {CardSource.CARD, CardSource.FLAG} & set(card.sources.values()):
        return []
    open_keys = ("input_size", "resize", "channels", "scale", "mean", "std")
    guessed = [key for key in open_keys if card.sources[key] in (CardSource.DEFAULT, CardSource.PROBED)]
    return [f"no model card: assumed {', '.join(f'{key} {getattr(card, key)}' for key in guessed)}"] if guessed else []


def _check_mask(arguments: argparse.Namespace, model: TaskModel) -> None:
    """Refuse before anything is computed what no mask can be written of."""
    if model.task != "segmentation":
        raise OptionError(f"This model does {model.task} and gives no mask: leave out --save-mask.")
    if len(arguments.files) > 1:
        raise OptionError("A mask is of one file: give --save-mask with one FILE at a time.")
    if arguments.save_mask.suffix.lower() != ".png":
        raise OptionError(f"'{arguments.save_mask}' names no mask: end it in .png.")
    check_output(arguments.save_mask, [*arguments.files, *([str(arguments.mask)] if arguments.mask else [])])


def _save_mask(answer: Prediction | Segmentation, path: Path) -> None:
    from driftlab.mask_file import write_mask
    from driftlab.model.prediction import Segmentation

    assert isinstance(answer, Segmentation)
    write_mask(answer.mask.numpy(), path, len(answer.labels))


def _areas(answer: Segmentation, truth: Tensor | None) -> list[dict[str, Any]]:
    """The classes that occur, with their IoU where there is a mask; then those that only the mask has."""
    areas: list[dict[str, Any]] = [{"label": a.label, "index": a.index, "share": a.share} for a in answer.areas]
    if truth is None:
        return areas
    agreement = answer.iou(truth).tolist()
    found = {area.index for area in answer.areas}
    missed = [k for k, value in enumerate(agreement) if value == 0 and k not in found]
    areas += [{"label": answer.labels[k], "index": k, "share": 0.0} for k in missed]
    # Not a number where all pixels of a class are unlabeled in the mask: there is nothing to agree on.
    return [{**area, "iou": iou if (iou := agreement[area["index"]]) == iou else None} for area in areas]


def _facts(answer: Prediction | Segmentation, model: TaskModel, truth: Tensor | None) -> dict[str, Any]:
    """The answer, ready for JSON; of a segmentation the areas, for its logits are one a pixel and class."""
    from driftlab.model.prediction import Segmentation

    if isinstance(answer, Segmentation):
        areas = _areas(answer, truth)
        return {"logits": None, "labels": list(model.labels), "top": [], "margin": None, "areas": areas}
    return {
        "logits": answer.logits.tolist(),
        "labels": list(model.labels),
        "top": [{"label": c.label, "index": c.index, "probability": c.probability} for c in answer.top],
        "margin": answer.margin,
    }


def _lines(answer: Prediction | Segmentation, truth: Tensor | None) -> list[str]:
    from driftlab.model.prediction import Segmentation

    if isinstance(answer, Segmentation):
        return [
            f"{area['share']:6.1%}  {area['label']}"
            + (f"  IoU {area['iou']:.3f}" if area.get("iou") is not None else "")
            for area in _areas(answer, truth)
        ]
    if answer.margin is None:
        return [" ".join(f"{value:.6g}" for value in answer.logits.tolist())]
    return [*(f"{c.probability:6.1%}  {c.label}" for c in answer.top), f"margin {answer.margin:.3f}"]
