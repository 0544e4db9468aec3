"""SecMI: how far a deterministic step forward and back misses the point it started from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import torch
from pydantic import model_validator

from simaudit.attacks.residual_attack import Residual
from simaudit.attacks.threshold._norms import SquareAttack
from simaudit.attacks.threshold._trajectory import require_multiples
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Stride


class SecMI(SquareAttack):
    """‖x̃_t − x̃'_t‖₂², low for members (Duan et al. 2023, arXiv:2302.01316, t-error).

    x̃ goes from x at 0 by deterministic DDIM up to t in steps of `interval`, and one step further to t + interval;
    x̃'_t is the step back from there to t (not to t + interval: two of the released variants compare different
    timesteps). The trajectory is walked once for all t, and the query that steps back is the one that steps on:
    t/interval + 2 queries for one timestep, and no more for the earlier ones.
    """

    interval: Stride = 10

    @model_validator(mode="after")
    def _timesteps_are_on_the_trajectory(self) -> Self:
        require_multiples(self.timesteps, self.interval)
        return self

    @property
    def last_query(self) -> int:
        return self.timesteps[-1] + self.interval

    def residuals(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> Iterator[Residual]:
        step = target.schedule.ddim_step
        predicted, queries = target.predict_noise(z, 0), 1
        for t in range(0, self.last_query, self.interval):
            ahead = t + self.interval
            z_ahead = step(z, predicted, t, ahead)
            predicted_ahead = target.predict_noise(z_ahead, ahead)
            queries += 1
            if t in self.timesteps:
                back = step(z_ahead, predicted_ahead, ahead, t)
                yield Residual(t, {"interval": self.interval}, queries, z - back)
            z, predicted = z_ahead, predicted_ahead
