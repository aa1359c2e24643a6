"""`driftlab bench [NAME]`: how fast it is, always as a ratio of two sides in one run."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from driftlab.cli.options import print_json


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Measure ours against a baseline on this machine, in one run; a ratio above 1 means that ours is better."
    parser = commands.add_parser("bench", help="how fast it is, against a baseline", description=about)
    names = "isp, develop, predict, sensitivity, tolerance or gui; all of them unless given"
    parser.add_argument("name", nargs="?", metavar="NAME", help=names)
    parser.add_argument("--json", action="store_true", help="one JSON object a line and bench")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from driftlab.bench import BENCHES, bench
    from driftlab.bench.measure import machine

    for name in [arguments.name] if arguments.name else BENCHES:
        results = []
        for result in bench(name):
            results.append(asdict(result))
            if not arguments.json:
                print(
                    f"{name}: {result.what}: {result.ours:.3g} {result.unit}, "
                    f"baseline {result.baseline:.3g} {result.unit}, ratio {result.ratio:.2f}"
                    + "".join(f", {key} {_short(value)}" for key, value in result.detail.items()),
                    flush=True,
                )
        if arguments.json:
            print_json({"name": name, "machine": machine(), "results": results})
    return 0


def _short(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
