"""No adapter, no package, no device: each a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from driftlab.cli import main
from driftlab.gpu.device import Gpu, GpuError


def test_the_adapter_has_a_name(gpu: Gpu) -> None:
    assert len(gpu.name) > 5
    assert gpu.largest >= 128 << 20 or gpu.software


def test_no_adapter_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    wgpu = pytest.importorskip("wgpu")

    def none(**_: object) -> None:
        raise RuntimeError("Request adapter failed (4): No suitable graphics adapter found;\n vulkan found no drivers.")

    monkeypatch.setattr(wgpu.gpu, "request_adapter_sync", none)
    with pytest.raises(GpuError, match=r"There is no GPU that .* can use: install its driver.*vulkan found no drivers"):
        Gpu()


def test_the_command_ends_with_2_where_there_is_no_adapter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wgpu", None)
    with pytest.raises(SystemExit, match="2"):
        main(["develop", str(tmp_path / "any.dng"), "-o", str(tmp_path / "out.npy"), "--engine", "gpu"])
    assert "pip install 'driftlab[gui]'" in capsys.readouterr().err


def test_a_machine_without_drivers_says_so() -> None:
    pytest.importorskip("wgpu")
    code = (
        "from driftlab.gpu.device import Gpu, GpuError\n"
        "try:\n    print(Gpu().name)\nexcept GpuError as error:\n    print('GpuError', error)"
    )
    nowhere = {"VK_ICD_FILENAMES": "/nonexistent", "VK_DRIVER_FILES": "/nonexistent", "WGPU_BACKEND_TYPE": "Vulkan"}
    done = subprocess.run([sys.executable, "-c", code], env={**nowhere}, capture_output=True, text=True, check=False)
    if sys.platform == "linux":
        assert done.stdout.startswith("GpuError There is no GPU"), done.stderr
