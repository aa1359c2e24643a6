"""What the window shows, as the shell command that gives the same numbers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from driftlab.gui.document import Document

if TYPE_CHECKING:
    from driftlab.isp.stage import Value

__all__ = ["command", "value_text"]


def command(document: Document, name: str) -> str:
    """The command line of `develop`, `predict` or `sensitivity` for the frame, settings, model and region in force."""
    entry, settings, frame = document.current, document.settings, document.frame
    if entry is None or settings is None or frame is None:
        return ""
    words = ["driftlab", name, str(entry.path)]
    if entry.description is not None:
        words += entry.description.words()
    if name == "develop":
        words += ["-o", f"{entry.path.stem}.tif"]
    elif document.model is not None and document.model_path is not None:
        words += ["--model", document.model_path, *document.model_words]
        if document.model.ran_code:
            words.append("--trust")
        if document.region is not None:
            part = document.region
            words += ["--crop", f"{part.left},{part.top},{part.width},{part.height}"]
        if document.mask is not None and document.model.task == "segmentation":
            words += ["--mask", str(document.mask.path)]
        if document.target is not None and name == "sensitivity":
            words += ["--target", document.target]
    if settings.pipeline.name != "camera":
        words += ["--pipeline", settings.pipeline.name]
    shot = settings.pipeline.settings(frame)
    for key, value in settings.items():
        if value != shot[key]:
            words += ["--set", f"{key}={value_text(value)}"]
    if name != "develop":
        words.append("--json")
    return shlex.join(words)


def value_text(value: Value) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value) if isinstance(value, float) else value
