"""Loss: the training objective at one timestep, as a membership statistic."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from simaudit.attacks.residual_attack import MeanOfNorms, Residual
from simaudit.attacks.threshold._norms import SquareAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.knobs import Draws


class Loss(SquareAttack):
    """‖ε − ε̂(√ᾱ_t x + σ_t ε, t)‖₂², averaged over the first n of nested draws, low for members.

    n = 1 is the published attack (Matsumoto, Miura & Yanai 2023, arXiv:2302.03262; Carlini et al. 2023,
    arXiv:2301.13188). n queries; the largest n makes them all, and every smaller n reads them again.
    """

    draws: Draws = (1,)

    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        for t in self.timesteps:
            mean = MeanOfNorms(self.draws)
            for k in range(self.draws[-1]):
                epsilon = noise.draw(k, z)
                error = epsilon - target.predict_noise(target.schedule.diffuse(z, epsilon, t), t)
                yield Residual(t, {"draws": k + 1}, k + 1, error, mean)
