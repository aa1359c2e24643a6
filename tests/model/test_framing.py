"""The resize rules, held against planted answers: what is seen, where it lies in the picture, and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from driftlab.model.card import Card, ModelError, Resize, Task
from driftlab.model.framing import Box, frame
from driftlab.model.prediction import UNSEEN, iou, segment

SIZE = (8, 12)
PICTURES = [(8, 12), (16, 24), (24, 24), (40, 17), (5, 4), (17, 30), (9, 100)]


def card_of(rule: Resize, **changes: float) -> Card:
    return replace(Card(Task.SEGMENTATION, input_size=SIZE, resize=rule), **changes)


def ramp(height: int, width: int) -> Tensor:
    """A picture `[1, 2, H, W]` that says of each pixel where it is: row and column of its center, in pixels."""
    rows = torch.arange(height, dtype=torch.float64) + 0.5
    columns = torch.arange(width, dtype=torch.float64) + 0.5
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]


@pytest.mark.parametrize("picture", PICTURES, ids=str)
@pytest.mark.parametrize("rule", Resize)
def test_every_pixel_of_a_frame_is_where_its_box_says(rule: Resize, picture: tuple[int, int]) -> None:
    framing = frame(card_of(rule, fill=torch.nan), picture)
    frames = framing.cut(ramp(*picture))
    assert frames.shape == (len(framing.boxes), 2, *SIZE)
    for seen, box in zip(frames, framing.boxes, strict=True):
        rows = box.y + (torch.arange(SIZE[0]) + 0.5) * box.height / SIZE[0]
        columns = box.x + (torch.arange(SIZE[1]) + 0.5) * box.width / SIZE[1]
        planted = torch.stack(torch.meshgrid(rows.double(), columns.double(), indexing="ij"))
        # At the picture's edge the antialiasing kernel is one-sided: a ramp is off by up to its reach.
        reach = torch.tensor([box.height / SIZE[0], box.width / SIZE[1]]).clamp(min=1).view(2, 1, 1)
        inner = ((planted > reach) & (planted < torch.tensor(picture).view(2, 1, 1) - reach)).all(0)
        # The kernel's weights are taken at whole pixels: at odd ratios its center is off by hundredths of a pixel.
        assert torch.allclose(seen[:, inner], planted[:, inner], atol=0.1)
        outside = (planted < 0).any(0) | (planted > torch.tensor(picture).view(2, 1, 1)).any(0)
        assert torch.equal(seen.isnan().any(0), outside)


@pytest.mark.parametrize("picture", PICTURES, ids=str)
@pytest.mark.parametrize("rule", Resize)
def test_what_a_model_says_of_a_pixel_comes_back_to_that_pixel(rule: Resize, picture: tuple[int, int]) -> None:
    framing = frame(card_of(rule), picture)
    back = framing.to_picture(framing.merge(framing.cut(ramp(*picture))))
    assert back.shape == (1, 2, *picture)
    seen = ~back.isnan()[0, 0]
    if rule is not Resize.CENTER_CROP:
        assert bool(seen.all())
    reach = [2 * max(length / scaled, 1) for length, scaled in zip(picture, framing.scaled, strict=True)]
    difference = (back - ramp(*picture))[0].abs()
    for axis in (0, 1):
        assert float(difference[axis][seen].max()) <= reach[axis]
        inner = difference[axis].movedim(axis, 0)[int(reach[axis]) + 1 : -int(reach[axis]) - 1]
        inner = inner[~inner.isnan()]
        # ... but for the outer half pixel of a crop, where the outermost value is held.
        assert inner.numel() == 0 or float(inner.median()) < 0.1


def test_tiles_lie_side_by_side_and_the_last_ends_with_the_picture() -> None:
    framing = frame(card_of(Resize.TILE), (20, 24))
    assert [(box.y, box.x) for box in framing.boxes] == [(0, 0), (0, 12), (8, 0), (8, 12), (12, 0), (12, 12)]
    picture = torch.rand(2, 3, 20, 24)
    frames = framing.cut(picture)
    assert torch.equal(frames.unflatten(0, (2, 6))[1, 5], picture[1, :, 12:20, 12:24])
    torch.testing.assert_close(framing.merge(frames), picture)
    rows = torch.arange(12.0).view(12, 1)
    assert torch.equal(framing.merge(rows), torch.tensor([[2.5], [8.5]])), "the mean of each picture's six tiles"


def test_a_center_crop_is_cut_from_the_picture_resized_by_its_short_side() -> None:
    framing = frame(card_of(Resize.CENTER_CROP, crop_fraction=0.5), (32, 60))
    assert framing.scaled == (16, 30)
    assert framing.boxes == (Box(x=18.0, y=8.0, width=24.0, height=16.0),)
    picture = torch.rand(1, 3, 32, 60)
    resized = torch.nn.functional.interpolate(picture, (16, 30), mode="bilinear", antialias=True)
    assert torch.equal(framing.cut(picture), resized[..., 4:12, 9:21])


def test_a_letterbox_is_filled_around_the_picture_and_its_mask_is_not() -> None:
    framing = frame(card_of(Resize.LETTERBOX, fill=0.25), (16, 12))
    assert framing.scaled == (8, 6)
    seen = framing.cut(torch.ones(1, 3, 16, 12))
    assert torch.equal(seen[0, 0, 0], torch.tensor([0.25] * 3 + [1.0] * 6 + [0.25] * 3))
    assert framing.merge(seen).shape == (1, 3, 8, 6)
    assert bool((framing.merge(seen) == 1).all())


def test_a_mask_covers_the_pixels_of_the_picture() -> None:
    """A planted stripe, found by a "model" whose logits are the picture itself, under every rule."""
    picture = torch.zeros(1, 2, 32, 48)
    picture[:, 0] = 0.5
    picture[:, 1, 8:16] = 1.0
    for rule in Resize:
        framing = frame(card_of(rule, crop_fraction=1.0), (32, 48))
        found = segment(framing.merge(framing.cut(picture))[0], framing, ("nothing", "stripe"))
        planted = (picture[0, 1] > 0.5).long()
        assert torch.equal(found.mask, planted), rule
        assert [(area.label, area.share) for area in found.areas] == [("nothing", 0.75), ("stripe", 0.25)]
        assert found.iou(planted).tolist() == [1.0, 1.0]


def test_what_a_center_crop_leaves_out_is_unseen_and_has_no_gradient() -> None:
    framing = frame(card_of(Resize.CENTER_CROP), (8, 24))
    logits = torch.rand(1, 2, 8, 12, requires_grad=True)
    mapped = framing.to_picture(logits)
    assert torch.equal(mapped[..., 6:18], logits)
    assert bool(mapped[..., :6].isnan().all() & mapped[..., 18:].isnan().all())
    mapped[..., 6:18].sum().backward()
    assert logits.grad is not None and torch.equal(logits.grad, torch.ones_like(logits))
    mask = segment(logits[0], framing, ("a", "b")).mask
    assert bool((mask[:, :6] == UNSEEN).all() & (mask[:, 6:18] != UNSEEN).all() & (mask[:, 18:] == UNSEEN).all())


def test_iou() -> None:
    mask = torch.tensor([[0, 0, 1, 1, UNSEEN, 2]])
    truth = torch.tensor([[0, 1, 1, 1, 1, 255]])
    values = iou(mask, truth, 4)
    assert values[:2].tolist() == [0.5, pytest.approx(2 / 3)]
    assert bool(values[2:].isnan().all())
    with pytest.raises(ModelError, match="differ in size"):
        iou(mask, truth[:, :3], 4)
