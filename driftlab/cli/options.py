"""Options that several commands share, and what they stand for: frames, settings and task models."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from driftlab.errors import DriftlabError

if TYPE_CHECKING:
    from torch import Tensor

    from driftlab.isp.settings import Settings
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.description import Description
    from driftlab.raw.frame import RawFrame
    from driftlab.raw.limits import Limits

T = TypeVar("T")


class OptionError(DriftlabError):
    """Options that do not fit together; the message is one sentence that names the mend."""


def add_files(parser: argparse.ArgumentParser, *, several: bool = True, optional: bool = False) -> None:
    """The camera files, and what may be said of those that do not say it themselves."""
    what = "camera file, mosaic (TIFF, PNG, NPY, headerless dump) or RGB picture (as pseudo-RAW)"
    count = "*" if optional else "+" if several else None
    parser.add_argument("files" if several else "file", metavar="FILE", nargs=count, help=what)
    add_descriptions(parser)


def add_descriptions(parser: argparse.ArgumentParser) -> None:
    """What may be said of camera files that do not say it themselves."""
    group = parser.add_argument_group("what the file does not say (also as FILE.json beside it)")
    group.add_argument("--width", type=int, metavar="PX", help="samples a row of a headerless dump")
    group.add_argument("--height", type=int, metavar="PX", help="rows of a headerless dump")
    group.add_argument("--bits", type=int, metavar="N", help="depth of a sample, 1-16")
    group.add_argument("--packing", help="plain, mipi10, mipi12 or mipi14")
    group.add_argument("--endian", help="little or big")
    group.add_argument("--header", type=int, metavar="BYTES", help="bytes before the first sample")
    group.add_argument("--cfa", help="RGGB, BGGR, GRBG, GBRG, xtrans, quad-RGGB, mono, linear, or rows such as RG/GB")
    group.add_argument("--black", type=_numbers, metavar="DN", help="one level, or four: r,g1,g2,b")
    group.add_argument("--white", type=float, metavar="DN", help="the DN of saturation")
    group.add_argument("--gains", type=_numbers, metavar="R,G,B", help="white balance as shot")
    limits = parser.add_argument_group("limits for damaged files")
    limits.add_argument("--max-megapixels", type=float, metavar="MP", help="largest declared size")
    limits.add_argument("--max-ratio", type=float, metavar="X", help="largest expansion of the file's bytes")
    limits.add_argument("--time-limit", type=float, metavar="S", help="seconds for decoding")
    limits.add_argument("--memory-limit", type=int, metavar="MB", help="memory for decoding")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Pipeline, preset, settings file and single settings, each laid over the one before."""
    group = parser.add_argument_group("settings (as shot unless given)")
    group.add_argument("--pipeline", metavar="P", help="camera (the default) or paper")
    group.add_argument("--preset", metavar="NAME", help="a camera set: microscope or drone (the paper's)")
    group.add_argument("--temperature", type=float, metavar="K", help="white balance for light of this temperature")
    group.add_argument("--tint", type=float, metavar="T", help="with it: the light's tint, green above 0")
    group.add_argument("--settings", type=Path, metavar="FILE", help="a JSON file of settings")
    group.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one setting; may be given again"
    )


def add_model(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The task model, its trust, and the keys of its card."""
    from driftlab.model.card_file import CHECKS, flag

    group = parser.add_argument_group("task model")
    what = "a model file, a Hugging Face folder or package.module:factory"
    group.add_argument("--model", required=required, help=what)
    group.add_argument("--weights", type=Path, metavar="FILE", help="weights for a factory or an architecture")
    group.add_argument("--trust", action="store_true", help="allow formats that run code when they are loaded")
    group.add_argument("--card", type=Path, metavar="FILE", help="its card, if not <model>.json beside it")
    for key, (allowed, _) in CHECKS.items():
        group.add_argument(flag(key), dest=f"card_{key}", metavar="VALUE", help=f"{allowed}, over the card")


def add_mask(parser: argparse.ArgumentParser, use: str) -> None:
    """A mask of the pictures, and what it is for."""
    what = f"class indices, one channel (PNG, BMP, TIFF, NPY), of the picture's size or the crop's: {use}"
    parser.add_argument("--mask", type=Path, metavar="FILE", help=what)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number, nor several with commas between") from None


def frame_of(arguments: argparse.Namespace, path: str) -> RawFrame:
    """The frame in a file, by the options of `add_files`."""
    from driftlab.raw.load import load_raw

    return load_raw(path, description=description_of(arguments), limits=limits_of(arguments))


def limits_of(arguments: argparse.Namespace) -> Limits:
    """What a file may cost, by the options of `add_files`."""
    from driftlab.raw.limits import Limits

    limits = {
        "megapixels": arguments.max_megapixels,
        "ratio": arguments.max_ratio,
        "seconds": arguments.time_limit,
        "memory": arguments.memory_limit,
    }
    given = {name: value for name, value in limits.items() if value is not None}
    return Limits(**given)


def description_of(arguments: argparse.Namespace) -> Description:
    """What the options of `add_files` say of the files."""
    from driftlab.raw.description import Description

    names = ("width", "height", "bits", "packing", "endian", "header", "cfa", "black", "white", "gains")
    return Description(**{name: getattr(arguments, name) for name in names})


def pipeline_name(arguments: argparse.Namespace) -> str:
    """The pipeline that the options of `add_settings` name: a flag, else a settings file, else the default."""
    from driftlab.isp.settings import pipeline_named_in

    named = pipeline_named_in(arguments.settings) if arguments.settings else None
    return str(arguments.pipeline or named or "camera")


def check_output(target: Path, inputs: Iterable[str]) -> None:
    """Refuse an output that has no folder to go to, or that would take the place of an input."""
    if not target.absolute().parent.is_dir():
        raise OptionError(f"There is no folder '{target.parent}' for '{target.name}': make it first.")
    if any(Path(path).exists() and target.exists() and target.samefile(path) for path in inputs):
        raise OptionError(f"'{target}' is the input itself: give another name for the output.")


def settings_of(arguments: argparse.Namespace, frame: RawFrame | None) -> Settings:
    """The settings for a frame, by the options of `add_settings`."""
    from driftlab.isp.pipeline import pipeline_of
    from driftlab.isp.presets import preset_of
    from driftlab.isp.temperature import gains_at

    settings = pipeline_of(pipeline_name(arguments)).settings(frame)
    if arguments.preset:
        settings = preset_of(arguments.preset).applied(settings, frame)
    if arguments.temperature is not None and frame:
        gains = zip("rgb", gains_at(arguments.temperature, arguments.tint or 0.0, frame), strict=True)
        settings = settings.changed({f"white_balance.{color}": gain for color, gain in gains})
    elif arguments.temperature is not None or arguments.tint is not None:
        raise OptionError("A tint goes with --temperature, and a temperature with a frame: give all that is needed.")
    if arguments.settings:
        settings = settings.loaded(arguments.settings)
    return settings.assigned(arguments.set)


def model_of(arguments: argparse.Namespace) -> TaskModel:
    """The task model, by the options of `add_model`."""
    from driftlab.model.card_file import CHECKS, flag_value
    from driftlab.model.load import load_model

    said = {key: flag_value(text) for key in CHECKS if (text := getattr(arguments, f"card_{key}")) is not None}
    return load_model(
        arguments.model, trust=arguments.trust, weights=arguments.weights, card=arguments.card, flags=said
    )


def model_words(arguments: argparse.Namespace) -> tuple[str, ...]:
    """What the options of `add_model` have said of the model, but for its name and trust, as words of a command."""
    from driftlab.model.card_file import CHECKS, flag

    given = {"--weights": arguments.weights, "--card": arguments.card}
    given |= {flag(key): getattr(arguments, f"card_{key}") for key in CHECKS}
    return tuple(f"{name}={value}" for name, value in given.items() if value is not None)


def mask_of(arguments: argparse.Namespace, model: TaskModel) -> Tensor | None:
    """The mask, by the option of `add_mask`; of any size."""
    if arguments.mask is None:
        return None
    import torch

    from driftlab.mask_file import read_mask

    if model.task != "segmentation":
        raise OptionError(f"A mask is for segmentation, and this model does {model.task}: leave out --mask.")
    return torch.from_numpy(read_mask(arguments.mask))


def each_file(arguments: argparse.Namespace, work: Callable[[str], None]) -> int:
    """`work` on every file; one that can't be used is told and passed over. The exit code: 2 if there was one."""
    code = 0
    for path in progress(arguments.files, "files", lambda _, done: done / len(arguments.files)):
        try:
            work(path)
        except DriftlabError as error:
            named = path in str(error) or Path(path).name in str(error)
            print(error if named else f"{path}: {error}", file=sys.stderr)
            code = 2
    return code


def print_json(value: Any) -> None:
    """One line of JSON; numbers that JSON does not know are refused, not bent."""
    print(json.dumps(value, allow_nan=False), flush=True)


def progress(steps: Iterable[T], title: str, share: Callable[[T, int], float]) -> Iterator[T]:
    """`steps`, with a bar on a terminal's stderr once they have taken a second.

    `share` tells from a step and how many there have been what part of the work is done, 0-1.
    """
    start, bar, task = time.monotonic(), None, None
    try:
        for done, step in enumerate(steps, 1):
            yield step
            if bar is None and sys.stderr.isatty() and time.monotonic() - start > 1:
                from rich.console import Console
                from rich.progress import Progress

                bar = Progress(console=Console(stderr=True), transient=True)
                task = bar.add_task(title, total=1.0)
                bar.start()
            if bar is not None and task is not None:
                bar.update(task, completed=share(step, done))
    finally:
        if bar is not None:
            bar.stop()
