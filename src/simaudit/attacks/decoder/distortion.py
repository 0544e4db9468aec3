"""Distortion: how far the decoder stretches the latent space around a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeInt, PositiveInt

from simaudit.attacks.attack import Attack, Statistic
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.pullback_metric import SMALLEST, top_singular_values
from simaudit.targets.target import Target


class Distortion(Attack):
    """Σ_{i ≤ k} log σ_i over the k largest singular values of the decoder's Jacobian at encode(x), high for members.

    By itself hardly a membership test, and the sign is a guess; arXiv:2511.20592 finds that memorisation gathers where
    it is large, so evaluation shows every attack's AUC by quartile of it. It costs no query of the denoiser.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"decoder"})
    member_when: ClassVar[Literal["low", "high"]] = "high"

    singular_values: PositiveInt = 8
    iterations: NonNegativeInt = 3

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        k = min(self.singular_values, z[0].numel())
        start = [noise.draw(draw, z) for draw in range(k)]
        sigma = top_singular_values(target.decode, z, start, self.iterations)
        yield Statistic(None, {"singular_values": k}, 0, (sigma + SMALLEST).log().sum(1))
