"""PIA: proximal initialisation; the model's own noise at t = 0 takes the place of a random one."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from simaudit.attacks.residual_attack import Residual
from simaudit.attacks.threshold._norms import NormAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target


class PIA(NormAttack):
    """‖e₀ − ε̂(√ᾱ_t x + σ_t e₀, t)‖_p with e₀ = ε̂(x, 0), low for members (Kong et al. 2023, arXiv:2305.18355).

    Two queries per timestep alone; e₀ is computed once for all of them.
    """

    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        e0 = self.initial_noise(target.predict_noise(z, 0))
        for t in self.timesteps:
            residual = e0 - target.predict_noise(target.schedule.diffuse(z, e0, t), t)
            yield Residual(t, {}, 2, residual)

    def initial_noise(self, prediction: torch.Tensor) -> torch.Tensor:
        """Return what is taken for the sample's noise, from the prediction at t = 0; both (B, …)."""
        return prediction
