"""Many moves of many sliders leave nothing behind: a short run of what `driftlab bench gui` does for an hour."""

from __future__ import annotations

import gc
import random
import threading
from collections import Counter
from typing import Any

from PySide6.QtCore import QObject, QTimer

from driftlab.gui.hand import Hand
from driftlab.gui.main_window import MainWindow

#: Moves before anything is counted, for what is made once, and moves that are counted.
FIRST, MOVES = 150, 450
#: What one and the same state may differ by: items that wait in a queue, a cache with a few places.
SLACK = 8
#: What the window makes for every move, and has to let go.
MADE = ("Picture", "Drawn", "Answer", "Question", "Table", "Heatmap", "RawFrame", "Tensor", "QImage")


def left(hand: Hand) -> Counter[str]:
    hand.rest()
    gc.collect()
    count = Counter(type(each).__name__ for each in gc.get_objects() if type(each).__name__ in MADE)
    count["QObject"] = len(hand.window.findChildren(QObject))
    count["thread"] = threading.active_count()
    return count


def growth(window: MainWindow) -> dict[str, int]:
    """Of what there is more after many moves than after a few."""
    hand, chance = Hand(window), random.Random(1)
    hand.wander(chance, FIRST)
    before = left(hand)
    hand.wander(chance, MOVES)
    after = left(hand)
    slack = Counter({name: SLACK for name in after if name != "thread"})
    return {name: after[name] - before[name] for name in after if after[name] > before[name] + slack[name]}


def test_many_moves_leave_nothing(opened: MainWindow) -> None:
    assert growth(opened) == {}


def test_what_is_left_would_be_seen(opened: MainWindow) -> None:
    kept: list[Any] = []
    opened.source.pictured.connect(lambda picture: (kept.append(picture), QTimer(opened)))
    assert {"Picture", "QObject"} <= growth(opened).keys()
