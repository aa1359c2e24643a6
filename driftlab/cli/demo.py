"""`driftlab demo --out DIR`: the bundled example, end to end."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Write the bundled example, a simulated blood-smear camera and a network, and show what drift does to it."
    parser = commands.add_parser("demo", help="the bundled example, end to end", description=about)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the example."""
    return 0
