"""See how a camera's raw data and its image processing move the answer of a vision model, and how far they may.

This module is the public API on one screen. A name is imported on first use (PEP 562), so that `import driftlab`
costs nothing and whoever only asks for the version loads neither torch nor LibRaw.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftlab.analysis.axes import Axis, axes_of, parse_ranges
    from driftlab.analysis.criterion import Criterion, parse_criterion
    from driftlab.analysis.forensics.search import forensics
    from driftlab.analysis.sensitivity.sensitivities import sensitivities
    from driftlab.analysis.sweep import sweep
    from driftlab.analysis.tolerance.findings import Tolerance
    from driftlab.analysis.tolerance.tolerances import tolerances
    from driftlab.data.cases import Case
    from driftlab.errors import DriftlabError
    from driftlab.inference import predict
    from driftlab.isp.develop import Region, develop, mosaic_of
    from driftlab.isp.pipeline import PIPELINES, run
    from driftlab.isp.settings import Settings
    from driftlab.isp.stage import IspError, Sensor
    from driftlab.model.card import Card, ModelError
    from driftlab.model.load import load_model
    from driftlab.model.task_model import TaskModel
    from driftlab.picture import write_picture
    from driftlab.raw.description import Description
    from driftlab.raw.dng import write_dng
    from driftlab.raw.frame import RawError, RawFrame
    from driftlab.raw.limits import Limits
    from driftlab.raw.load import load_raw
    from driftlab.raw.unprocess import Unprocess
    from driftlab.report.judge import judge
    from driftlab.report.purpose import Purpose, ReportError, Responsible
    from driftlab.report.read import read_report
    from driftlab.report.write import write_report

__version__ = "0.1.0"
__all__ = [
    "PIPELINES",
    "Axis",
    "Card",
    "Case",
    "Criterion",
    "Description",
    "DriftlabError",
    "IspError",
    "Limits",
    "ModelError",
    "Purpose",
    "RawError",
    "RawFrame",
    "Region",
    "ReportError",
    "Responsible",
    "Sensor",
    "Settings",
    "TaskModel",
    "Tolerance",
    "Unprocess",
    "__version__",
    "axes_of",
    "develop",
    "forensics",
    "judge",
    "load_model",
    "load_raw",
    "mosaic_of",
    "parse_criterion",
    "parse_ranges",
    "predict",
    "read_report",
    "resource",
    "run",
    "sensitivities",
    "sweep",
    "tolerances",
    "write_dng",
    "write_picture",
    "write_report",
]

# Where each public name lives.
_HOMES = {
    "Axis": "driftlab.analysis.axes",
    "Card": "driftlab.model.card",
    "Case": "driftlab.data.cases",
    "Criterion": "driftlab.analysis.criterion",
    "Description": "driftlab.raw.description",
    "DriftlabError": "driftlab.errors",
    "IspError": "driftlab.isp.stage",
    "Limits": "driftlab.raw.limits",
    "ModelError": "driftlab.model.card",
    "PIPELINES": "driftlab.isp.pipeline",
    "Purpose": "driftlab.report.purpose",
    "RawError": "driftlab.raw.frame",
    "RawFrame": "driftlab.raw.frame",
    "Region": "driftlab.isp.develop",
    "ReportError": "driftlab.report.purpose",
    "Responsible": "driftlab.report.purpose",
    "Sensor": "driftlab.isp.stage",
    "Settings": "driftlab.isp.settings",
    "TaskModel": "driftlab.model.task_model",
    "Tolerance": "driftlab.analysis.tolerance.findings",
    "Unprocess": "driftlab.raw.unprocess",
    "axes_of": "driftlab.analysis.axes",
    "develop": "driftlab.isp.develop",
    "forensics": "driftlab.analysis.forensics.search",
    "judge": "driftlab.report.judge",
    "load_model": "driftlab.model.load",
    "load_raw": "driftlab.raw.load",
    "mosaic_of": "driftlab.isp.develop",
    "parse_criterion": "driftlab.analysis.criterion",
    "parse_ranges": "driftlab.analysis.axes",
    "predict": "driftlab.inference",
    "read_report": "driftlab.report.read",
    "run": "driftlab.isp.pipeline",
    "sensitivities": "driftlab.analysis.sensitivity.sensitivities",
    "sweep": "driftlab.analysis.sweep",
    "tolerances": "driftlab.analysis.tolerance.tolerances",
    "write_dng": "driftlab.raw.dng",
    "write_picture": "driftlab.picture",
    "write_report": "driftlab.report.write",
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
