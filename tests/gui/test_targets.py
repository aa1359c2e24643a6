"""What the sensitivities are of can be chosen, and the copied command asks for the same."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt

from driftlab import resource
from driftlab.analysis.sensitivity.sensitivities import Table, sensitivities
from driftlab.cli import main
from driftlab.gui.command import command
from driftlab.gui.main_window import MainWindow
from driftlab.gui.widgets.target_box import FEW, TargetBox
from driftlab.isp.develop import Region
from driftlab.model.card import Task
from tests.analysis.models import model_of, segmenter
from tests.gui.test_masks import mask_of, segmented
from tests.model.tiny import save_segmenter

__all__ = ["segmented"]
pytestmark = pytest.mark.usefixtures("nothing_left")


def targets(window: MainWindow) -> list[str]:
    box = window.sensitivity.target
    return [box.itemText(at) for at in range(box.count())]


def choose(window: MainWindow, text: str) -> None:
    box = window.sensitivity.target
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def gradients(table: Table | None) -> dict[str, float]:
    assert table is not None
    return {row.key: row.gradient for row in table.rows}


def expected(window: MainWindow, **asked: Any) -> dict[str, float]:
    document = window.document
    assert document.frame is not None and document.settings is not None and document.model is not None
    steps = sensitivities(
        document.frame, document.settings, document.model, region=document.region, heatmaps=[], **asked
    )
    return gradients([item for item in steps if isinstance(item, Table)][-1])


def test_a_logit_in_place_of_the_margin(opened: MainWindow, until: Any) -> None:
    assert opened.document.model is not None
    assert targets(opened) == ["margin", *(f"logit of {label}" for label in opened.document.model.labels)]
    margin = gradients(opened.explaining.table)
    choose(opened, "logit of basophil")
    assert not opened.explaining.current
    until(lambda: opened.current)
    assert gradients(opened.explaining.table) == expected(opened, target="basophil") != margin
    assert opened.sensitivity.head.text().startswith("logit of basophil")
    heatmap = opened.explaining.heatmaps[opened.explaining.selected]
    assert str(heatmap.question.target) == "logit of basophil"
    opened.document.set("exposure.ev", 0.5)
    until(lambda: opened.current)
    assert gradients(opened.explaining.table) == expected(opened, target="basophil")
    choose(opened, "margin")
    opened.document.undo()
    until(lambda: opened.current)
    assert gradients(opened.explaining.table) == margin


def test_soft_dice_of_one_class_and_against_a_mask(segmented: MainWindow, until: Any, tmp_path: Path) -> None:
    labels = segmenter().labels
    assert targets(segmented) == ["soft Dice of all classes", *(f"soft Dice of {label}" for label in labels)]
    nominal = gradients(segmented.explaining.table)
    truth = np.roll(mask_of(segmented), 9, axis=1)
    np.save(tmp_path / "truth.npy", truth)
    segmented.document.set_region(Region(10, 20, 64, 48))
    segmented.opening.open_mask(tmp_path / "truth.npy")
    until(lambda: segmented.document.mask is not None and segmented.current)
    part = torch.from_numpy(truth[20:68, 10:74].copy())
    assert gradients(segmented.explaining.table) == expected(segmented, mask=part) != nominal
    choose(segmented, f"soft Dice of {labels[2]}")
    until(lambda: segmented.current)
    assert gradients(segmented.explaining.table) == expected(segmented, mask=part, target=labels[2])


def test_another_model_has_other_targets(segmented: MainWindow, until: Any) -> None:
    choose(segmented, f"soft Dice of {segmenter().labels[2]}")
    segmented.opening.open([resource("demo/leukocyte_net.safetensors")])
    until(lambda: segmented.document.model is not None and segmented.document.model.task == "classification")
    until(lambda: segmented.current)
    assert segmented.document.target is None
    assert targets(segmented)[0] == "margin" and segmented.sensitivity.target.currentIndex() == 0


def test_a_model_without_a_margin_is_asked_for_its_first_output(opened: MainWindow, until: Any) -> None:
    regression = model_of(lambda picture: picture.mean((2, 3)), (), Task.REGRESSION)
    opened.document.set_model(regression, "planted")
    until(lambda: opened.document.target == "0" and opened.current)
    assert targets(opened) == ["logit of 0", "logit of 1", "logit of 2"]
    assert gradients(opened.explaining.table) == expected(opened, target="0")


def test_a_target_that_can_not_be_asked_for_is_a_sentence_with_the_choice_still_there(
    segmented: MainWindow, until: Any, tmp_path: Path
) -> None:
    np.save(tmp_path / "sea.npy", np.ones((128, 128), np.int64))
    segmented.opening.open_mask(tmp_path / "sea.npy")
    until(lambda: segmented.document.mask is not None and segmented.current)
    choose(segmented, f"soft Dice of {segmenter().labels[2]}")
    until(lambda: segmented.explaining.failure is not None)
    assert f"no '{segmenter().labels[2]}'" in segmented.sensitivity.notice.label.text()
    assert segmented.sensitivity.target.isVisible()
    choose(segmented, "soft Dice of all classes")
    until(lambda: segmented.explaining.failure is None and segmented.current)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_copied_command_asks_for_the_same(
    window: MainWindow, until: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window.opening.open([resource("demo/eosinophil-03.dng")])
    window.opening.open_model(str(save_segmenter(tmp_path / "net.pt")), True)
    until(lambda: window.document.frame is not None and window.document.model is not None)
    until(lambda: window.computing.answer is not None and window.current)
    np.save(tmp_path / "truth.npy", np.roll(mask_of(window), 9, axis=1))
    window.opening.open_mask(tmp_path / "truth.npy")
    choose(window, "soft Dice of land")
    until(lambda: window.document.mask is not None and window.current)
    words = shlex.split(command(window.document, "sensitivity"))
    assert words[words.index("--target") + 1] == "land"
    assert words[words.index("--mask") + 1] == str(tmp_path / "truth.npy")
    for name in ("sensitivity", "predict"):
        with pytest.raises(SystemExit) as end:
            main(shlex.split(command(window.document, name))[1:])
        assert not end.value.code
    table, areas = map(json.loads, capsys.readouterr().out.splitlines())
    assert {row["key"]: row["gradient"] for row in table["parameters"]} == gradients(window.explaining.table)
    said = {row.label: row.note for row in window.logits.bars._rows}
    assert {area["label"]: f"IoU {area['iou']:.3f}" for area in areas["areas"]} == said


def test_of_many_labels_one_is_found_by_typing(qtbot: Any) -> None:
    box = TargetBox()
    box.show_targets("classification", [f"class {number}" for number in range(FEW + 1)])
    assert box.isEditable()
    assert box.completer() is not None
    box.show()
    seen: list[Any] = []
    box.chosen.connect(seen.append)
    line = box.lineEdit()
    for typed, target in (("logit of class 17", "class 17"), ("class 99", None)):
        line.selectAll()
        qtbot.keyClicks(line, typed)
        qtbot.keyClick(line, Qt.Key.Key_Return)
        assert seen == (["class 17"] if target is None else [target])
        assert line.text() == "logit of class 17"
    box.show_targets("classification", ["yes", "no"])
    assert not box.isEditable()
    assert [box.itemData(at) for at in range(box.count())] == [None, "yes", "no"]
    box.close()
    box.deleteLater()
