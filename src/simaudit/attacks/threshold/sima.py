"""SimA: one query of the denoiser on the clean sample, and the norm of what it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch

from simaudit.attacks.residual_attack import Residual
from simaudit.attacks.threshold._norms import NormAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Several


class SimA(NormAttack):
    """‖ε̂(x, t)‖_p, low for members (Rao, Qu & Moyer, arXiv:2509.25003).

    Input `raw` gives the denoiser x itself, as the paper's released code does; `scaled` gives it √ᾱ_t x, as the paper's
    prose implies. One query each; every norm comes from the same prediction.
    """

    inputs: Several[Literal["raw", "scaled"]] = ("raw",)

    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        for t in self.timesteps:
            for name in self.inputs:
                point = z if name == "raw" else target.schedule.signal(t, z) * z
                yield Residual(t, {"input": name}, 1, target.predict_noise(point, t))
