"""See how a camera's raw data and its image processing move the answer of a vision model, and how far they may.

This module is the public API on one screen. A name is imported on first use (PEP 562), so that `import driftlab`
costs nothing and whoever only asks for the version loads neither torch nor LibRaw.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftlab.analysis.sensitivity import sensitivities
    from driftlab.isp.pipeline import PIPELINES, run
    from driftlab.isp.settings import Settings
    from driftlab.isp.stage import IspError
    from driftlab.model.card import Card, ModelError
    from driftlab.model.load import load_model
    from driftlab.model.task_model import TaskModel
    from driftlab.raw.dng import write_dng
    from driftlab.raw.frame import RawError, RawFrame
    from driftlab.raw.load import load_raw

__version__ = "0.1.0"
__all__ = [
    "PIPELINES",
    "Card",
    "IspError",
    "ModelError",
    "RawError",
    "RawFrame",
    "Settings",
    "TaskModel",
    "__version__",
    "load_model",
    "load_raw",
    "resource",
    "run",
    "sensitivities",
    "write_dng",
]

# Where each public name lives.
_HOMES = {
    "Card": "driftlab.model.card",
    "IspError": "driftlab.isp.stage",
    "ModelError": "driftlab.model.card",
    "PIPELINES": "driftlab.isp.pipeline",
    "RawError": "driftlab.raw.frame",
    "RawFrame": "driftlab.raw.frame",
    "Settings": "driftlab.isp.settings",
    "TaskModel": "driftlab.model.task_model",
    "load_model": "driftlab.model.load",
    "load_raw": "driftlab.raw.load",
    "run": "driftlab.isp.pipeline",
    "sensitivities": "driftlab.analysis.sensitivity",
    "write_dng": "driftlab.raw.dng",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # found directly from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def resource(name: str) -> Path:
    """Path of a file or folder of `resources/`, in a checkout, an installed wheel and a bundle alike.

    Args:
        name: path below `resources/` with forward slashes, such as `"demo/labels.csv"`.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    package = Path(__file__).resolve().parent
    # A wheel and a bundle hold the resources inside the package, a checkout beside it.
    for home in (package / "resources", package.parent / "resources"):
        if (path := home / name).exists():
            return path
    raise FileNotFoundError(f"driftlab has no resource {name!r}")
