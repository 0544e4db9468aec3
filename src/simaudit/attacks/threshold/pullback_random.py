"""Pullback's own control: as many latent dimensions dropped, but at random."""

from __future__ import annotations

from typing import ClassVar

import torch

from simaudit.attacks.threshold._masked import MaskingAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target


class PullbackRandom(MaskingAttack):
    """`Pullback` with a random mask per sample: what pullback has above it is due to the choice of dimensions.

    The control that arXiv:2511.20592 compares its mask with.
    """

    version: ClassVar[int] = 3

    def importance(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        return noise.draw(0, z)
