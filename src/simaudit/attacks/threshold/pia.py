"""PIA: proximal initialisation; the model's own noise at t = 0 takes the place of a random one."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.norms import sample_norms
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import Order


class PIA(TimestepAttack):
    """‖e₀ − ε̂(√ᾱ_t x + σ_t e₀, t)‖_p with e₀ = ε̂(x, 0), low for members (Kong et al. 2023, arXiv:2305.18355).

    Two queries per timestep alone; e₀ is computed once for all of them.
    """

    norms: Several[Order] = (4,)

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        e0 = self.initial_noise(target.predict_noise(z, 0))
        for t in self.timesteps:
            residual = e0 - target.predict_noise(target.schedule.diffuse(z, e0, t), t)
            for order, values in sample_norms(residual, self.norms):
                yield Statistic(t, {"norm": order}, 2, values)

    def initial_noise(self, prediction: torch.Tensor) -> torch.Tensor:
        """Return what is taken for the sample's noise, from the prediction at t = 0; both (B, …)."""
        return prediction
