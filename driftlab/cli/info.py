"""`driftlab info FILE…`: what is known of a frame."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftlab.cli.options import add_files, each_file, frame_of, print_json

if TYPE_CHECKING:
    from driftlab.raw.frame import RawFrame


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("info", help="what is known of a frame", description="What is known of a frame.")
    add_files(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line and file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the facts of every file."""

    def show(path: str) -> None:
        facts = facts_of(frame_of(arguments, path), path)
        if arguments.json:
            print_json(facts)
        else:
            print("\n".join(f"{name:15} {_text(value)}" for name, value in facts.items()) + "\n")

    return each_file(arguments, show)


def facts_of(frame: RawFrame, path: str) -> dict[str, Any]:
    """All that a frame knows, ready for JSON."""
    from driftlab.isp.temperature import temperature_of

    height, width = frame.size
    kelvin, tint = temperature_of(frame.gains, frame) if frame.daylight_gains else (None, None)
    return {
        "file": path,
        "camera": frame.camera,
        "lens": frame.lens,
        "origin": str(frame.origin),
        "width": width,
        "height": height,
        "cfa": frame.cfa.name,
        "cfa_kind": frame.cfa.kind,
        "bits": frame.bits,
        "black": list(frame.black),
        "white": frame.white,
        "range": [float(frame.mosaic.min()), float(frame.mosaic.max())],
        "gains": list(frame.gains),
        "gains_source": frame.gains_source,
        "temperature": kelvin,
        "tint": tint,
        "matrix": [list(row) for row in frame.matrix.values],
        "matrix_source": frame.matrix.source,
        "iso": frame.iso,
        "exposure_time": frame.exposure_time,
        "aperture": frame.aperture,
        "orientation": frame.orientation,
        "pixel_aspect": frame.pixel_aspect,
        "margins": list(frame.margins),
        "decoder": frame.decoder,
        "sha256": frame.sha256,
        "remarks": list(frame.remarks),
    }


def _text(value: object) -> str:
    if value is None or value == "" or value == []:
        return "not known" if value is None else "-"
    if isinstance(value, list) and isinstance(value[0], str):
        return "; ".join(value)
    if isinstance(value, list) and isinstance(value[0], list):
        return "; ".join(_text(row) for row in value)
    if isinstance(value, list):
        return " ".join(f"{number:.6g}" for number in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
