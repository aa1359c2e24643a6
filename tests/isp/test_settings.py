"""Settings: complete, immutable, checked, and the same after a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driftlab.isp.pipeline import CAMERA, PAPER, PIPELINES
from driftlab.isp.settings import Settings, pipeline_named_in
from driftlab.isp.stage import IspError
from tests.isp.frames import smooth_frame


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=lambda p: p.name)
def test_through_a_file_and_back(pipeline, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    settings = pipeline.settings(smooth_frame("rggb", 16, 16)).changed({"exposure.ev": 1 / 3, "jpeg.mode": "on"})
    settings.save(tmp_path / "s.json")
    assert pipeline.settings().loaded(tmp_path / "s.json") == settings
    assert pipeline_named_in(tmp_path / "s.json") == pipeline.name


def test_snapshots_do_not_change() -> None:
    before = CAMERA.settings()
    after = before.changed({"exposure.ev": 1.0})
    assert before.number("exposure.ev") == 0 and after.number("exposure.ev") == 1
    assert before == CAMERA.settings() != after and hash(before) == hash(CAMERA.settings())
    with pytest.raises(TypeError):
        before["exposure.ev"] = 2.0  # type: ignore[index]


def test_as_shot_values_come_from_the_frame() -> None:
    frame = smooth_frame("rggb", 16, 16, gains=(2.1, 1.0, 1.7), black=(60.0, 61.0, 62.0, 63.0), white=1023.0, iso=400.0)
    settings = CAMERA.settings(frame)
    assert [settings.number(f"white_balance.{c}") for c in "rgb"] == [2.1, 1.0, 1.7]
    assert [settings.number(f"black_level.{c}") for c in ("r", "g1", "g2", "b")] == [60.0, 61.0, 62.0, 63.0]
    assert settings.number("noise.full_well") == 3750


def test_the_paper_has_its_69_parameters() -> None:
    """4 black levels, 18 demosaic, 3 gains, 9 matrix, 9 sharpen, 25 denoise weights, gamma: papers' section 3."""
    kernels = {f"{stage}.method": "kernel" for stage in ("demosaic", "sharpen", "denoise")}
    settings = PAPER.settings().changed(kernels)
    trained = {"black_level", "demosaic", "white_balance", "color_matrix", "sharpen", "denoise"}
    keys = [
        key
        for key, stage, param in PAPER.parameters()
        if (stage.name in trained or key == "tone.gamma")
        and param.active({c.name: settings[f"{stage.name}.{c.name}"] for c in stage.choices})
    ]
    assert len(keys) == 69


@pytest.mark.parametrize(
    ("content", "mend"),
    [
        ("{", "can't be read as settings"),
        ("[]", 'needs an object with the key "settings"'),
        (json.dumps({"format": "other/9", "settings": {}}), "this version reads"),
        (json.dumps({"pipeline": "paper", "settings": {}}), "--pipeline paper"),
        (json.dumps({"settings": {"exposure.ev": "two"}}), "'two' is no number"),
        (json.dumps({"settings": {"exposure.ev": True}}), "True is no number"),
        (json.dumps({"settings": {"exposure.on": 1}}), "use true or false"),
        (json.dumps({"settings": {"demosaic.method": ["bilinear"]}}), "is no choice"),
        ('{"settings": {"exposure.ev": NaN}}', "out of range"),
    ],
)
def test_bad_files_are_refused(content: str, mend: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(IspError) as refusal:
        CAMERA.settings().loaded(tmp_path / "s.json")
    assert mend in str(refusal.value)


def test_settings_are_complete() -> None:
    with pytest.raises(IspError, match=r"lack .*exposure\.ev"):
        Settings(CAMERA, {})
    with pytest.raises(IspError, match="is a choice"):
        CAMERA.settings().number("demosaic.method")
