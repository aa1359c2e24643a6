"""Pipelines: the stages in an order, with their defaults, and how an image runs through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from torch import Tensor

from driftlab.isp.color import luma_of
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Choice, Domain, IspError, Param, Sensor, Stage, Value, Values
from driftlab.isp.stages import (
    black_level,
    color_matrix,
    demosaic,
    denoise,
    exposure,
    jpeg,
    noise,
    optics,
    quantization,
    sharpen,
    tone,
    white_balance,
)
from driftlab.raw.frame import RawFrame

__all__ = ["CAMERA", "PAPER", "PIPELINES", "STAGES", "Pipeline", "pipeline_of", "run"]


@dataclass(frozen=True, eq=False)
class Pipeline:
    """An ordered tuple of stages that fit together: what one writes, the next one reads."""

    name: str
    help: str
    stages: tuple[Stage, ...]
    keys: Mapping[str, Param | Choice | None] = field(init=False)
    """What every key stands for; the switches (`stage.on`) for None."""
    names: Mapping[str, tuple[tuple[str, str], ...]] = field(init=False)
    """Name and key of all that each stage takes."""

    def __post_init__(self) -> None:
        domain = self.stages[0].reads
        keys: dict[str, Param | Choice | None] = {}
        for stage in self.stages:
            if domain != stage.reads and not (domain == Domain.LINEAR_RGB and stage.reads == Domain.LUMA):
                raise IspError(
                    f"The pipeline '{self.name}' can't run: {stage.name} reads {stage.reads}, "
                    f"but what comes before it writes {domain}."
                )
            domain = self.writes(stage.name)
            keys |= zip(stage.keys, (None, *stage.choices, *stage.params), strict=True)
        names = {s.name: tuple((key.partition(".")[2], key) for key in s.keys) for s in self.stages}
        object.__setattr__(self, "keys", MappingProxyType(keys))
        object.__setattr__(self, "names", MappingProxyType(names))

    def stage(self, name: str) -> Stage:
        """The stage of this name."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise IspError(
            f"The pipeline '{self.name}' has no stage '{name}': it has {', '.join(s.name for s in self.stages)}."
        )

    def writes(self, until: str | None = None) -> Domain:
        """The domain of what the pipeline gives, or of the output of the stage named by `until`."""
        domain = (self.stages[-1] if until is None else self.stage(until)).writes
        return Domain.LINEAR_RGB if domain == Domain.LUMA else domain

    def parameters(self) -> Iterator[tuple[str, Stage, Param]]:
        """Key, stage and declaration of every parameter, in order."""
        for stage in self.stages:
            for param in stage.params:
                yield f"{stage.name}.{param.name}", stage, param

    def settings(self, frame: RawFrame | None = None) -> Settings:
        """The defaults: as shot where a frame tells them."""
        values: dict[str, Value] = {}
        for key, declared in self.keys.items():
            if declared is None:
                values[key] = True
            elif isinstance(declared, Choice) or frame is None or declared.as_shot is None:
                values[key] = declared.default
            else:
                values[key] = min(max(declared.as_shot(frame), declared.hard[0]), declared.hard[1])
        return Settings(self, values)


def run(
    image: Tensor,
    settings: Mapping[str, Any],
    sensor: Sensor,
    pipeline: Pipeline,
    *,
    until: str | None = None,
) -> Tensor:
    """Mosaics `[B, C, H, W]` in DN through the stages, differentiable in the image and in every parameter.

    `settings` gives every key of the pipeline a value; a parameter may be a number, a 0-d tensor or `[B]` numbers (one
    for each frame, or, for a single frame, one for each of B renderings of it). Returns display RGB `[B, 3, H, W]`
    from 0 to 1, or the output of the stage named by `until`. The input is not changed.
    """
    if until is not None:
        pipeline.stage(until)
    luma: tuple[Tensor, Tensor] | None = None  # before and after the luma stages since the last full image
    for stage in pipeline.stages:
        values = {name: settings[key] for name, key in pipeline.names[stage.name]}
        if stage.reads != Domain.LUMA:
            image, luma = _applied(stage, _joined(image, luma), values, sensor), None
        elif values["on"] and not stage.is_neutral(values):
            before, after = luma or (luma_of(image),) * 2
            luma = before, _applied(stage, after, values, sensor)
        if stage.name == until:
            break
    return _joined(image, luma)


def _joined(image: Tensor, luma: tuple[Tensor, Tensor] | None) -> Tensor:
    """`image` with the change of its luma added to all three colors, which leaves its chroma as it is."""
    return image if luma is None else image + (luma[1] - luma[0])


def _applied(stage: Stage, image: Tensor, values: Mapping[str, Any], sensor: Sensor) -> Tensor:
    if values["on"] and stage.is_neutral(values):
        return image
    forward = stage.forward if values["on"] else stage.off
    assert forward is not None  # Settings refuse to switch such a stage off
    return forward(image, Values(values, image), sensor)


def _with(stage: Stage, defaults: Mapping[str, Value]) -> Stage:
    """`stage` with other defaults, which no frame overrides."""
    known = {*(q.name for q in stage.params), *(c.name for c in stage.choices)}
    assert defaults.keys() <= known, defaults.keys() - known
    return replace(
        stage,
        params=tuple(
            replace(q, default=float(defaults[q.name]), as_shot=None) if q.name in defaults else q for q in stage.params
        ),
        choices=tuple(replace(c, default=str(defaults[c.name])) if c.name in defaults else c for c in stage.choices),
    )


_SENSOR = (exposure.STAGE, optics.STAGE, noise.STAGE, quantization.STAGE)

CAMERA: Final = Pipeline(
    "camera",
    "A camera's own order: white balance on the mosaic, highlights kept white, denoise before sharpen, as shot.",
    (
        *_SENSOR,
        black_level.STAGE,
        white_balance.STAGE,
        demosaic.STAGE,
        color_matrix.STAGE,
        denoise.STAGE,
        sharpen.STAGE,
        tone.STAGE,
        jpeg.STAGE,
    ),
)

PAPER: Final = Pipeline(
    "paper",
    "The order and the formulas of raw2logit (Oala et al., TMLR 2023); its twelve variants are choices.",
    (
        *_SENSOR,
        _with(black_level.STAGE, {"range": "zero to white"}),
        _with(demosaic.STAGE, {"method": "bilinear"}),
        _with(replace(white_balance.STAGE, reads=Domain.CAMERA_RGB, writes=Domain.CAMERA_RGB), {"highlights": "keep"}),
        color_matrix.STAGE,
        _with(sharpen.STAGE, {"method": "filter"}),
        _with(denoise.STAGE, {"method": "gaussian"}),
        _with(tone.STAGE, {"curve": "power", "brightness": 0.0}),
        jpeg.STAGE,
    ),
)

PIPELINES: Final[Mapping[str, Pipeline]] = MappingProxyType({p.name: p for p in (CAMERA, PAPER)})


def _stages() -> tuple[Stage, ...]:
    found: dict[str, Stage] = {}
    for pipeline in PIPELINES.values():
        for stage in pipeline.stages:
            found.setdefault(stage.name, stage)
    return tuple(found.values())


#: Every stage that stands in a pipeline, as the first one that has it declares it.
STAGES: Final = _stages()


def pipeline_of(name: str) -> Pipeline:
    """The pipeline of this name."""
    if name not in PIPELINES:
        raise IspError(f"There is no pipeline '{name}': use {' or '.join(PIPELINES)}.")
    return PIPELINES[name]
