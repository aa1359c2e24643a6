"""`driftlab develop FILE -o OUT`: a frame becomes a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from driftlab.cli.options import (
    add_files,
    add_settings,
    check_output,
    frame_of,
    pipeline_name,
    progress,
    settings_of,
)

#: The share of a picture that is white above which it is worth a word.
MOSTLY = 0.5


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Develop a frame. PNG has 8 bits; TIFF, with 16, and NPY, with float32, are exact."
    parser = commands.add_parser("develop", help="a frame becomes a picture", description=about)
    add_files(parser, several=False)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="OUT.png, OUT.tif or OUT.npy")
    add_settings(parser)
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage and write its output")
    parser.add_argument(
        "--engine", choices=("torch", "gpu"), default="torch", help="what computes: the processor or the GPU"
    )
    parser.add_argument("--crop", metavar="X,Y,W,H", help="a region of the picture only")
    parser.add_argument("--save-settings", type=Path, metavar="FILE", help="write the settings in force as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Develop and write."""
    from driftlab.isp.develop import Region, develop
    from driftlab.isp.pipeline import pipeline_of
    from driftlab.isp.stage import Domain
    from driftlab.picture import bits_of, write_picture

    bits, engine = bits_of(arguments.out), None
    for target in filter(None, (arguments.out, arguments.save_settings)):
        check_output(target, [arguments.file])
    region = Region.parse(arguments.crop) if arguments.crop is not None else None
    written = pipeline_of(pipeline_name(arguments)).writes(arguments.until)
    if arguments.engine == "gpu":
        from driftlab.engine import GpuEngine

        engine = GpuEngine()
    frame = frame_of(arguments, arguments.file)
    settings = settings_of(arguments, frame)
    if bits and written not in (Domain.DISPLAY_RGB, Domain.SAMPLES):
        print(f"{arguments.out}: values of {written} outside 0 to 1 are cut; NPY keeps them.", file=sys.stderr)
    for remark in frame.remarks:
        print(f"{arguments.file}: {remark}.", file=sys.stderr)
    if abs(frame.pixel_aspect - 1) > 0.01:
        print(
            f"{arguments.file}: its pixels are {frame.pixel_aspect:.3g} times as wide as high, and stay so.",
            file=sys.stderr,
        )
    picture = develop(
        frame,
        settings,
        region=region,
        until=arguments.until,
        bits=bits,
        watched=lambda tiles: progress(tiles, "developing", lambda tile, _: tile.done),
        drawn=engine.tiles if engine else None,
    )
    white = float((picture == 2**bits - 1).all(0).mean()) if bits else 0.0
    if white > MOSTLY:
        print(
            f"{arguments.out}: {white:.0%} of it is clipped to white; lower exposure.ev or tone.brightness.",
            file=sys.stderr,
        )
    write_picture(picture, arguments.out)
    if arguments.save_settings:
        settings.save(arguments.save_settings)
    channels, height, width = picture.shape
    by = f", drawn by {engine.name}" if engine else ""
    print(f"{arguments.out}: {width} × {height}, {channels} channel{'s' * (channels > 1)}, {picture.dtype}{by}")
    for stage, reason in engine.elsewhere.items() if engine else ():
        print(f"{stage} was computed by torch: {reason}.", file=sys.stderr)
    return 0
