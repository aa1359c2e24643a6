"""What keys are called on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftlab.isp.settings import Settings

__all__ = ["edit_name", "title_of"]


def title_of(settings: Settings | None, key: str) -> str:
    """Stage and label of a key of these settings, such as "White balance: Red gain"; others as they are."""
    if settings is None or key not in settings:
        return key
    declared = settings.pipeline.keys[key]
    stage = settings.pipeline.stage(key.partition(".")[0])
    name = declared.label if declared is not None else "on"
    return name if name.lower() == stage.title.lower() else f"{stage.title}: {name}"


def edit_name(settings: Settings | None, edit: str | None) -> str:
    """What an edit of these settings is called behind "Undo": the label of its key, or the name it has; none: empty."""
    if edit is None or settings is None or edit not in settings:
        return edit or ""
    declared = settings.pipeline.keys[edit]
    return declared.label.lower() if declared else settings.pipeline.stage(edit.partition(".")[0]).title.lower()
