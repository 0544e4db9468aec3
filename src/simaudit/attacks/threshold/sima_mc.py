"""SimA by Monte Carlo: what the denoiser predicts around the sample, averaged over random noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch

from simaudit.attacks.residual_attack import MeanOfNorms, Residual, running_means
from simaudit.attacks.threshold._norms import NormAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import Draws


class SimAMC(NormAttack):
    """‖(1/n) Σ_k ε̂(√ᾱ_t x + σ_t ε_k, t)‖_p over nested draws, low for members (Rao, Qu & Moyer, arXiv:2509.25003).

    `mean_of_vectors` is that definition: the noise in the predictions cancels as n grows, and n = 1 is the reference's
    "Epsilon". `mean_of_norms`, (1/n) Σ_k ‖ε̂(·)‖_p, does not let it cancel; it is offered to show what that costs, and
    left out at n = 1, where both are the same. A variant names its `average` only where it is not the definition's.
    n queries; the largest n makes them all.
    """

    draws: Draws = (1, 2, 5, 10, 30)
    averages: Several[Literal["mean_of_vectors", "mean_of_norms"]] = ("mean_of_vectors",)

    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        for t in self.timesteps:
            predictions = (
                target.predict_noise(target.schedule.diffuse(z, self.draw(k, z, noise), t), t)
                for k in range(self.draws[-1])
            )
            norms = MeanOfNorms({n for n in self.draws if n > 1})
            for n, predicted, mean in running_means(predictions):
                if "mean_of_vectors" in self.averages and n in self.draws:
                    yield Residual(t, {"draws": n}, n, mean)
                if "mean_of_norms" in self.averages:
                    yield Residual(t, {"average": "mean_of_norms", "draws": n}, n, predicted, norms)

    def draw(self, k: int, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        """Return ε_k (0-based), shaped as z (B, …)."""
        return noise.draw(k, z)
