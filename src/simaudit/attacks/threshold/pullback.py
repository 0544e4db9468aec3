"""Pullback: another attack on those latent dimensions alone that move the image."""

from __future__ import annotations

from typing import ClassVar

import torch

from simaudit.attacks.threshold._masked import MaskingAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.pullback_metric import log_distortion
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Queries


class Pullback(MaskingAttack):
    """‖m ⊙ r‖, low for members, r the residual of the attack `of`, such as ε̂(z, t) of SimA (arXiv:2511.20592).

    m drops, sample by sample, the share `dropped` of latent dimensions with the least `log_distortion`. That is exact
    where a latent has at most 64 numbers; elsewhere `probes` draws of noise in image space estimate it, with one
    backward pass through the decoder each. The queries of `of`; passes through the decoder are not counted.
    """

    version: ClassVar[int] = 3

    probes: Queries = 16

    def importance(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        return log_distortion(target.decode, z, self.probes, noise.draw)
