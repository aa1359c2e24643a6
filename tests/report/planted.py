"""A tolerance planted by hand: three pictures, a red gain with two ends, an open exposure, a gap in the blur, a box."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from driftlab.analysis.axes import Axis, axes_of
from driftlab.analysis.criterion import Criterion
from driftlab.analysis.tolerance.findings import (
    AxisFinding,
    End,
    Failure,
    JointFinding,
    Nominal,
    Probe,
    Tolerance,
)
from driftlab.data.cases import Case
from driftlab.isp.develop import Region
from driftlab.isp.pipeline import PIPELINES
from driftlab.raw.frame import RawFrame
from tests.analysis.models import smooth
from tests.isp.frames import smooth_frame

FILES = (Path("first.dng"), Path("a second.dng"), Path("third.dng"))
ARGV = ("tolerance", "first.dng", "a second.dng", "third.dng", "--model", "net.pt", "--trust", "-o", "out")


def frame(index: int = 0, **facts: Any) -> RawFrame:
    """A frame of the planted camera; its content and gains depend on the index."""
    made = smooth_frame("rggb", 40, 48, noise=10.0 * index, black=(64.0,) * 4, white=4095.0, bits=12)
    usual: dict[str, Any] = {
        "gains": (1.7, 1.0, 1.5 + 0.1 * index),
        "sha256": f"{index:064d}",
        "name": FILES[index].name,
        "make": "Planted",
        "model": "One",
        "iso": 200.0,
        "decoder": "none",
    }
    return replace(made, **(usual | facts))


def cases() -> tuple[Case, ...]:
    found = []
    for index in range(3):
        one = frame(index)
        settings = PIPELINES["camera"].settings(one).changed({"tone.curve": "power"})
        region = Region(4, 2, 24, 20) if index == 1 else None
        found.append(Case(one, settings, region, label="ab"[index % 2]))
    return tuple(found)


def axes(pictures: tuple[Case, ...]) -> dict[str, Axis]:
    keys = {
        "exposure.ev": (-1.0, 1.0),
        "optics.blur": (0.0, 3.0),
        "white_balance.r": (1.0, 2.5),
        "white_balance.b": None,
    }
    return {axis.key: axis for axis in axes_of([case.settings for case in pictures], keys)}


def probe(position: float, metric: float, *, asked: int = 3) -> Probe:
    whole = asked == 3
    holds = metric >= 1
    return Probe(position, metric, 0.3 if whole else None, 1.0 if whole else None, asked, 3, metric - 0.75, holds)


def end(holds: float, fails: float | None, failure: Failure | None = None) -> End:
    return End(holds, fails, fails is None, 0.0, 0.0, 0.7076, failure)


def tolerance(**changes: Any) -> Tolerance:
    pictures = cases()
    axis = axes(pictures)
    red = AxisFinding(
        axis["white_balance.r"],
        "holds-on-samples",
        end(1.25, 1.2, Failure(1, (1.2,), "b", "a", -0.125)),
        end(2.0, 2.05, Failure(2, (2.05,), "a", "b", -0.25)),
        (
            probe(1.0, 1 / 3),
            probe(1.2, 0.5, asked=2),
            probe(1.25, 1.0),
            probe(1.7, 1.0),
            probe(2.0, 1.0),
            probe(2.5, 0.0),
        ),
        (),
        True,
        18,
        0.05,
    )
    exposure = AxisFinding(
        axis["exposure.ev"], "holds-on-samples", end(-1.0, None), end(1.0, None),
        (probe(-1.0, 1.0), probe(0.0, 1.0), probe(1.0, 1.0)), (), True, 9, 0.02,
    )  # fmt: skip
    blur = AxisFinding(
        axis["optics.blur"],
        "holds-on-samples",
        end(0.0, None),
        end(0.8, 0.85, Failure(0, (0.85,), "a", "c", -0.5)),
        (probe(0.0, 1.0), probe(0.8, 1.0), probe(0.85, 2 / 3), probe(1.5, 1.0), probe(3.0, 0.0)),
        ((1.4, 1.6),),
        False,
        15,
        0.05,
    )
    blue = AxisFinding(
        axis["white_balance.b"], "unproven", replace(end(0.9, None), open=False), replace(end(1.1, None), open=False),
        (probe(0.9, 1.0), probe(1.0, 1.0), probe(1.1, 1.0)), (), True, 9, 0.1,
    )  # fmt: skip
    findings = (exposure, blur, red, blue)
    joint = JointFinding(
        (axis["optics.blur"], axis["white_balance.r"]), "holds-on-samples", ((0.0, 0.4), (1.5, 1.875)), 0.5, 0.08, 300,
        0.01, 0.0625, (0.4, 1.875), 1, Failure(1, (0.5, 1.9), "b", "a", -0.01), 0.02, 0.9, 8,
        (("optics.blur", "white_balance.r", 0.5),), 900, 7, failures=(Failure(0, (0.6, 1.9), "a", "c", -0.7),), pairs=1,
    )  # fmt: skip
    nominals = (
        Nominal("a", "a", False, 0.5, True),
        Nominal("b", "b", False, 0.25, True),
        Nominal("a", "a", False, 1.5, True),
    )
    found = Tolerance(
        pictures,
        smooth(),
        Criterion("prediction-unchanged"),
        probe(0.0, 1.0),
        nominals,
        findings,
        joint,
        tuple(each.axis for each in findings),
        None,
        7,
        954,
        True,
    )
    return replace(found, **changes)
