"""Distortion: how far the decoder stretches the latent space around a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.pullback_metric import SMALLEST, top_singular_values
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Most, Queries


class Distortion(TargetAttack):
    """Σ_{i ≤ k} log σ_i over the k largest singular values of the decoder's Jacobian at encode(x), high for members.

    By itself hardly a membership test, and the sign is a guess; arXiv:2511.20592 finds that memorisation gathers where
    it is large, so evaluation shows every attack's AUC by quartile of it. It costs no query of the denoiser.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"decoder"})
    member_when: ClassVar[Literal["low", "high"]] = "high"

    singular_values: Queries = 8
    iterations: Annotated[int, Field(ge=0), Most(100, "it converges in a few")] = 3

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        k = min(self.singular_values, z[0].numel())
        start = [noise.draw(draw, z) for draw in range(k)]
        sigma = top_singular_values(target.decode, z, start, self.iterations)
        yield Statistic(None, {"singular_values": k}, 0, (sigma + SMALLEST).log().sum(1))
