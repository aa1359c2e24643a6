"""`driftlab sensitivity FILE… --model M`: how fast the answer moves with every parameter, and where in the picture."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftlab.cli.options import (
    add_files,
    add_mask,
    add_model,
    add_settings,
    each_file,
    frame_of,
    mask_of,
    model_of,
    print_json,
    progress,
    settings_of,
)

if TYPE_CHECKING:
    from driftlab.analysis.sensitivity.sensitivities import Heatmap, Item, StageHeatmaps, Table
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.frame import RawFrame

#: What `normalized` is, told in every result.
NORMALIZED = (
    "gradient x scale; scale: soft range high - low, value x ln(high / low) for logarithmic parameters, "
    "1 for whole numbers"
)
WIDTH = 24


def add(commands: Any) -> None:
    """Declare the command."""
    about = (
        "How fast the margin, or a logit, moves with every parameter of the data model: per unit, and normalized by "
        "the parameter's range. A heatmap shows where in the picture; it sums to the sensitivity."
    )
    parser = commands.add_parser("sensitivity", help="what an answer hangs on, and where", description=about)
    add_files(parser)
    add_model(parser)
    add_settings(parser)
    parser.add_argument("--target", metavar="T", help="a label or the index of an output; the margin unless given")
    add_mask(parser, "what soft Dice of a segmentation is against, in place of the answer itself")
    parser.add_argument("--crop", metavar="X,Y,W,H", help="the region of the picture that the model is given")
    parser.add_argument("--heatmaps", type=Path, metavar="DIR", help="write heatmaps, as PNG to see and NPY to compute")
    parser.add_argument(
        "--stage-heatmaps", action="store_true", help="to DIR also |d target / d output| of every stage"
    )
    what = "hold every entry against finite differences, which takes two predictions each (done unless --no-check)"
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True, help=what)
    parser.add_argument("--json", action="store_true", help="one JSON object a line and file, and a summary of several")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute and print."""
    from driftlab.analysis.errors import AnalysisError
    from driftlab.analysis.sensitivity.sensitivities import Heatmap, StageHeatmaps, Table, sensitivities
    from driftlab.data.mask import mask_on
    from driftlab.isp.develop import Region

    if arguments.stage_heatmaps and not arguments.heatmaps:
        raise AnalysisError("Stage heatmaps need a folder: give it with --heatmaps DIR.")
    region = Region.parse(arguments.crop) if arguments.crop else None
    model = model_of(arguments)
    mask = mask_of(arguments, model)
    folders: set[str] = set()
    tables: list[Table] = []

    def work(path: str) -> None:
        frame = frame_of(arguments, path)
        settings = settings_of(arguments, frame)
        steps = sensitivities(
            frame,
            settings,
            model,
            region=region,
            target=arguments.target,
            mask=None if mask is None else mask_on(mask, frame, settings, region),
            heatmaps=None if arguments.heatmaps else (),
            stage_heatmaps=arguments.stage_heatmaps,
            check=arguments.check,
        )
        folder = _folder(arguments.heatmaps, path, folders) if arguments.heatmaps else None
        table: Table | None = None
        sums: dict[str, float] = {}
        try:
            for item in _shown(steps):
                if isinstance(item, Table):
                    table = item
                elif folder and isinstance(item, Heatmap):
                    _write_heatmap(folder, frame, item, table)
                    sums[item.key] = item.total
                elif folder and isinstance(item, StageHeatmaps):
                    _write_stages(folder, frame, item)
        except OSError as error:
            raise AnalysisError(f"'{folder}' can't be written to: {error.strerror or error}.") from error
        assert table is not None
        tables.append(table)
        if arguments.json:
            print_json(_facts(path, frame, table, model, arguments, sums, folder))
        else:
            print("\n".join(_lines(path, frame, table, sums, folder)))

    code = each_file(arguments, work)
    if len(tables) > 1 and arguments.json:
        print_json(_summary_facts(tables))
    elif len(tables) > 1:
        print("\n".join(_summary_lines(tables)))
    return code


def _shown(steps: Iterator[Item]) -> Iterator[Item]:
    from driftlab.analysis.sensitivity.sensitivities import Table

    share = 0.0

    def done(item: Item, _: int) -> float:
        nonlocal share
        share = item.share if isinstance(item, Table) else share
        return share

    return progress(steps, "sensitivities", done)


def _facts(
    path: str,
    frame: RawFrame,
    table: Table,
    model: TaskModel,
    arguments: argparse.Namespace,
    sums: dict[str, float],
    folder: Path | None,
) -> dict[str, Any]:
    """The table, ready for JSON; `finite_difference` and `step` only where there are any."""
    question = table.question
    target, settings = question.target, question.settings
    optional = ("step", "finite_difference")
    rows = [
        {name: value for name, value in asdict(row).items() if value is not None or name not in optional}
        for row in table.rows
    ]
    return {
        "file": path,
        "target": target.name,
        "classes": list(target.classes),
        "value": table.value,
        "margin": table.value if target.name == "margin" else None,
        "logits": table.logits.tolist() if table.logits.ndim == 1 else None,
        "labels": list(model.labels),
        "parameters": rows,
        "normalized": NORMALIZED,
        "no_heatmaps": table.no_heatmaps,
        "heatmaps": str(folder) if folder and not table.no_heatmaps else None,
        "heatmap_sums": sums,
        "crop": arguments.crop,
        "mask": str(arguments.mask) if arguments.mask else None,
        "settings": dict(settings),
        "pipeline": settings.pipeline.name,
        "model": arguments.model,
        "model_format": str(model.source.format),
        "model_sha256": model.sha256,
        "model_ran_code": model.ran_code,
        "raw_sha256": frame.sha256,
        "raw_origin": str(frame.origin),
        "remarks": list(frame.remarks),
    }


def _lines(path: str, frame: RawFrame, table: Table, sums: dict[str, float], folder: Path | None) -> Iterator[str]:
    """The table by its normalized sensitivities, with bars; what has no effect is named below it."""
    yield path
    yield f"  {table.question.target}: {table.value:.4g}"
    largest = max((abs(row.normalized) for row in table.rows), default=0.0) or 1.0
    # What is left of a sum that should be zero is rounding.
    ranked = [row for row in table.ranked() if abs(row.normalized) > 1e-6 * largest]
    checked = any(row.finite_difference_error is not None for row in ranked)
    if ranked:
        yield (
            f"  {'parameter':20} {'value':>9} {'per unit':>11} {'normalized':>11}  {'':{WIDTH}} gradient "
            + (" check" if checked else "")
            + ("  heatmap sum" if sums else "")
        ).rstrip()
    for row in ranked:
        bar = "█" * round(abs(row.normalized) / largest * WIDTH) or "▏"
        kind = row.gradient_kind if row.step is None else f"±{row.step:.3g}"
        check = "" if row.finite_difference_error is None else f"{row.finite_difference_error:6.1%}"
        total = f"{sums[row.key]:+13.5g}" if row.key in sums else ""
        number = f"{row.value:9.4g} {row.gradient:+11.4g} {row.normalized:+11.4g}"
        yield f"  {row.key:20} {number}  {bar:{WIDTH}} {kind:9}{check}{total}".rstrip()
    still = [row.key for row in table.rows if row not in ranked]
    if still:
        yield f"  no effect here: {', '.join(still)}"
    if folder:
        yield f"  no heatmaps: {table.no_heatmaps}" if table.no_heatmaps else f"  heatmaps in {folder}"
    yield from (f"  {remark}" for remark in frame.remarks)


def _summary_facts(tables: list[Table]) -> dict[str, Any]:
    """What the frames say together, ready for JSON: the last line of several files."""
    from driftlab.analysis.sensitivity.summary import summarized

    rows = [{**asdict(each), "by_class": dict(each.by_class)} for each in summarized(tables)]
    return {"summary": {"files": len(tables), "parameters": rows, "normalized": NORMALIZED}}


def _summary_lines(tables: list[Table]) -> Iterator[str]:
    """What the frames say together; sizes by class where there are several."""
    from driftlab.analysis.sensitivity.summary import summarized

    summaries = summarized(tables)
    classes = list(dict.fromkeys(name for each in summaries for name in each.by_class))
    shown = classes if len(classes) > 1 else []
    yield f"all {len(tables)} files, normalized" + (", with the mean size for every class" if shown else "")
    heads = "".join(f" {name[:12]:>12}" for name in shown)
    yield f"  {'parameter':20} {'mean':>9} ± {'spread':8} {'size':>8} {'p95':>8}{heads}"
    largest = summaries[0].magnitude if summaries else 0.0
    for each in summaries:
        if each.magnitude > 1e-6 * largest:
            of_class = (each.by_class.get(name) for name in shown)
            sizes = "".join(f" {'–' if size is None else format(size, '.3g'):>12}" for size in of_class)
            numbers = f"{each.mean:+9.3g} ± {each.spread:<8.3g} {each.magnitude:8.3g} {each.p95:8.3g}"
            yield f"  {each.key:20} {numbers}{sizes}"


def _folder(root: Path, path: str, taken: set[str]) -> Path:
    """A folder for each file's heatmaps, named like the file; files that share a name are numbered."""
    from driftlab.analysis.errors import AnalysisError

    name, number = Path(path).name, 1
    while name in taken:
        number += 1
        name = f"{Path(path).name}-{number}"
    taken.add(name)
    try:
        (root / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnalysisError(f"'{root / name}' can't be made: {error.strerror or error}.") from error
    return root / name


def _write_array(values: Any, path: Path) -> None:
    """`[H, W]` as NPY, exact."""
    import numpy as np

    from driftlab.atomic import whole_file

    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, values)


def _write_heatmap(folder: Path, frame: RawFrame, heatmap: Heatmap, table: Table | None) -> None:
    """`KEY.npy`, exact, and `KEY.png`, beside the picture it lies over."""
    from driftlab.analysis.sensitivity.colors import limit_of
    from driftlab.cli.heatmap_sheet import Panel, draw_sheet
    from driftlab.isp.develop import develop

    question, values = heatmap.question, heatmap.values.numpy()
    row = next(row for row in table.rows if row.key == heatmap.key) if table else None
    _write_array(values, folder / f"{heatmap.key}.npy")
    picture = develop(frame, question.settings, region=question.region, bits=8).transpose(1, 2, 0)
    unit = f" per {row.unit}" if row and row.unit else ""
    lines = [
        f"{question.target}; {heatmap.key} = {row.value:.5g}{' ' + row.unit if row.unit else ''}" if row else "",
        f"sums to {heatmap.total:+.5g}{unit}, the sensitivity; red pixels lift the target as the parameter grows, "
        "blue ones pull it down",
    ]
    panels = [Panel(frame.name, picture), Panel(f"d target / d {heatmap.key}{unit}, by pixel", values)]
    limit = limit_of(values)
    lines.append(f"scale ±{limit:.3g}; one pixel in 200 lies beyond")
    draw_sheet(folder / f"{heatmap.key}.png", heatmap.key, lines, panels, limit, signed=True, across=2)


def _write_stages(folder: Path, frame: RawFrame, heatmaps: StageHeatmaps) -> None:
    """`stage-NN-NAME.npy` of every stage, and `stages.png`, all on one scale."""
    from driftlab.analysis.sensitivity.colors import limit_of
    from driftlab.cli.heatmap_sheet import Panel, draw_sheet

    for number, (name, values) in enumerate(heatmaps.maps.items(), 1):
        _write_array(values.numpy(), folder / f"stage-{number:02d}-{name}.npy")
    maps = {name: values.numpy() for name, values in heatmaps.maps.items()}
    limit = limit_of(*maps.values())
    lines = [
        f"{heatmaps.question.target} of {frame.name}",
        "|d target / d output| of every stage, all on one scale; outputs in DN in spans from black to white",
        f"scale 0 to {limit:.3g}; one pixel in 200 lies beyond",
    ]
    panels = [Panel(name, values) for name, values in maps.items()]
    draw_sheet(folder / "stages.png", "Stage heatmaps", lines, panels, limit, signed=False, across=4)
