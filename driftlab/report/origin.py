"""What a result stands on, ready for JSON: the model, the cameras, the pipeline, the parameters and the pictures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from driftlab.analysis.axes import Axis
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.data.cases import Case
from driftlab.isp.stages.noise import full_well_of
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import CHANNELS, RawFrame
from driftlab.report.canonical import digest_of

__all__ = ["cameras_of", "data_of", "light_of", "model_of", "parameters_of", "pipeline_of", "span"]


def span(values: Iterable[float]) -> list[float]:
    """The smallest and the largest."""
    found = [float(value) for value in values]
    return [min(found), max(found)]


def model_of(model: TaskModel) -> dict[str, Any]:
    """The model: its files, whether code of it ran, and what it is fed."""
    card, source = model.card, model.source
    return {
        "sha256": model.sha256,
        "name": source.name,
        "files": [{"name": file.path.name, "sha256": file.sha256} for file in source.files],
        "format": str(source.format),
        "architecture": source.architecture,
        "loader_mode": "trusted" if model.ran_code else "safe",
        "trusted_code_used": model.ran_code,
        "trusted_code": source.risk,
        "gradients": model.differentiable,
        "task": str(model.task),
        "classes": list(model.labels),
        "input": {
            "size": list(card.input_size) if card.input_size else None,
            "range": [0, 1],
            "resize": str(card.resize),
            "crop_fraction": card.crop_fraction,
            "fill": card.fill,
            "interpolation": str(card.interpolation),
            "channels": str(card.channels),
            "layout": str(card.layout),
            "scale": card.scale,
            "mean": list(card.mean),
            "std": list(card.std),
            "dtype": str(model.network.dtype).removeprefix("torch."),
        },
        "output": str(card.output),
        "precision": str(model.network.dtype).removeprefix("torch."),
        "said_by": [{"key": key, "source": str(card.sources[key])} for key in sorted(card.sources)],
    }


def light_of(frame: RawFrame) -> float:
    """The mean light on the green sites (all of a monochrome sensor) in EV below white: 0 is white, −1 half of it.

    No less than −20.
    """
    if frame.cfa.kind == "linear":
        share = (float(frame.mosaic[1].mean()) - frame.black[1]) / (frame.white - frame.black[1])
        return math.log2(max(share, 2.0**-20))
    channels, colors = frame.cfa.channels(), frame.cfa.colors()
    rows, columns = channels.shape
    means = []
    for row, column in zip(*np.nonzero(colors == 1), strict=True):
        sites = frame.mosaic[0, row::rows, column::columns]
        if sites.size:
            black = frame.black[int(channels[row, column])] if frame.cfa.kind != "mono" else frame.black[1]
            means.append((float(sites.mean(dtype=np.float64)) - black) / (frame.white - black))
    return math.log2(max(sum(means) / max(len(means), 1), 2.0**-20))


def cameras_of(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Every kind of camera that took part: frames of one make, model and CFA, with the spans of what differs."""
    kinds: dict[tuple[str, str, str, str], list[Case]] = {}
    for case in cases:
        frame = case.frame
        kinds.setdefault((frame.make, frame.model, frame.cfa.name, str(frame.origin)), []).append(case)
    return [_camera(kind, some) for kind, some in kinds.items()]


def _camera(kind: tuple[str, str, str, str], cases: Sequence[Case]) -> dict[str, Any]:
    make, model, cfa, origin = kind
    frames = [case.frame for case in cases]
    speeds = [frame.iso for frame in frames if frame.iso is not None]
    matrices = {(frame.matrix.values, frame.matrix.source): None for frame in frames}
    return {
        "make": make,
        "model": model,
        "origin": origin,
        "n": len(frames),
        "lens": sorted({frame.lens for frame in frames if frame.lens}),
        "cfa": cfa,
        "cfa_pattern": list(frames[0].cfa.pattern),
        "bits": sorted({frame.bits for frame in frames}),
        "black": {name: span(frame.black[at] for frame in frames) for at, name in enumerate(CHANNELS)},
        "white": span(frame.white for frame in frames),
        "iso": span(speeds) if speeds else None,
        "gains": {name: span(frame.gains[at] for frame in frames) for at, name in enumerate("rgb")},
        "gains_source": sorted({frame.gains_source for frame in frames}),
        "matrices": [{"values": [list(row) for row in values], "source": source} for values, source in matrices],
        "light_ev": span(light_of(frame) for frame in frames),
        "decoder": sorted({frame.decoder for frame in frames}),
        "noise": _noise(cases),
    }


def _noise(cases: Sequence[Case]) -> dict[str, Any] | None:
    """The noise model as far as the data model knows it, by the names of EMVA 1288; None without its stage."""
    if "noise.full_well" not in cases[0].settings:
        return None
    wells = [case.settings.number("noise.full_well") for case in cases]
    guessed = all(well == full_well_of(case.frame) for well, case in zip(wells, cases, strict=True))
    provenance = "guessed from the ISO speed" if guessed else "given with the settings"
    gains = [(case.frame.white - max(case.frame.black)) / well for well, case in zip(wells, cases, strict=True)]
    return {
        "method": "shot noise of the light, and read noise (Gaussian)",
        "emva1288": [
            {"name": "mu_e.sat", "meaning": "saturation capacity", "value": span(wells), "unit": "e-",
             "provenance": provenance},
            {"name": "K", "meaning": "overall system gain", "value": span(gains), "unit": "DN/e-",
             "provenance": f"white above black, over mu_e.sat {provenance}"},
        ],
    }  # fmt: skip


def pipeline_of(cases: Sequence[Case]) -> dict[str, Any]:
    """The ordered pipeline with its nominal settings: the span over the pictures of every parameter."""
    pipeline, nominals = cases[0].settings.pipeline, [case.settings for case in cases]
    stages = []
    for stage in pipeline.stages:
        chosen = {choice.name: nominals[0][f"{stage.name}.{choice.name}"] for choice in stage.choices}
        options = {c.name: sorted({str(each[f"{stage.name}.{c.name}"]) for each in nominals}) for c in stage.choices}
        stages.append(
            {
                "name": stage.name,
                "title": stage.title,
                "help": stage.help,
                "reads": str(stage.reads),
                "writes": str(stage.writes),
                "on": sorted({bool(each[f"{stage.name}.on"]) for each in nominals}),
                "choices": [{"name": name, "value": values} for name, values in options.items()],
                "parameters": [
                    {
                        "param": f"{stage.name}.{param.name}",
                        "label": param.label,
                        "unit": param.unit,
                        "nominal": span(each.number(f"{stage.name}.{param.name}") for each in nominals),
                        "as_shot": param.as_shot is not None,
                        "weight": param.advanced,
                        "gradient": stage.gradient_of(param, chosen),
                    }
                    for param in stage.params
                ],
                "gradient": stage.gradient,
            }
        )
    return {
        "id": pipeline.name,
        "help": pipeline.help,
        "stages": stages,
        "order_digest": digest_of([stage["name"] for stage in stages]),
    }


def parameters_of(tolerance: Tolerance) -> list[dict[str, Any]]:
    """The parameters that were searched, with their ranges."""
    nominals = [case.settings for case in tolerance.cases]
    return [
        {
            "param": axis.key,
            "label": label_of(axis),
            "unit": axis.unit,
            "kind": axis.kind,
            "nominal": axis.nominal,
            "nominal_values": span(each.number(axis.key) for each in nominals),
            "value_unit": axis.param.unit,
            "searched": [axis.low, axis.high],
            "usual": [axis.param.low, axis.param.high],
            "hard": list(axis.param.hard),
            "scale": "log" if axis.log else "linear",
            "gradient": axis.gradient,
            "meaning": axis.param.help,
        }
        for axis in tolerance.searched
    ]


def label_of(axis: Axis) -> str:
    """Stage and parameter as the window names them."""
    return f"{axis.key.partition('.')[0].replace('_', ' ').capitalize()}: {axis.param.label}"


def data_of(tolerance: Tolerance, files: Sequence[Path], excluded: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The pictures with their sha256 and what the model says of them nominally."""
    pictures = [_picture(tolerance, index, files[index]) for index in range(len(tolerance.cases))]
    own = sum(nominal.self_label for nominal in tolerance.nominals)
    classes: dict[str, int] = {}
    for nominal in tolerance.nominals:
        if nominal.truth:
            classes[nominal.truth] = classes.get(nominal.truth, 0) + 1
    identity = [[each["sha256"], each["region"], each["truth"], each["mask_sha256"]] for each in pictures]
    return {
        "set_digest": digest_of(identity),
        "n": len(pictures),
        "labels": {0: "given", len(pictures): "self-label"}.get(own, "given and self-label"),
        "per_class": [{"label": label, "n": classes[label]} for label in sorted(classes)],
        "selection": "all pictures that were given",
        "pictures": pictures,
        "excluded": [{"file": file, "reason": reason} for file, reason in excluded],
    }


def _picture(tolerance: Tolerance, index: int, file: Path) -> dict[str, Any]:
    case, nominal = tolerance.cases[index], tolerance.nominals[index]
    region, mask = case.extent, case.mask
    return {
        "index": index,
        "file": str(file),
        "name": case.frame.name,
        "sha256": case.frame.sha256,
        "region": [region.left, region.top, region.width, region.height],
        "remarks": list(case.frame.remarks),
        "truth": nominal.truth,
        "self_label": nominal.self_label,
        "mask_sha256": hashlib.sha256(mask.contiguous().numpy().tobytes()).hexdigest() if mask is not None else None,
        "answer": nominal.answer,
        "score": nominal.score,
        "holds": nominal.holds,
        "light_ev": light_of(case.frame),
        "settings": _given(case),
    }


def _given(case: Case) -> list[dict[str, Any]]:
    """The settings of a picture that are not what its frame and its pipeline would have them."""
    usual = case.settings.pipeline.settings(case.frame)
    return [{"key": key, "value": case.settings[key]} for key in case.settings if case.settings[key] != usual[key]]
