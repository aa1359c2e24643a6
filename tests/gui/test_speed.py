"""What keeps the window quick: drafts as large as there is time for, and nothing painted or laid out twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from driftlab import resource
from driftlab.analysis.sensitivity.sensitivities import sensitivities
from driftlab.gui import computing
from driftlab.gui.hand import Hand
from driftlab.gui.main_window import MainWindow
from driftlab.gui.preview_source import FIRST, LEAST, MOST, SOON, Drawn, Picture, PreviewSource
from driftlab.gui.widgets.picture_view import PictureView
from driftlab.isp.pipeline import CAMERA
from driftlab.isp.windows import Region
from driftlab.raw.load import load_raw
from tests.patience import PATIENCE

SIZE = (64, 96)


class Paced:
    """An engine that says how many samples it was asked for, and draws one color."""

    name, reason = "paced", ""

    def __init__(self) -> None:
        self.budgets: list[int] = []

    def draft(self, frame: Any, settings: Any, visible: Region, budget: int) -> Drawn:
        self.budgets.append(budget)
        return Drawn(np.full((*SIZE, 4), 255, np.uint8), Region(0, 0, SIZE[1], SIZE[0]), SIZE, False)

    def exact(self, frame: Any, settings: Any) -> Iterator[Drawn | None]:
        yield None


@pytest.mark.parametrize(
    ("seconds_a_sample", "expected"),
    [(SOON / 500_000, 500_000), (SOON / 10_000, LEAST), (SOON / 1e9, MOST)],
)
def test_drafts_are_as_large_as_there_is_time_for(
    seconds_a_sample: float, expected: int, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(np.arange(1000) * seconds_a_sample * SIZE[0] * SIZE[1])
    monkeypatch.setattr("driftlab.gui.preview_source.time.perf_counter", lambda: float(next(clock)))
    engine = Paced()
    source, seen = PreviewSource(engine), []
    source.pictured.connect(seen.append)
    try:
        for number in range(1, 4):
            source.draft(None, None, Region(0, 0, 10, 10))  # type: ignore[arg-type]
            until(lambda number=number: len(seen) == number)
    finally:
        source.close()
    assert engine.budgets[0] == FIRST
    assert engine.budgets[1:] == [pytest.approx(expected, rel=1e-3)] * 2


def test_a_late_draft_among_quick_ones_changes_nothing(qapp: QApplication) -> None:
    source = PreviewSource(Paced())
    try:
        for seconds in (2e-4, 2e-4, 0.5, 2e-4, 2e-4):
            source._fit_budget(picture(seconds=seconds))
            assert source._budget == pytest.approx(SOON / 2e-4 * SIZE[0] * SIZE[1], rel=1e-3)
    finally:
        source.close()


def picture(color: int = 0, region: Region | None = None, exact: bool = False, seconds: float = 0.0) -> Picture:
    region = region or Region(0, 0, SIZE[1], SIZE[0])
    image = QImage(region.width, region.height, QImage.Format.Format_RGB32)
    image.fill(color)
    return Picture((image,), region, SIZE, exact, None, None, seconds)  # type: ignore[arg-type]


def test_the_draft_lies_over_the_exact_picture_and_no_more_is_hidden(qapp: QApplication) -> None:
    view = PictureView()
    view.resize(400, 280)
    view.show_picture(picture(0xFF0000FF, exact=True))
    view.fit()
    view.show_picture(picture(0xFFFF0000, Region(0, 0, 48, 64)))
    shown = view.grab().toImage()
    assert [shown.pixelColor(x, 140).name() for x in (20, 196, 204, 390)] == [
        "#ff0000",
        "#ff0000",
        "#0000ff",
        "#0000ff",
    ]
    view.close()


class Layouts(QObject):
    """Counts how often a window is laid out anew."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self.window, self.count = window, 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += watched is self.window and event.type() == QEvent.Type.LayoutRequest
        return False


def test_a_drag_lays_nothing_out_anew(opened: MainWindow, qapp: QApplication) -> None:
    hand = Hand(opened)
    hand.drag("exposure.ev", [0.5, 0.51, 0.52])  # its label becomes bold, and what there was stale
    hand.rest()
    layouts = Layouts(opened)
    qapp.installEventFilter(layouts)
    drag = hand.drag("exposure.ev", [0.52 + step / 1000 for step in range(30)])
    qapp.removeEventFilter(layouts)
    assert len(drag.painted) > 2
    assert len(drag.answered) > 2
    assert layouts.count <= 4, "numbers that change must not move what is around them"


def test_every_value_of_a_drag_is_painted_or_a_newer_one(opened: MainWindow) -> None:
    drag = Hand(opened).drag("exposure.ev", [0.4 + step / 400 for step in range(40)])
    delays = drag.delays(drag.painted)
    assert len(delays) > 20
    assert all(delay > 0 for delay in delays)
    assert len(drag.reached) <= len(drag.inputs) == 40
    assert [number for _, number in drag.painted] == sorted(number for _, number in drag.painted)


def test_the_first_drag_finds_its_small_frame_made(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    from driftlab.gui.preview_source import TorchEngine

    frame = load_raw(str(resource("demo") / "eosinophil-03.dng"))
    settings, engine = CAMERA.settings(frame), TorchEngine()
    for name in ("FIRST", "MOST"):
        monkeypatch.setattr(f"driftlab.gui.preview_source.{name}", frame.mosaic.size // 4)
    list(engine.exact(frame, settings))
    monkeypatch.setattr("driftlab.isp.draft.draft_frame", None)  # may not be called any more
    height, width = frame.size
    engine.draft(frame, settings, Region(0, 0, width, height), frame.mosaic.size // 4)


def test_an_answer_about_a_large_picture_stops_between_its_tiles(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftlab.isp.develop.TILE", 32 * 32)
    question = opened.computing.question
    assert question is not None
    *stops, answer = computing._answers([question])
    assert stops == [None] * len(stops)
    assert len(stops) > 10
    assert answer is not None
    assert answer.prediction.logits.tolist() == opened.computing.answer.prediction.logits.tolist()  # type: ignore[union-attr]


def test_sensitivities_of_a_large_picture_stop_between_its_pieces(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftlab.isp.linearized.SIDE", 64)
    document = opened.document
    assert document.frame is not None and document.settings is not None and document.model is not None
    items = sensitivities(document.frame, document.settings, document.model, heatmaps=[])
    kinds = [type(item).__name__ for item in items]
    count = -(-document.frame.size[0] // 64) * -(-document.frame.size[1] // 64)
    assert kinds[:count] == ["Progress"] * count, "nowhere to stop while the picture is developed"
    assert kinds.index("Table") >= 2 * count - 1, "nor while it is differentiated"


def test_the_time_of_the_first_paint_is_told_to_another_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from driftlab.gui.first_paint import wait_for_first_paint as wait"
    before = time.time()
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(wait(Path({str(tmp_path)!r})))"],
        capture_output=True, text=True, check=True, timeout=PATIENCE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert before < float(done.stdout.split()[-1]) < time.time()
