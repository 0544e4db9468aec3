"""SimA: one query of the denoiser on the clean sample, and the norm of what it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.diffusion.norms import sample_norms
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.knobs import Order


class SimA(TimestepAttack):
    """‖ε̂(x, t)‖_p, low for members (Rao, Qu & Moyer, arXiv:2509.25003).

    Input `raw` gives the denoiser x itself, as the paper's released code does; `scaled` gives it √ᾱ_t x, as the paper's
    prose implies. One query each; every norm comes from the same prediction.
    """

    norms: Several[Order] = (4,)
    inputs: Several[Literal["raw", "scaled"]] = ("raw",)

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        for t in self.timesteps:
            for name in self.inputs:
                point = z if name == "raw" else target.schedule.signal(t, z) * z
                for order, values in sample_norms(target.predict_noise(point, t), self.norms):
                    yield Statistic(t, {"input": name, "norm": order}, 1, values)
