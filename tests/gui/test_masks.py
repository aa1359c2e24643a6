"""Segmentation in the window: its mask over the picture, what has changed, and a file to hold it against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtGui import QImage

from driftlab import resource
from driftlab.gui.class_colors import CHANGED, SHOWN, UNSEEN, class_color, colored_mask
from driftlab.gui.main_window import MainWindow
from driftlab.isp.develop import Region
from tests.analysis.models import segmenter
from tests.gui.test_window import drop

pytestmark = pytest.mark.usefixtures("nothing_left")
FRAME = resource("demo/eosinophil-03.dng")
LABELS = ("background", "sea", "land")


@pytest.fixture
def segmented(window: MainWindow, until: Any) -> MainWindow:
    """The window with a frame of the example and three classes a pixel, all of it current."""
    window.opening.open([FRAME])
    until(lambda: window.document.frame is not None)
    window.document.set_model(segmenter(), "planted")
    until(lambda: window.computing.answer is not None and window.computing.nominal is not None and window.current)
    return window


def rgba(image: QImage) -> NDArray[np.uint8]:
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).copy()


def mask_of(window: MainWindow) -> NDArray[np.int64]:
    answer = window.computing.answer
    assert answer is not None
    found: NDArray[np.int64] = answer.prediction.mask.numpy()  # type: ignore[union-attr]
    return found


def iou(here: NDArray[Any], there: NDArray[Any]) -> float:
    return float((here & there).sum() / (here | there).sum())


def notes(window: MainWindow) -> dict[str, str]:
    return {row.label: row.note for row in window.logits.bars._rows}


def test_classes_have_colors_and_the_ground_none() -> None:
    mask = np.array([[0, 1, 2, -1]])
    pixels = rgba(colored_mask(mask, None, LABELS))[0]
    assert pixels[0, 3] == 0
    for index in (1, 2):
        color = class_color(index)
        assert tuple(pixels[index]) == (color.red(), color.green(), color.blue(), SHOWN)
    assert tuple(pixels[3]) == (*UNSEEN, SHOWN)


def test_what_has_changed_is_striped() -> None:
    mask, other = np.ones((8, 8), int), np.ones((8, 8), int)
    other[2:6, 2:6] = 2
    other[0, 0] = 255  # unlabeled
    changed = rgba(colored_mask(mask, other, LABELS))[..., 3] == CHANGED
    assert np.array_equal(changed, other == 2)
    stripes = rgba(colored_mask(mask, other, LABELS))[2:6, 2:6, :3].reshape(-1, 3)
    assert len(np.unique(stripes, axis=0)) == 2


def test_colors_of_forty_classes_differ() -> None:
    assert len({class_color(index).rgb() for index in range(21)}) == 21


def test_a_large_mask_is_shown_in_fewer_pixels() -> None:
    image = colored_mask(np.ones((3000, 2000), int), None, LABELS)
    assert image.width() * image.height() <= 1_000_000
    assert image.width() / image.height() == pytest.approx(2 / 3, rel=0.01)


def test_the_mask_lies_over_the_picture_and_can_be_hidden(segmented: MainWindow, until: Any) -> None:
    view = segmented.preview.view
    assert view.classes is not None
    image, rect = view.classes
    assert (rect.width(), rect.height()) == (128, 128)
    assert np.array_equal(rgba(image), rgba(colored_mask(mask_of(segmented), mask_of(segmented), segmenter().labels)))
    segmented.actions_by_name["mask"].trigger()
    assert view.classes is None
    segmented.actions_by_name["mask"].trigger()
    assert view.classes is not None
    before = mask_of(segmented)
    segmented.document.set("exposure.ev", -1.0)
    until(lambda: segmented.current)
    changed = rgba(view.classes[0])[..., 3] == CHANGED
    assert changed.any()
    assert np.array_equal(changed, mask_of(segmented) != before)
    segmented.document.set_region(Region(10, 20, 64, 48))
    until(lambda: segmented.current)
    where = view.classes[1]
    assert (where.left(), where.top(), where.width(), where.height()) == (10, 20, 64, 48)


def test_another_kind_of_model_takes_the_mask_away(segmented: MainWindow, until: Any) -> None:
    segmented.opening.open([resource("demo/leukocyte_net.safetensors")])
    until(lambda: segmented.document.model is not None and segmented.document.model.task == "classification")
    until(lambda: segmented.current)
    assert segmented.preview.view.classes is None
    assert not segmented.actions_by_name["open_mask"].isEnabled()


def test_a_dropped_mask_is_what_the_iou_is_against(segmented: MainWindow, until: Any, tmp_path: Path) -> None:
    assert segmented.logits.margin.text().endswith("against nominal")
    truth = np.roll(mask_of(segmented), 9, axis=1)
    truth[:4] = 255
    Image.fromarray(truth.astype(np.uint8)).save(tmp_path / "truth.png")
    assert segmented.opening.sort([tmp_path / "truth.png"]).sentence() == (
        "Hold the segmentation against the mask truth.png"
    )
    assert drop(segmented, tmp_path / "truth.png")
    until(lambda: segmented.document.mask is not None and segmented.current)
    assert len(segmented.document.entries) == 1
    said, mask = notes(segmented), mask_of(segmented)
    for index, label in enumerate(segmenter().labels):
        if label in said:
            assert said[label] == f"IoU {iou(mask[4:] == index, truth[4:] == index):.3f}"
    assert segmented.logits.margin.text().endswith("against the mask")
    assert "truth.png" in segmented.logits.margin.toolTip()
    view = segmented.preview.view
    assert view.classes is not None
    changed = rgba(view.classes[0])[..., 3] == CHANGED
    assert np.array_equal(changed, (mask != truth) & (truth != 255))
    segmented.document.set_region(Region(10, 20, 64, 48))
    until(lambda: segmented.current)
    part = truth[20:68, 10:74]
    for index, label in enumerate(segmenter().labels):
        if label in notes(segmented):
            assert notes(segmented)[label] == f"IoU {iou(mask_of(segmented) == index, part == index):.3f}"
    segmented.actions_by_name["forget_mask"].trigger()
    assert segmented.document.mask is None
    assert segmented.logits.margin.text().endswith("against nominal")


def test_a_mask_that_does_not_fit_is_a_sentence(segmented: MainWindow, until: Any, tmp_path: Path) -> None:
    Image.new("L", (30, 20)).save(tmp_path / "small.png")
    Image.new("RGB", (128, 128)).save(tmp_path / "colors.png")
    for name, says in (("small.png", "30 × 20 pixels, but the picture 128 × 128"), ("colors.png", "has 3 channels")):
        segmented.opening.open_mask(tmp_path / name)
        until(lambda says=says: any(says in message.text for message in segmented.messages.messages))
    assert segmented.document.mask is None
    assert not segmented.opening.sort([tmp_path / "small.png"]).masks, "a picture of another size is a frame"


def test_a_mask_of_the_frame_serves_a_picture_that_is_smaller(
    segmented: MainWindow, until: Any, tmp_path: Path
) -> None:
    truth = np.arange(128 * 128).reshape(128, 128) % 3
    np.save(tmp_path / "truth.npy", truth)
    segmented.opening.open_mask(tmp_path / "truth.npy")
    until(lambda: segmented.document.mask is not None)
    segmented.document.set("demosaic.method", "superpixel")
    until(lambda: segmented.current)
    mask, part = mask_of(segmented), truth[1::2, 1::2]
    for index, label in enumerate(segmenter().labels):
        if label in notes(segmented):
            assert notes(segmented)[label] == f"IoU {iou(mask == index, part == index):.3f}"


def test_a_mask_that_fits_no_more_says_so(segmented: MainWindow, until: Any, tmp_path: Path) -> None:
    segmented.document.set_region(Region(10, 20, 64, 48))
    until(lambda: segmented.current)
    np.save(tmp_path / "part.npy", np.ones((48, 64), np.int64))
    segmented.opening.open_mask(tmp_path / "part.npy")
    until(lambda: segmented.document.mask is not None and segmented.current)
    assert segmented.logits.margin.text().endswith("against the mask")
    assert not segmented.logits.flip.isVisible()
    segmented.document.set_region(None)
    until(lambda: segmented.current)
    assert "64 × 48 pixels, but the picture 128 × 128" in segmented.logits.flip.text()
    assert segmented.logits.flip.isVisible()
