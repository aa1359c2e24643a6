"""One adapter for all tests of the GPU; they are skipped, with the reason, where there is none."""

from __future__ import annotations

import pytest

from driftlab.gpu.device import Gpu, GpuError


@pytest.fixture(scope="session")
def gpu() -> Gpu:
    try:
        return Gpu()
    except GpuError as error:
        pytest.skip(str(error))
