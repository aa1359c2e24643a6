"""What a decoder found, on its way from the decoder's process to a RawFrame: samples as stored, and facts as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftlab.raw.frame import CFA, ColorMatrix, Origin, RawFrame

__all__ = ["Decoded", "facts_to_json", "frame_from_json"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Samples `[C, H, W]` in DN of any real type, and the other fields of RawFrame by name.

    The facts lack `name` and `sha256`, which are the file's, and whatever is left at RawFrame's own default.
    """

    samples: NDArray[Any]
    facts: dict[str, Any]

    def with_facts(self, **facts: Any) -> Decoded:
        """The same samples with some facts replaced."""
        return Decoded(self.samples, self.facts | facts)

    def remarked(self, *remarks: str) -> Decoded:
        """The same with more remarks."""
        return self.with_facts(remarks=(*self.facts.get("remarks", ()), *remarks))


def facts_to_json(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of JSON types only."""
    return {
        name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
        for name, value in facts.items()
    }


def frame_from_json(facts: dict[str, Any], mosaic: NDArray[np.float32], *, name: str, sha256: str) -> RawFrame:
    """The frame of facts that have been through JSON."""
    rows: Any = tuple(tuple(row) for row in facts["matrix"]["values"])
    typed: dict[str, Any] = {field: tuple(value) for field, value in facts.items() if isinstance(value, list)}
    typed["cfa"] = CFA(tuple(facts["cfa"]["pattern"]))
    typed["matrix"] = ColorMatrix(rows, facts["matrix"]["source"])
    typed["origin"] = Origin(facts.get("origin", Origin.SENSOR))
    return RawFrame(mosaic=mosaic, name=name, sha256=sha256, **(facts | typed))
