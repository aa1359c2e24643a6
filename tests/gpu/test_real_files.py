"""Whole pipelines on real camera files: the two engines differ by less than an eye or a model could tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from driftlab.cli import main
from driftlab.engine import GpuEngine
from driftlab.gpu.device import Gpu
from driftlab.isp.develop import develop, picture_size
from driftlab.isp.pipeline import PIPELINES
from driftlab.isp.windows import Region
from driftlab.raw.load import load_raw
from tests.conftest import data_folder

FOLDER = data_folder()
FILES = sorted(path.name for path in (FOLDER / "raw").iterdir()) if FOLDER else []
VARIANTS = {
    "as shot": {},
    "menon": {"demosaic.method": "menon2007", "denoise.method": "bilateral", "sharpen.method": "unsharp"},
    "drifted": {"exposure.ev": -0.7, "noise.intensity": 0.5, "noise.read_noise": 5.0, "tone.saturation": 1.3},
}


@pytest.mark.parametrize("name", FILES)
def test_pictures_agree(gpu: Gpu, data: Path, name: str) -> None:
    frame, engine = load_raw(data / "raw" / name), GpuEngine(gpu)
    for pipeline in PIPELINES.values():
        for variant, changes in VARIANTS.items():
            settings = pipeline.settings(frame).changed(changes)
            height, width = picture_size(frame, settings)
            side = (min(height, 300), min(width, 400))
            region = Region((width - side[1]) // 2, (height - side[0]) // 2, side[1], side[0])
            pictures = [
                develop(frame, settings, region=region, drawn=drawn).transpose(1, 2, 0)
                for drawn in (None, engine.tiles)
            ]
            difference = deltaE_ciede2000(*map(rgb2lab, pictures))
            assert difference.mean() <= 0.1, (pipeline.name, variant)
            assert difference.max() <= 1, (pipeline.name, variant)


def test_the_command_tells_what_drew(gpu: Gpu, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "flat.npy", np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))
    arguments = ["develop", str(tmp_path / "flat.npy"), "--cfa", "RGGB", "--white", "4095", "--black", "0"]
    for engine in ("torch", "gpu"):
        out = tmp_path / f"{engine}.npy"
        with pytest.raises(SystemExit, match="0"):
            main([*arguments, "--engine", engine, "-o", str(out), "--set", "denoise.method=fft"])
    printed = capsys.readouterr()
    assert f"drawn by {gpu.name}" in printed.out
    assert "denoise was computed by torch: " in printed.err
    ours, theirs = (np.load(tmp_path / f"{engine}.npy") for engine in ("gpu", "torch"))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
