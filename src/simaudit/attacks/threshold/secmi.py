"""SecMI: how far a deterministic step forward and back misses the point it started from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import torch
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Stride


class SecMI(TimestepAttack):
    """‖x̃_t − x̃'_t‖₂², low for members (Duan et al. 2023, arXiv:2302.01316, t-error).

    x̃ goes from x at 0 by deterministic DDIM up to t in steps of `interval`, and one step further to t + interval;
    x̃'_t is the step back from there to t (not to t + interval: two of the released variants compare different
    timesteps). The trajectory is walked once for all t, and the query that steps back is the one that steps on:
    t/interval + 2 queries for one timestep, and no more for the earlier ones.
    """

    interval: Stride = 10

    @model_validator(mode="after")
    def _timesteps_are_on_the_trajectory(self) -> Self:
        for t in self.timesteps:
            if t % self.interval:
                raise PydanticCustomError(
                    "trajectory",
                    "timesteps must be multiples of interval ({interval}): {t} is not",
                    {"interval": self.interval, "t": t},
                )
        return self

    @property
    def last_query(self) -> int:
        return self.timesteps[-1] + self.interval

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        for t, queries, missed in self.walk(target, images):
            yield Statistic(t, {"interval": self.interval}, queries, missed.flatten(1).square().sum(1))

    def walk(self, target: Target, images: torch.Tensor) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Yield each timestep t, the queries up to it, and x̃_t − x̃'_t (B, …), for images (B, C, H, W)."""
        step = target.schedule.ddim_step
        z, queries = target.encode(images), 1
        predicted = target.predict_noise(z, 0)
        for t in range(0, self.last_query, self.interval):
            ahead = t + self.interval
            z_ahead = step(z, predicted, t, ahead)
            predicted_ahead = target.predict_noise(z_ahead, ahead)
            queries += 1
            if t in self.timesteps:
                yield t, queries, z - step(z_ahead, predicted_ahead, ahead, t)
            z, predicted = z_ahead, predicted_ahead
