"""ReDiffuse: how far the mean of a sample's variations, made by noising and denoising it, misses the sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import torch
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from simaudit.attacks.residual_attack import Residual, running_means
from simaudit.attacks.threshold._norms import NormAttack
from simaudit.attacks.threshold._trajectory import require_multiples
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Several, Stride
from simaudit.vocabulary.knobs import Draws, Order


class ReDiffuse(NormAttack):
    """‖x − (1/n) Σ_k x̂_k‖_p over nested draws, low for members (Li et al. 2024, arXiv:2405.20771).

    x̂_k comes from √ᾱ_t x + σ_t ε_k by deterministic DDIM down to timestep 0, in steps of `interval`. Published with
    t = 200, n = 10 and p = 1. Of a latent target x is the latent. n·t/interval queries; the largest n makes them all.
    """

    interval: Stride = 100
    draws: Draws = (10,)
    norms: Several[Order] = (1,)

    @model_validator(mode="after")
    def _timesteps_are_on_a_trajectory(self) -> Self:
        require_multiples(self.timesteps, self.interval)
        if self.timesteps[0] == 0:
            raise PydanticCustomError("walk", "timesteps must be above 0, where the walk ends")
        return self

    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        for t in self.timesteps:
            variations = (self._variation(target, z, noise.draw(k, z), t) for k in range(self.draws[-1]))
            for n, _, mean in running_means(variations):
                if n in self.draws:
                    variant = {"draws": n, "interval": self.interval}
                    yield Residual(t, variant, n * (t // self.interval), z - mean)

    def _variation(self, target: Target, z: torch.Tensor, noise: torch.Tensor, start: int) -> torch.Tensor:
        """Return what denoising makes of z (B, …) with this noise at timestep `start`, shaped as z."""
        schedule = target.schedule
        walked = schedule.diffuse(z, noise, start)
        for t in range(start, 0, -self.interval):
            walked = schedule.ddim_step(walked, target.predict_noise(walked, t), t, t - self.interval)
        return walked
