"""Pictures of cases under many settings, in batches, with the work that they share done once.

Samples are cut once, with the border that the widest of the settings reads, and run once up to the first stage that an
axis moves. Batches are cut by a rule that looks at nothing but the question, so that the same question gives the same
bits. A large picture is developed by itself, in tiles, with a place to stop between them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor

from driftlab.analysis.axes import Axis
from driftlab.data.cases import Case
from driftlab.isp.develop import Window, assemble, tiles, window
from driftlab.isp.linearized import chain_of, linearized, pieces
from driftlab.isp.pipeline import Pipeline, run
from driftlab.isp.settings import Settings
from driftlab.isp.stage import Domain, Sensor
from driftlab.isp.windows import plan_of

__all__ = ["BATCH", "Pictures", "Pull"]

#: Pixels of a batch: of so many pictures of 256 × 256, eight. A pass ends before one may wait to stop it.
BATCH: Final = 8 * 256 * 256
#: Pixels of a picture that is developed by itself, in tiles.
LARGE: Final = 2_000_000
#: Numbers of all pictures that are kept ready to run, a gigabyte of them; of more, they are made anew for every batch.
KEPT: Final = 2**28

#: Of numbers z `[N]` that hang on a batch's pictures, d z / d position, `[N, P]`, float64.
Pull = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A case ready to run: its window after the stages that nothing moves, and the settings of the rest."""

    window: Window
    settings: Settings

    @property
    def size(self) -> int:
        """Numbers that are held in memory."""
        return self.window.image.numel()


class Pictures:
    """The pictures of `cases` whose settings the `axes` move."""

    def __init__(self, cases: Sequence[Case], axes: Sequence[Axis]) -> None:
        self.cases, self.axes = tuple(cases), tuple(axes)
        pipeline = cases[0].settings.pipeline
        self._first = _first_moved(pipeline, self.axes)
        self._rest = Pipeline(pipeline.name, pipeline.help, pipeline.stages[self._first :])
        self._widths: dict[tuple[Settings, Sensor], Settings] = {}
        self._cuts: dict[int, Window] = {}
        self._families: dict[int, tuple[str, ...]] = {}
        self._made: dict[int, _Ready] = {}

    def settings_at(self, index: int, positions: Sequence[float]) -> Settings:
        """The settings of a case at these positions."""
        nominal = self.cases[index].settings
        return nominal.changed({key: float(value[0]) for key, value in self._values(nominal, [positions]).items()})

    def is_large(self, index: int) -> bool:
        """Whether a case is developed by itself."""
        region = self.cases[index].extent
        return region.width * region.height > LARGE

    def batches(self, which: Sequence[int], pixels: int = BATCH) -> Iterator[list[int]]:
        """The rows of every batch: cases that run together, in the order of the first of each."""
        families: dict[tuple[str, ...], list[int]] = {}
        for row, index in enumerate(which):
            families.setdefault(self._family(index), []).append(row)
        for rows in families.values():
            first, region = which[rows[0]], self.cases[which[rows[0]]].extent
            size = 1 if self.is_large(first) else max(pixels // (region.width * region.height), 1)
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    def at(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> Generator[None, None, Tensor]:
        """Display RGB `[N, 3, H, W]` of a batch, one case at each of N vectors of positions; stops between tiles."""
        if self.is_large(cases[0]):
            return (yield from self._tiled(cases[0], positions[0]))
        with torch.no_grad():
            return self._run(cases, self._moved(cases, positions))

    def hanging(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> tuple[Tensor, Pull]:
        """As `at`, hanging on their positions, and what gives the derivative of numbers z `[N]` made of them, once."""
        assert not self.is_large(cases[0])
        smooth = [axis for axis in self.axes if axis.gradient != "none"]
        values = self._moved(cases, positions)
        inputs = [values[axis.key].requires_grad_() for axis in smooth]

        def pull(z: Tensor) -> Tensor:
            slopes = torch.zeros(len(cases), len(self.axes), dtype=torch.float64)
            if not z.requires_grad:  # it hangs on none of them, such as on a blur of nothing
                return slopes
            found = torch.autograd.grad(z.sum(), inputs, allow_unused=True, materialize_grads=True)
            for axis, gradient in zip(smooth, found, strict=True):
                by_position = [axis.slope(self.cases[index].settings.number(axis.key)) for index in cases]
                slopes[:, self.axes.index(axis)] = gradient.double() * torch.tensor(by_position, dtype=torch.float64)
            return slopes

        return self._run(cases, values), pull

    def pulled(self, index: int, positions: Sequence[float], by_picture: Tensor) -> Generator[None, None, Tensor]:
        """D z / d position, `[1, P]`, of a large picture from dz/dI `[1, 3, H, W]`; stops between pieces."""
        case, settings = self.cases[index], self.settings_at(index, positions)
        keys = [axis.key for axis in self.axes if axis.gradient != "none"]
        chain = chain_of(settings, Sensor.of(case.frame))
        totals = dict.fromkeys(keys, 0.0)
        for piece in pieces(case.frame, settings, case.extent, torch.float32):
            for key, share in linearized(chain, piece, by_picture, keys).gradients.items():
                totals[key] += share
            yield
        slopes = [totals.get(axis.key, 0.0) * axis.slope(case.settings.number(axis.key)) for axis in self.axes]
        return torch.tensor([slopes], dtype=torch.float64)

    # How it is done

    def _tiled(self, index: int, positions: Sequence[float]) -> Generator[None, None, Tensor]:
        case, region = self.cases[index], self.cases[index].extent
        picture = torch.empty(1, 3, region.height, region.width)
        drawn = tiles(case.frame, self.settings_at(index, positions), region=region)
        yield from assemble(drawn, region, picture[0].numpy())
        return picture

    def _ready(self, index: int) -> _Ready:
        if index not in self._made:
            self._made[index] = self._make(index)
            while len(self._made) > 1 and sum(each.size for each in self._made.values()) > KEPT:
                del self._made[next(iter(self._made))]
        return self._made[index]

    def _make(self, index: int) -> _Ready:
        settings, cut = self.cases[index].settings, self._cut(index)
        if self._first > 0:
            with torch.no_grad():
                before = settings.pipeline.stages[self._first - 1].name
                cut = replace(cut, image=run(cut.image, settings, cut.sensor, settings.pipeline, until=before))
        return _Ready(cut, settings)

    def _cut(self, index: int) -> Window:
        """The samples of a case, in the frame's own memory."""
        if index not in self._cuts:
            case, sensor = self.cases[index], Sensor.of(self.cases[index].frame)
            if (case.settings, sensor) not in self._widths:
                self._widths[case.settings, sensor] = self._widest(case.settings, sensor)
            self._cuts[index] = window(case.frame, self._widths[case.settings, sensor], case.extent)
        return self._cuts[index]

    def _family(self, index: int) -> tuple[str, ...]:
        """What cases have in common that can run together."""
        if index not in self._families:
            alike: tuple[Any, ...] = (index,)
            if not self.is_large(index):
                cut, settings = self._cut(index), self.cases[index].settings
                choices = [(key, value) for key, value in settings.items() if isinstance(value, str | bool)]
                alike = (cut.image.shape, cut.sensor, cut.rows, cut.columns, choices)
            self._families[index] = tuple(map(str, alike))
        return self._families[index]

    def _widest(self, settings: Settings, sensor: Sensor) -> Settings:
        """Settings under which the stages read as far as anywhere on the axes."""
        for axis in self.axes:
            ends = torch.tensor([axis.low, axis.high], dtype=torch.float64)
            values = axis.values(ends, settings.number(axis.key)).tolist()
            tried = [settings, *(settings.changed({axis.key: value}) for value in values)]
            plans = [plan_of(each, sensor) for each in tried]
            wide = max(range(len(tried)), key=lambda at: (plans[at].whole_rows, plans[at].border, plans[at].grid))
            settings = tried[wide]
        return settings

    def _values(self, nominal: Settings, positions: Sequence[Sequence[float]]) -> dict[str, Tensor]:
        """The values of the axes' keys, each `[N]`, float64."""
        places = torch.tensor(positions, dtype=torch.float64).reshape(len(positions), len(self.axes))
        return {
            axis.key: axis.values(places[:, number], nominal.number(axis.key)) for number, axis in enumerate(self.axes)
        }

    def _moved(self, cases: Sequence[int], positions: Sequence[Sequence[float]]) -> dict[str, Tensor]:
        """The same of several cases, one at each vector of positions."""
        moved = [
            self._values(self.cases[index].settings, [place]) for index, place in zip(cases, positions, strict=True)
        ]
        return {axis.key: torch.cat([each[axis.key] for each in moved]) for axis in self.axes}

    def _run(self, cases: Sequence[int], moved: dict[str, Tensor]) -> Tensor:
        """Cases of one family with the axes' keys at `moved`, each `[N]`: display RGB `[N, 3, H, W]`."""
        ready = [self._ready(index) for index in cases]
        cut, like = ready[0].window, ready[0].settings
        alone = all(index == cases[0] for index in cases)
        image = cut.image if alone else torch.cat([each.window.image for each in ready])
        values: dict[str, Any] = dict(like)
        if not alone:
            for key in self._rest.keys:
                if isinstance(like[key], float):
                    numbers = [each.settings.number(key) for each in ready]
                    values[key] = numbers[0] if len(set(numbers)) == 1 else torch.tensor(numbers, dtype=torch.float64)
        for key, tensor in moved.items():
            flat = not tensor.requires_grad and bool((tensor == tensor[0]).all())
            values[key] = float(tensor[0]) if flat else tensor
        picture = run(image, values, cut.sensor, self._rest)[..., cut.rows, cut.columns]
        return picture.expand(len(cases), -1, -1, -1)


def _first_moved(pipeline: Pipeline, axes: Sequence[Axis]) -> int:
    """The first stage that an axis moves; the one that what it runs on is ready for."""
    moved = {axis.key.partition(".")[0] for axis in axes}
    names = [stage.name for stage in pipeline.stages]
    first = min((names.index(name) for name in moved), default=len(names) - 1)
    while first > 0 and pipeline.stages[first].reads == Domain.LUMA:  # luma needs the picture it is the luma of
        first -= 1
    return first
