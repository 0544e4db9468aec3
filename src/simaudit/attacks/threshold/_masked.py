"""SimA on a part of the dimensions, which is chosen for each sample."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target


class MaskedSimA(TimestepAttack):
    """Σ_k m_k |ε̂(z, t)_k|⁴, low for members; m drops, sample by sample, the share `dropped` of latent dimensions."""

    needs: ClassVar[frozenset[str]] = frozenset({"decoder"})

    dropped: Annotated[float, Field(gt=0, lt=1)] = 0.4

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        mask = mask_of_largest(self.importance(target, z, noise), 1 - self.dropped)
        for t in self.timesteps:
            powers = target.predict_noise(z, t).flatten(1) ** 4
            yield Statistic(t, {"dropped": self.dropped}, 1, (mask * powers).sum(1))

    @abstractmethod
    def importance(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        """Return a number for each dimension of z (B, …), shaped as z; those with the largest are not dropped."""


def mask_of_largest(importance: torch.Tensor, share: float) -> torch.Tensor:
    """Return (B, d): 1 where a sample's `importance` (B, …) is largest, at that share of d, once at least; else 0."""
    flat = importance.flatten(1)
    largest = flat.topk(max(round(share * flat.shape[1]), 1), dim=1).indices
    return torch.zeros_like(flat).scatter_(1, largest, 1.0)
