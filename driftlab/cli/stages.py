"""`driftlab stages`: every parameter and choice of a pipeline."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from driftlab.cli.options import add_settings, settings_of

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings


def add(commands: Any) -> None:
    """Declare the command."""
    about = "Every parameter and choice of a pipeline, in order, with its value, unit, range and kind of gradient."
    parser = commands.add_parser("stages", help="the keys of a pipeline", description=about)
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="a JSON list")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the parameters and choices."""
    rows = list(rows_of(settings_of(arguments, None)))
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        if row["kind"] == "switch":
            print(f"\n{row['stage']}: {row['help']}  [{row['reads']} -> {row['writes']}]")
        elif row["kind"] == "choice":
            print(f"  {row['key']:26} {row['value']:<16} {' | '.join(row['options'])}")
        elif not row["advanced"]:
            low, high = row["soft"]
            given = row["value"] != row["default"]
            shot = "as shot" if row["as_shot"] and not given else f"{row['value']:g}"
            span = f"{low:g} to {high:g}{' ' + row['unit'] if row['unit'] else ''}"
            print(f"  {row['key']:26} {shot:<16} {span:24} {row['gradient']}")
    print(f"\nNot listed: {sum(row.get('advanced', False) for row in rows)} weights of kernels; `--json` has them.")
    return 0


def rows_of(settings: Settings) -> Iterator[dict[str, Any]]:
    """Every key with all that its stage declares of it and its value in `settings`, ready for JSON."""
    for stage in settings.pipeline.stages:
        common = {"stage": stage.name, "title": stage.title}
        yield {
            "key": f"{stage.name}.on",
            "kind": "switch",
            **common,
            "default": True,
            "value": settings[f"{stage.name}.on"],
            "switchable": stage.off is not None,
            "reads": str(stage.reads),
            "writes": str(stage.writes),
            "help": stage.help,
        }
        chosen = {choice.name: settings[f"{stage.name}.{choice.name}"] for choice in stage.choices}
        for choice in stage.choices:
            key = f"{stage.name}.{choice.name}"
            yield {
                "key": key,
                "kind": "choice",
                **common,
                "label": choice.label,
                "default": choice.default,
                "value": settings[key],
                "options": list(choice.options),
                "gradient": "none",
                "help": choice.help,
            }
        for param in stage.params:
            key = f"{stage.name}.{param.name}"
            yield {
                "key": key,
                "kind": "parameter",
                **common,
                "label": param.label,
                "unit": param.unit,
                "default": param.default,
                "value": settings[key],
                "as_shot": param.as_shot is not None,
                "soft": [param.low, param.high],
                "hard": list(param.hard),
                "scale": "log" if param.log else "linear",
                "integer": param.integer,
                "gradient": stage.gradient_of(param, chosen),
                "advanced": param.advanced,
                "when": {name: list(options) for name, options in param.when.items()},
                "help": param.help,
            }
