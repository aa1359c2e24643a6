"""How a canvas is painted: the exact picture, a draft over it, nominal beside or instead, masks, marks and badges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter, QPen, QRegion

from driftlab.gui import theme
from driftlab.gui.widgets.overlays import badge, banner, draw_boxes, draw_divider, draw_region

if TYPE_CHECKING:
    from driftlab.gui.preview_source import Picture
    from driftlab.gui.widgets.picture_view import PictureView
    from driftlab.isp.develop import Region

__all__ = ["paint"]


def paint(view: PictureView, painter: QPainter) -> None:
    """Surround, picture, what lies on top, badges."""
    painter.fillRect(view.rect(), theme.color("surround"))
    if view.size_ is not None:
        whole = view.split is None and view.holds_nominal and view.nominal is not None
        output = None if whole else view.output
        if output is not None:
            _draw(view, painter, output.picture)
        elif not whole:
            _draw_now(view, painter)
            if view.classes is not None:
                painter.setOpacity(0.4 if view.classes_stale else 1.0)
                _draw_image(view, painter, *view.classes)
                painter.setOpacity(1.0)
            if view.overlay is not None:
                _draw_image(view, painter, view.overlay[0], view.overlay[1])
        else:
            _draw(view, painter, view.nominal)
        if view.split is not None and output is None:
            _draw_split(view, painter, view.split)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_boxes(painter, [view.on_widget(box) for box in view.boxes])
        if view.region is not None:
            said = f"{view.region.width} × {view.region.height}"
            draw_region(painter, view.on_widget(_rect(view.region)), view.draws_region, said)
        if output is None:
            _draw_badges(view, painter, whole)
        else:
            said = "for earlier settings" if view.outdated else "this is not the picture: Esc goes back to it"
            lines = (f"{output.title} · {said}", f"Shown as {output.scale}")
            banner(painter, view.width(), lines, faded=view.outdated)


def _draw_now(view: PictureView, painter: QPainter) -> None:
    """The draft, and of the exact picture only what the draft leaves in sight: to scale both would take twice."""
    if view.draft is not None:
        covered = view.on_widget(_rect(view.draft.region)).toRect()
        painter.save()
        painter.setClipRegion(QRegion(view.rect()).subtracted(QRegion(covered)))
        _draw(view, painter, view.exact)
        painter.restore()
    else:
        _draw(view, painter, view.exact)
    _draw(view, painter, view.draft)


def _draw_split(view: PictureView, painter: QPainter, split: float) -> None:
    x = split * view.width()
    if view.nominal is not None:
        painter.save()
        painter.setClipRect(QRectF(0, 0, x, view.height()))
        painter.fillRect(view.rect(), theme.color("surround"))
        _draw(view, painter, view.nominal)
        painter.restore()
    draw_divider(painter, x, view.height())
    painter.setPen(QPen())


def _draw_badges(view: PictureView, painter: QPainter, whole: bool) -> None:
    if view.split is not None:
        x = view.split * view.width()
        if view.nominal is not None:
            badge(painter, QPointF(x - 8, 8), "nominal", right=True)
        badge(painter, QPointF(x + 8, 8), "now")
    elif whole:
        badge(painter, QPointF(8, 8), "nominal")
    if view.draft is not None and not view.draft.exact and not whole:
        badge(painter, QPointF(view.width() - 8, 8), "draft", right=True)


def _draw(view: PictureView, painter: QPainter, picture: Picture | None) -> None:
    if picture is not None:
        level = min(max(int(math.log2(1 / view.zoom)), 0) if view.zoom < 1 else 0, len(picture.levels) - 1)
        # At the nominal settings a picture can be larger or smaller than the one that places are counted in.
        now, then = view.size_[1] if view.size_ is not None else picture.size[1], picture.size[1]
        times = float(round(now / then)) if now >= then else 1 / round(then / now)
        rect = _rect(picture.region)
        placed = QRectF(rect.x() * times, rect.y() * times, rect.width() * times, rect.height() * times)
        _draw_image(view, painter, picture.levels[level], placed)


def _draw_image(view: PictureView, painter: QPainter, image: QImage, rect: QRectF) -> None:
    """An image that covers `rect` of the picture; only what is in sight of it."""
    shown = view.on_widget(rect)
    seen = shown.intersected(QRectF(view.rect()))
    if seen.isEmpty():
        return
    sx, sy = image.width() / shown.width(), image.height() / shown.height()
    source = QRectF((seen.x() - shown.x()) * sx, (seen.y() - shown.y()) * sy, seen.width() * sx, seen.height() * sy)
    enlarges = sx * view.devicePixelRatioF() <= 1.0 + 1e-6 or view.zoom >= 1
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not (enlarges and view.zoom >= 1))
    painter.drawImage(seen, image, source)


def _rect(region: Region) -> QRectF:
    return QRectF(region.left, region.top, region.width, region.height)
