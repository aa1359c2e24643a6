"""`driftlab demo --out DIR`: the bundled example, end to end."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from driftlab.cli.options import progress


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Write the bundled example, a simulated blood-smear camera and a network, and show what drift does to it."
    parser = commands.add_parser("demo", help="the bundled example, end to end", description=about)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the example."""
    from driftlab.demo import write_demo

    for step in progress(write_demo(arguments.out), "running the example", lambda step, _: step.share):
        print(step.text)
    return 0
