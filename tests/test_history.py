"""Undo and redo: a drag is one step, and what follows an undo forgets what was undone."""

from __future__ import annotations

import itertools

from driftlab.history import LIMIT, History


def ticking(step: float = 0.05) -> itertools.count:
    return itertools.count(0, step)


def test_a_drag_is_one_step_whatever_its_length() -> None:
    history = History(0, clock=ticking(10.0).__next__)
    history.hold()
    for state in (1, 2, 3):
        history.record(state, "gain")
    history.release()
    assert history.undoes == "gain"
    assert history.undo() == 0
    assert history.redo() == 3


def test_two_drags_of_one_slider_are_two_steps() -> None:
    history = History(0, clock=ticking().__next__)
    for state in (1, 2):
        history.hold()
        history.record(state, "gain")
        history.release()
    assert (history.undo(), history.undo()) == (1, 0)


def test_quick_keys_are_one_step_slow_ones_are_not() -> None:
    quick, slow = History(0, clock=ticking().__next__), History(0, clock=ticking(1.0).__next__)
    for state in (1, 2, 3):
        quick.record(state, "gain")
        slow.record(state, "gain")
    assert quick.undo() == 0
    assert slow.undo() == 2


def test_another_edit_is_another_step() -> None:
    history = History(0, clock=ticking().__next__)
    history.record(1, "gain")
    history.record(2, "gamma")
    assert history.undo() == 1


def test_an_edit_after_undo_forgets_what_was_undone() -> None:
    history = History(0, clock=ticking(1.0).__next__)
    for state in (1, 2):
        history.record(state, str(state))
    history.undo()
    assert history.redoes == "2"
    history.record(3, "3")
    assert history.redoes is None
    assert history.redo() == 3
    assert history.undo() == 1


def test_there_is_nothing_before_the_beginning_nor_after_the_end() -> None:
    history = History(0)
    assert (history.undo(), history.redo(), history.undoes, history.redoes) == (0, 0, None, None)


def test_only_the_oldest_steps_go() -> None:
    history = History(0, clock=ticking(1.0).__next__)
    for state in range(1, LIMIT + 11):
        history.record(state, str(state))
    while history.undoes is not None:
        history.undo()
    assert history.current == 10
