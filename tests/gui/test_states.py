"""What panels say where there is nothing, something old, or something failed; and the way out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from driftlab.errors import DriftlabError
from driftlab.gui import computing, explaining
from driftlab.gui.main_window import MainWindow
from driftlab.isp.develop import Region
from tests.patience import PATIENCE


def words(window: MainWindow) -> list[str]:
    return [button.text() for button in window.logits.notice.buttons]


def test_empty_panels_say_what_they_need(window: MainWindow, until: Any) -> None:
    assert "task model" in window.logits.notice.label.text() and words(window) == ["Choose a model …"]
    assert window.sensitivity.notice.isVisible()
    window.opening.open_sample()
    until(lambda: window.document.model is not None and window.current)
    assert not window.logits.notice.isVisible() and not window.sensitivity.notice.isVisible()


def test_a_failed_answer_says_why_and_can_be_tried_again(
    opened: MainWindow, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(questions: object) -> Iterator[None]:
        raise DriftlabError("The model is too large: close another program.")

    notice, was = opened.logits.notice, computing._answers
    monkeypatch.setattr(computing, "_answers", fails)
    opened.document.set("white_balance.r", 1.3)
    until(notice.isVisible)
    assert notice.label.text() == "The model is too large: close another program."
    again, details = notice.buttons
    assert details.text() == "Copy details"
    details.click()
    assert "Traceback" in QGuiApplication.clipboard().text()
    monkeypatch.setattr(computing, "_answers", was)
    again.click()
    until(lambda: not notice.isVisible() and opened.computing.current)
    assert opened.computing.answer is not None
    until(lambda: opened.current)


def test_canceled_sensitivities_say_so_and_come_when_asked_for(
    opened: MainWindow, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, was = threading.Event(), threading.Event(), explaining._explained

    def waits(*question: Any) -> Iterator[Any]:
        begun.set()
        gate.wait(PATIENCE)
        yield from was(*question)

    monkeypatch.setattr(explaining, "_explained", waits)
    opened.document.set("white_balance.r", 1.3)
    until(begun.is_set)
    opened.escape()
    gate.set()
    notice = opened.sensitivity.notice
    until(notice.isVisible)
    assert notice.label.text() == "The sensitivities were canceled."
    assert opened.current, "what was canceled is waited for"
    notice.buttons[0].click()
    until(lambda: not notice.isVisible() and opened.current)
    assert opened.explaining.table is not None and opened.explaining.failure is None


def test_a_newer_question_is_no_cancel(opened: MainWindow, until: Any) -> None:
    for step in range(5):
        opened.document.set("white_balance.r", 1.2 + step / 50)
        until(lambda: "heatmap" in opened.worker.busy or opened.current)
    until(lambda: opened.current)
    assert opened.explaining.failure is None and not opened.sensitivity.notice.isVisible()


def test_nothing_of_earlier_settings_is_shown_as_current(opened: MainWindow, until: Any) -> None:
    until(lambda: len(opened.explaining.heatmaps) > 5)
    panel, bars = opened.heatmap, opened.sensitivity.bars
    panel.overlay.setChecked(True)
    assert opened.preview.view.overlay is not None
    opened.document.drag_begin()  # nothing is asked for while it lasts
    opened.document.set("white_balance.r", 1.3)
    assert bars.stale and not panel.title.isEnabled() and opened.preview.view.overlay is None
    for key in [*opened.explaining.heatmaps][:2]:
        bars.chosen.emit(key)
        assert not panel.title.isEnabled() and opened.preview.view.overlay is None
    opened.sensitivity.units.setCurrentIndex(1)
    assert bars.stale
    panel.what.setCurrentIndex(2)
    assert not panel.title.isEnabled() and opened.preview.view.overlay is None
    panel.what.setCurrentIndex(0)
    assert not panel.title.isEnabled() and opened.preview.view.overlay is None
    opened.document.drag_end()
    until(lambda: opened.current)
    assert not bars.stale and panel.title.isEnabled() and opened.preview.view.overlay is not None
    assert opened.explaining.table is not None and opened.document.settings is not None
    assert opened.explaining.table.question.settings == opened.document.settings


def test_a_decision_that_another_region_changed_is_no_parameters_doing(opened: MainWindow) -> None:
    question = opened.computing.question
    assert question is not None
    elsewhere = replace(question, region=Region(0, 0, 64, 64))
    assert computing._cause(question, elsewhere, "white_balance.r") is None
    redder = replace(question, settings=question.settings.changed({"white_balance.r": 2.0}))
    later = replace(question, settings=redder.settings.changed({"exposure.ev": 1.0}))
    assert computing._cause(question, redder, "exposure.ev") == "white_balance.r"  # what was edited since is not asked
    assert computing._cause(question, later, "exposure.ev") == "exposure.ev"
    assert computing._cause(question, later, "Temperature") == "Temperature"


def test_an_answer_that_comes_after_the_step_back_does_not_stay(
    opened: MainWindow, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, over, was = threading.Event(), threading.Event(), threading.Event(), computing._answers

    def waits(questions: Any) -> Iterator[Any]:
        begun.set()
        gate.wait(PATIENCE)
        yield from was(questions)
        over.set()

    monkeypatch.setattr(computing, "_answers", waits)
    opened.document.set("white_balance.r", 1.3)
    until(begun.is_set)
    gate.set()
    assert over.wait(PATIENCE)  # the answer is on its way, and not here yet
    opened.document.undo()
    opened.computing._soon.stop()
    opened.computing._ask()
    assert opened.computing.current
    until(lambda: opened.current)
    assert opened.computing.answer is not None
    assert opened.computing.answer.question.settings == opened.document.settings
