"""Where the tests find real files that the repository may not hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def data_folder() -> Path | None:
    """The folder of external test data: `DRIFTLAB_TEST_DATA`, else `shared/data` beside the checkout, else None."""
    named = os.environ.get("DRIFTLAB_TEST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of external test data; the test is skipped where there is none."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no external test data: set DRIFTLAB_TEST_DATA to its folder")
    return folder
