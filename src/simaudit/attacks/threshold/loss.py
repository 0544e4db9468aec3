"""Loss: the training objective at one timestep, as a membership statistic."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.knobs import Draws


class Loss(TimestepAttack):
    """‖ε − ε̂(√ᾱ_t x + σ_t ε, t)‖₂², averaged over the first n of nested draws, low for members.

    n = 1 is the published attack (Matsumoto, Miura & Yanai 2023, arXiv:2302.03262; Carlini et al. 2023,
    arXiv:2301.13188). n queries; the largest n makes them all, and every smaller n reads them again.
    """

    draws: Draws = (1,)

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        for t in self.timesteps:
            errors = []
            for k in range(self.draws[-1]):
                epsilon = noise.draw(k, z)
                residual = epsilon - target.predict_noise(target.schedule.diffuse(z, epsilon, t), t)
                errors.append(residual.flatten(1).square().sum(1))
            for n in self.draws:
                yield Statistic(t, {"draws": n}, n, torch.stack(errors[:n]).mean(0))
