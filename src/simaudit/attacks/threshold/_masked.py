"""Another attack on a part of the dimensions, which is chosen for each sample."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from simaudit.attacks.wrapping_attack import WrappingAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Most
from simaudit.vocabulary.variant import Variant


class MaskingAttack(WrappingAttack):
    """The norm of the attack `of` over part of the latent: each sample's share `dropped` of its dimensions is left out.

    As many queries of the denoiser as `of`.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"decoder"})

    dropped: Annotated[float, Field(gt=0), Most(0.95, "otherwise hardly a dimension is left")] = 0.4

    def change(
        self, target: Target, z: torch.Tensor, noise: SampleNoise
    ) -> tuple[Variant, Callable[[torch.Tensor], torch.Tensor]]:
        mask = mask_of_largest(self.importance(target, z, noise), 1 - self.dropped)
        return {"dropped": self.dropped}, lambda maps: maps * mask

    @abstractmethod
    def importance(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        """Return a number for each dimension of z (B, …), shaped as z; those with the largest are not dropped."""


def mask_of_largest(importance: torch.Tensor, share: float) -> torch.Tensor:
    """Return 1 where a sample's `importance` (B, …) is largest, at that share of its dimensions, once at least; else 0.

    It is shaped as `importance`.
    """
    flat = importance.flatten(1)
    largest = flat.topk(max(round(share * flat.shape[1]), 1), dim=1).indices
    return torch.zeros_like(flat).scatter_(1, largest, 1.0).view_as(importance)
