"""`driftlab predict FILE… --model M`: what a task model says of frames."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftlab.cli.options import (
    add_files,
    add_model,
    add_settings,
    each_file,
    frame_of,
    model_of,
    print_json,
    settings_of,
)

if TYPE_CHECKING:
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
    parser.add_argument("--json", action="store_true", help="one JSON object a line and file")
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of classes, which is 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Predict and print."""
    from driftlab.inference import predict
    from driftlab.isp.develop import Region

    region = Region.parse(arguments.crop) if arguments.crop is not None else None
    model = model_of(arguments)
    assumed = _assumed(model)

    def show(path: str) -> None:
        frame = frame_of(arguments, path)
        settings = settings_of(arguments, frame)
        answer = predict(frame, settings, model, region=region, top=arguments.top)
        if not arguments.json:
            print("\n".join([path, *(f"  {line}" for line in (*_lines(answer), *frame.remarks, *assumed))]))
            return
        print_json(
            {
                "file": path,
                **_facts(answer, model),
                "crop": arguments.crop,
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


def _facts(answer: Prediction | Segmentation, model: TaskModel) -> dict[str, Any]:
    """The answer, ready for JSON; of a segmentation the areas, for its logits are one a pixel and class."""
    from driftlab.model.prediction import Segmentation

    if isinstance(answer, Segmentation):
        areas = [{"label": a.label, "index": a.index, "share": a.share} for a in answer.areas]
        return {"logits": None, "labels": list(model.labels), "top": [], "margin": None, "areas": areas}
    return {
        "logits": answer.logits.tolist(),
        "labels": list(model.labels),
        "top": [{"label": c.label, "index": c.index, "probability": c.probability} for c in answer.top],
        "margin": answer.margin,
    }


def _lines(answer: Prediction | Segmentation) -> list[str]:
    from driftlab.model.prediction import Segmentation

    if isinstance(answer, Segmentation):
        return [f"{area.share:6.1%}  {area.label}" for area in answer.areas]
    if answer.margin is None:
        return [" ".join(f"{value:.6g}" for value in answer.logits.tolist())]
    return [*(f"{c.probability:6.1%}  {c.label}" for c in answer.top), f"margin {answer.margin:.3f}"]
