"""The verdict: what the scores of all pictures at one point come down to, below 0 where the criterion fails.

Of a count it is the score that decides: with k pictures that may fail, the (k + 1)-th lowest, less the score from which
on a picture holds. Of a segmentation it is the mean IoU less its floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from driftlab.analysis.tolerance.rule import SLACK, Rule

__all__ = ["Verdict", "verdict_of"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of `count` pictures `spared` may fail; the score that decides holds from `least` on. `mean`: the mean decides."""

    count: int
    spared: int
    least: float
    mean: bool = False

    @property
    def single(self) -> bool:
        """Whether one failing picture is enough, so that pictures can be asked one by one."""
        return self.spared == 0 and not self.mean

    def values(self, scores: Tensor) -> Tensor:
        """Scores `[..., count]` -> `[...]`, negative where the criterion fails."""
        return self.decided(scores) - self.least

    def decided(self, scores: Tensor) -> Tensor:
        """Scores `[..., count]` -> the one that decides, `[...]`."""
        return scores.mean(-1) if self.mean else scores.sort(-1).values[..., self.spared]

    def deciding(self, scores: Tensor) -> Tensor:
        """Scores `[..., count]` -> which picture decides, `[...]`; where the mean does, the lowest."""
        return scores.argsort(dim=-1, stable=True)[..., 0 if self.mean else self.spared]

    def pull(self, scores: Tensor, slopes: Tensor) -> Tensor:
        """The slopes `[..., count, P]` of what is to be brought down, `[..., P]`.

        Of a mean that of all pictures; of a count the mean of the lowest ones that have to fail and do not yet, or of
        all of those where they do.
        """
        if self.mean:
            return slopes.mean(-2)
        lowest, order = scores.sort(dim=-1, stable=True)
        left = (lowest[..., : self.spared + 1] - self.least).clamp_min(0)
        left = torch.where((left > 0).any(-1, keepdim=True), left, 1.0)
        chosen = order[..., : self.spared + 1, None].expand(*left.shape, slopes.shape[-1])
        return (slopes.gather(-2, chosen) * left[..., None]).sum(-2) / left.sum(-1, keepdim=True)


def verdict_of(rule: Rule) -> Verdict:
    """How the rule judges a point."""
    if rule.segmentation:
        return Verdict(rule.count, 0, rule.floor - SLACK, mean=True)
    return Verdict(rule.count, rule.may_fail, rule.least)
