"""What breaks a model, in words, rows and small pictures."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter, QPixmap

from driftlab.gui.bands import position
from driftlab.gui.case_command import case_words, model_words
from driftlab.gui.document import Document
from driftlab.gui.numbers import written
from driftlab.gui.titles import title_of
from driftlab.gui.tolerance_copy import csv_text
from driftlab.gui.widgets.rows_table import Row

if TYPE_CHECKING:
    from pathlib import Path

    from driftlab.analysis.forensics.breakage import Forensics, Rank, Sight, View
    from driftlab.gui.breaking import BreakQuestion
    from driftlab.isp.settings import Settings

__all__ = ["DISTANCES", "as_command", "as_csv", "moves_text", "rank_row", "tile", "view_text"]

#: Words -> how far a view is from the nominal one.
DISTANCES: Final = {"L2 per pixel": "l2", "1 − SSIM": "ssim", "ΔE2000": "de2000"}
FOLDER: Final = "attack"
#: Moves that are told of one view, the longest first.
TOLD: Final = 4


def rank_row(rank: Rank, found: Forensics, settings: Settings) -> Row:
    """One line of what breaks it first."""
    sight, count = rank.sight, len(found.cases)
    stage = rank.kind == "group" and rank.name != "all" and rank.name not in settings
    title = _group(rank.name, settings) + (" (stage)" if stage else "")
    distance = "not broken" if rank.distance is None else f"{rank.distance:.3g} {found.distance.unit}".strip()
    texts = (title, distance, f"{sight.metric:.2f}", f"{len(sight.flips)} of {count}")
    flips = "<br>".join(_flip(found, flip.case, flip.before, flip.after) for flip in sight.flips[:5])
    told = f"<b>{title}</b><br>{moves_text(sight, found, settings)}<br>{flips}"
    return Row(rank.name, "holds" if rank.distance is None else "violated", texts, told)


def moves_text(sight: Sight, found: Forensics, settings: Settings) -> str:
    """What was moved, the longest travel first."""
    axes = {axis.key: axis for axis in found.axes}
    moved = sorted((move for move in sight.moves if move.travel), key=lambda move: -abs(move.travel))
    told = [
        f"{title_of(settings, move.key)} {position(axes[move.key], move.nominal, unit=False)} → "
        f"{position(axes[move.key], move.position)}"
        for move in moved[:TOLD]
    ]
    return ", ".join(told) + (f" and {len(moved) - TOLD} more" if len(moved) > TOLD else "")


def view_text(view: View, settings: Settings) -> str:
    """Below a picture of the gallery: the group, and how it flipped."""
    flip = view.flip
    to = f"→ {flip.after}, {written(flip.margin, 2)}" if flip.after else f"IoU {written(flip.margin, 2)}"
    return f"{_group(view.group, settings)}\n{to}"


def tile(view: View, height: int) -> QPixmap:
    """The nominal picture on the left, the drifted one on the right."""
    parts = [
        QPixmap.fromImage(_image(pixels)).scaledToHeight(height, Qt.TransformationMode.SmoothTransformation)
        for pixels in (view.nominal, view.drifted)
    ]
    whole = QPixmap(sum(part.width() for part in parts) + 2, height)
    whole.fill(Qt.GlobalColor.transparent)
    painter = QPainter(whole)
    painter.drawPixmap(0, 0, parts[0])
    painter.drawPixmap(parts[0].width() + 2, 0, parts[1])
    painter.end()
    return whole


def as_csv(found: Forensics) -> str:
    """One row a group or parameter, the nearest view first."""
    rows = [
        {
            "rank": number,
            "name": rank.name,
            "kind": rank.kind,
            "distance": "" if rank.distance is None else rank.distance,
            "unit": found.distance.unit,
            "metric": rank.sight.metric,
            "flips": len(rank.sight.flips),
            "settings": "; ".join(f"{move.key}={move.position:.6g}" for move in rank.sight.moves if move.travel),
        }
        for number, rank in enumerate(found.ranked, 1)
    ]
    return csv_text(rows)


def as_command(found: Forensics, question: BreakQuestion, document: Document, table: Path | None) -> str:
    """`driftlab attack …` for the same pictures. Raises CommandError."""
    words = ["driftlab", "attack", *case_words(model_words(document), question.pictures, found.cases, table)]
    for group in question.groups:
        words += ["--group", group]
    if question.distance != "l2":
        words += ["--distance", question.distance]
    return shlex.join([*words, "-o", FOLDER])


def _group(name: str, settings: Settings) -> str:
    """A group's name: a stage's, that of all, or a single parameter's."""
    if name in settings:
        return title_of(settings, name)
    return "All parameters" if name == "all" else settings.pipeline.stage(name).title


def _flip(found: Forensics, case: int, before: str, after: str) -> str:
    return f"{found.cases[case].frame.name}: {before} → {after}" if after else found.cases[case].frame.name


def _image(pixels: NDArray[np.float32]) -> QImage:
    levels = np.ascontiguousarray((pixels.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0))
    height, width, _ = levels.shape
    return QImage(levels.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()
