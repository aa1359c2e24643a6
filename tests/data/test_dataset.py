"""From files to cases: refusals, what is left out, memory, and the window and the command line on the same data."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import driftlab
from driftlab import cli
from driftlab.data import dataset
from driftlab.data.dataset import CaseRef, Dataset, LeftOut, cases_of
from driftlab.data.entries import Entry, entries_of
from driftlab.data.errors import DataError
from driftlab.isp.develop import Region
from driftlab.isp.pipeline import CAMERA
from driftlab.model.load import load_model
from driftlab.model.task_model import TaskModel
from driftlab.raw.frame import RawError
from driftlab.steps import result_of
from tests.analysis.models import segmenter

DEMO = driftlab.resource("demo")
NAMES = ("eosinophil-01.dng", "neutrophil-01.dng", "basophil-01.dng")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three frames of the example below a folder, one of them twice, and a file that is none."""
    (tmp_path / "below").mkdir()
    for name in NAMES:
        shutil.copy(DEMO / name, tmp_path / "below" / name)
    shutil.copy(DEMO / NAMES[0], tmp_path / "below" / "zzz.dng")
    (tmp_path / "broken.dng").write_bytes(b"II*\0" + b"\0" * 100)
    return tmp_path


@pytest.fixture
def network() -> TaskModel:
    return load_model(DEMO / "leukocyte_net.safetensors")


def refs(entries: list[Entry], **more: Any) -> list[CaseRef]:
    return [CaseRef(entry, CAMERA.settings, **more) for entry in entries]


def test_what_nobody_named_is_left_out_with_the_reason(folder: Path, network: TaskModel) -> None:
    found: list[Dataset] = []

    def work() -> Iterator[LeftOut | None]:
        found.append((yield from cases_of(refs(entries_of([folder])), network)))

    stops = list(work())
    told = [each for each in stops if each is not None]
    (data,) = found
    assert len(stops) == 5 and [path.name for path in data.files] == sorted(NAMES)
    assert {each.path.name for each in told} == {"zzz.dng", "broken.dng"} and tuple(told) == data.left_out
    assert all(each.told.startswith("Left out: ") and each.path.name in each.told for each in told)
    assert any("the same picture as" in reason for _, reason in data.excluded)


@pytest.mark.parametrize("name", ["below/zzz.dng", "broken.dng"])
def test_what_was_named_must_be_a_frame_of_its_own(folder: Path, network: TaskModel, name: str) -> None:
    entries = entries_of([folder / "below" / NAMES[0], folder / name])
    with pytest.raises(DataError, match=Path(name).name):
        result_of(cases_of(refs(entries), network))


def test_a_folder_without_one_frame_is_refused(folder: Path, network: TaskModel) -> None:
    shutil.rmtree(folder / "below")
    with pytest.raises(DataError, match="None of the 1 files"):
        result_of(cases_of(refs(entries_of([folder])), network))


def test_labels_and_masks_go_with_the_task(folder: Path, network: TaskModel) -> None:
    path = folder / "below" / NAMES[0]
    with pytest.raises(DataError, match="The data has masks, but the model does classification"):
        result_of(cases_of(refs([Entry(path, mask=path)]), network))
    with pytest.raises(DataError, match="The data has labels, but the model segments"):
        result_of(cases_of(refs([Entry(path, label="cat")]), segmenter()))


def test_an_accuracy_needs_two_classes(folder: Path, network: TaskModel) -> None:
    entries = [Entry(folder / "below" / name, label="cat") for name in NAMES[:2]]
    assert len(result_of(cases_of(refs(entries), network)).cases) == 2
    with pytest.raises(DataError, match="All 2 pictures are labeled 'cat'"):
        result_of(cases_of(refs(entries), network, accuracy=True))


def test_a_region_is_for_frames_of_the_size_it_was_drawn_in(folder: Path, network: TaskModel) -> None:
    entries = [Entry(folder / "below" / NAMES[0])]
    region = Region(8, 8, 32, 16)
    (case,) = result_of(cases_of(refs(entries, region=region), network)).cases
    assert case.region == region
    (case,) = result_of(cases_of(refs(entries, region=region, region_of=(128, 128)), network)).cases
    assert case.region == region
    (case,) = result_of(cases_of(refs(entries, region=region, region_of=(64, 64)), network)).cases
    assert case.region is None


def test_a_mask_is_on_the_region(folder: Path) -> None:
    truth = np.arange(128 * 128, dtype=np.uint8).reshape(128, 128) % 3
    Image.fromarray(truth).save(folder / "mask.png")
    entry = Entry(folder / "below" / NAMES[0], mask=folder / "mask.png")
    (case,) = result_of(cases_of(refs([entry], region=Region(4, 2, 10, 6)), segmenter())).cases
    assert case.mask is not None and torch.equal(case.mask, torch.from_numpy(truth[2:8, 4:14].astype("i8")))


def test_memory_does_not_grow_with_the_number_of_frames(
    folder: Path, network: TaskModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [folder / "below" / name for name in NAMES]
    kept = result_of(cases_of(refs([Entry(path) for path in paths]), network)).cases
    monkeypatch.setattr(dataset, "IN_MEMORY", kept[0].frame.mosaic.nbytes)
    mapped = result_of(cases_of(refs([Entry(path) for path in paths]), network)).cases
    assert not isinstance(mapped[0].frame.mosaic, np.memmap)
    assert all(isinstance(case.frame.mosaic, np.memmap) for case in mapped[1:])
    for one, other in zip(kept, mapped, strict=True):
        assert np.array_equal(one.frame.mosaic, other.frame.mosaic) and one.frame.sha256 == other.frame.sha256
        assert not other.frame.mosaic.flags.writeable
        assert np.array_equal(driftlab.develop(one.frame, one.settings), driftlab.develop(other.frame, other.settings))


def test_no_room_is_a_sentence(folder: Path, network: TaskModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dataset, "IN_MEMORY", 0)
    monkeypatch.setattr(dataset.tempfile, "TemporaryFile", full)
    with pytest.raises(DataError, match="set TMPDIR"):
        result_of(cases_of(refs([Entry(folder / "below" / NAMES[0])]), network))


# --- The window and the command line ---


def on_the_command_line(words: list[str], model: TaskModel) -> Dataset:
    parser = argparse.ArgumentParser()
    cli.data.add_data(parser)
    cli.options.add_settings(parser)
    return cli.data.data_of(parser.parse_args(words), model)


def in_the_window(paths: list[Path], model: TaskModel, table: Path | None = None, **said: Any) -> list[Any]:
    """The cases of all frames, as every search of the window takes them."""
    from driftlab.gui.document import Document
    from driftlab.gui.picked import case_steps, pick
    from driftlab.gui.sorting import sort
    from driftlab.raw.load import load_raw

    document = Document()
    document.limits = said.get("limits")
    entries = document.add(sort(paths).frames)
    for entry in entries:
        entry.description = said.get("description")
    frame = load_raw(entries[0].path, description=said.get("description"))
    document.show(entries[0], frame, CAMERA.settings(frame))
    truths = {each.path.absolute(): each for each in entries_of([table])} if table else {}
    return result_of(case_steps(pick(document, True, False, truths), model))


def dump(folder: Path, name: str, seed: int) -> Path:
    samples = np.random.default_rng(seed).integers(64, 1000, (32, 48)).astype("<u2")
    (folder / name).write_bytes(samples.tobytes())
    return folder / name


Made = tuple[list[str], list[Path], Path | None, dict[str, Any]]


def files(folder: Path) -> Made:
    paths = [folder / "below" / name for name in NAMES]
    return [str(path) for path in paths], paths, None, {}


def whole_folder(folder: Path) -> Made:
    (folder / "broken.dng").unlink()
    (folder / "below" / "zzz.dng").unlink()
    return [str(folder)], [folder], None, {}


def labels(folder: Path) -> Made:
    table = folder / "below" / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{name},{name.partition('-')[0]}\n" for name in NAMES))
    return [str(table)], [folder / "below" / name for name in NAMES], table, {}


def masks(folder: Path) -> Made:
    table = folder / "below" / "labels.csv"
    Image.fromarray(np.eye(128, dtype=np.uint8)).save(folder / "below" / "m.png")
    table.write_text("file,mask\n" + "".join(f"{name},m.png\n" for name in NAMES))
    return [str(table)], [folder / "below" / name for name in NAMES], table, {}


def dumps(folder: Path) -> Made:
    from driftlab.raw.description import Description

    paths = [dump(folder, f"{number}.bin", number) for number in range(3)]
    about = {"width": 48, "height": 32, "bits": 10, "cfa": "RGGB"}
    words = [word for key, value in about.items() for word in (f"--{key}", str(value))]
    return [*map(str, paths), *words], paths, None, {"description": Description(**about)}


@pytest.mark.parametrize("make", [files, whole_folder, labels, masks, dumps], ids=lambda make: make.__name__)
def test_both_have_the_same_cases(folder: Path, network: TaskModel, make: Callable[[Path], Made]) -> None:
    pytest.importorskip("PySide6", reason="the window needs PySide6: install the extra gui")
    words, paths, table, said = make(folder)
    model = segmenter() if make is masks else network
    there, here = on_the_command_line(words, model).cases, in_the_window(paths, model, table, **said)
    assert len(there) == len(here) == 3
    for one, other in zip(there, here, strict=True):
        assert (one.frame.sha256, one.settings, one.extent, one.label) == (
            other.frame.sha256, other.settings, other.extent, other.label,
        )  # fmt: skip
        assert np.array_equal(one.frame.mosaic, other.frame.mosaic)
        assert (one.mask is None) == (other.mask is None)
        assert one.mask is None or torch.equal(one.mask, other.mask)


def refused_twice(folder: Path) -> Made:
    paths = [folder / "below" / NAMES[0], folder / "below" / "zzz.dng"]
    return [str(path) for path in paths], paths, None, {}


def refused_broken(folder: Path) -> Made:
    paths = [folder / "below" / NAMES[0], folder / "broken.dng"]
    return [str(path) for path in paths], paths, None, {}


def refused_limits(folder: Path) -> Made:
    from driftlab.raw.limits import Limits

    Image.new("RGB", (64, 64), (90, 120, 60)).save(folder / "small.png")
    paths = [folder / "small.png", folder / "below" / NAMES[1]]
    return [*map(str, paths), "--max-megapixels", "0.01"], paths, None, {"limits": Limits(megapixels=0.01)}


def refused_task(folder: Path) -> Made:
    return masks(folder)


@pytest.mark.parametrize(
    "make", [refused_twice, refused_broken, refused_limits, refused_task], ids=lambda make: make.__name__
)
def test_both_refuse_the_same_in_the_same_words(folder: Path, network: TaskModel, make: Callable[[Path], Made]) -> None:
    pytest.importorskip("PySide6", reason="the window needs PySide6: install the extra gui")
    words, paths, table, said = make(folder)
    with pytest.raises((DataError, RawError)) as there:
        on_the_command_line(words, network)
    with pytest.raises((DataError, RawError)) as here:
        in_the_window(paths, network, table, **said)
    assert str(there.value) == str(here.value)
