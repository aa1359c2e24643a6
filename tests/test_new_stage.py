"""A stage that is written in one file and put into one tuple has everything else by that alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from driftlab.analysis.axes import axes_of
from driftlab.analysis.criterion import parse_criterion
from driftlab.analysis.sensitivity.sensitivities import Table, sensitivities
from driftlab.analysis.tolerance.findings import Tolerance
from driftlab.analysis.tolerance.tolerances import tolerances
from driftlab.cli.stages import rows_of
from driftlab.data.cases import Case
from driftlab.isp import pipeline as module
from driftlab.isp.develop import develop
from driftlab.isp.pipeline import CAMERA, PIPELINES, STAGES, Pipeline
from driftlab.report import judge as judging
from driftlab.report.judge import judge
from driftlab.report.read import read_report
from driftlab.report.write import write_report
from tests.analysis.models import smooth
from tests.isp import test_stages as contract
from tests.isp.frames import smooth_frame
from tests.isp.vibrance import STAGE

KEY = "vibrance.amount"


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The camera's pipeline with one stage more, in place of it."""
    at = [stage.name for stage in CAMERA.stages].index("color_matrix") + 1
    longer = Pipeline("camera", CAMERA.help, (*CAMERA.stages[:at], STAGE, *CAMERA.stages[at:]))
    for room in (module, judging):
        monkeypatch.setattr(room, "PIPELINES", MappingProxyType({**PIPELINES, "camera": longer}))
    return longer


@pytest.mark.parametrize(
    "held",
    [
        contract.test_finite_and_input_untouched_at_every_corner,
        contract.test_gradients_are_finite_at_every_corner,
        contract.test_gradcheck,
        contract.test_a_batch_equals_a_loop,
    ],
    ids=lambda test: test.__name__,
)
def test_it_keeps_the_contract(held: Callable[..., None]) -> None:
    held(STAGE, {})


def test_it_is_declared_whole_and_the_identity_where_it_says_so() -> None:
    contract.test_declaration_is_complete(STAGE)
    contract.test_identity_where_declared_neutral(STAGE)


def test_its_gradient_is_that_of_differences(pipeline: Pipeline) -> None:
    contract.test_every_parameter_against_finite_differences(pipeline, "bilinear")


def test_all_stages_are_those_of_the_pipelines(pipeline: Pipeline) -> None:
    assert STAGE in module._stages() and len(module._stages()) == len(STAGES) + 1
    assert [stage.name for stage in STAGES] == [stage.name for stage in CAMERA.stages]


def test_where_a_value_is_found_follows_from_where_the_stage_stands(pipeline: Pipeline) -> None:
    optics = pipeline.stage("optics")
    assert {optics.source_of(param) for param in optics.params} == {"driver"}
    assert {STAGE.source_of(param) for param in STAGE.params} == {"settings"}


def test_it_is_told_developed_explained_searched_and_checked(pipeline: Pipeline, tmp_path: Path) -> None:
    frame = smooth_frame("RGGB", 32, 40, noise=100.0, **contract.LEVELS)
    settings = pipeline.settings(frame)
    rows = {row["key"]: row for row in rows_of(settings)}
    assert rows[KEY]["help"] == "0 changes nothing." and rows["vibrance.on"]["title"] == "Vibrance"
    assert not np.array_equal(develop(frame, settings), develop(frame, settings.changed({KEY: 1.0})))

    case, model = Case(frame, settings.changed({KEY: 0.1})), smooth()
    tables = [item for item in sensitivities(case.frame, case.settings, model, check=True) if isinstance(item, Table)]
    (row,) = [row for row in tables[-1].rows if row.key == KEY]
    assert row.gradient != 0 and row.finite_difference == pytest.approx(row.gradient, rel=0.1)

    axes = axes_of([case.settings], {KEY: None})
    searched = tolerances([case], model, axes, parse_criterion("prediction-unchanged"))
    found = [item for item in searched if isinstance(item, Tolerance)][-1]
    path = write_report(tmp_path / "out", found, files=[Path("a.dng")], argv=["tolerance", "a.dng"])
    report = read_report(path)
    assert [axis["param"] for axis in report["results"]["axis"]] == [KEY]
    untested = " ".join(each["not_tested"] for each in report["limits"])
    assert "vibrance.seed" in untested and KEY not in untested
    judged = {each.param: each for each in judge(frame, report)}
    assert (judged[KEY].verdict, judged[KEY].source) == ("in", "settings")
    assert judged[KEY].reason == "set by the data model, at its nominal value"


def test_it_has_sliders(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    pytest.importorskip("PySide6", reason="the window needs PySide6: install the extra gui")
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from driftlab.gui.document import Document
    from driftlab.gui.panels.stages import StagesPanel

    app = QApplication.instance() or QApplication([])
    document = Document()
    panel = StagesPanel(document, QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    frame = smooth_frame("RGGB", 32, 40, noise=100.0, **contract.LEVELS)
    document.show(document.add([tmp_path / "a.dng"])[0], frame, pipeline.settings(frame))
    assert "vibrance" in panel.groups and KEY in panel.groups["vibrance"].rows
    panel.deleteLater()
    app.processEvents()
