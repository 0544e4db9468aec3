"""Noise optimisation: how little must be changed in a noised sample for the model to find its noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.attacks.gradient._derivatives import error_and_gradient
from simaudit.attacks.gradient._lbfgs import minimise
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Most


class NoiseOptim(TimestepAttack):
    """min_δ ‖ε̂(z_t + δ, t) − ε‖₂ by a few steps of L-BFGS (CDI: Dubiński et al. 2024, arXiv:2411.12858, at t = 100).

    `measure: error` is the norm that is left, `measure: change` is ‖δ‖₂; both are assumed low for members. Released
    code minimises the mean over a batch. Here each sample is minimised by itself, so that a statistic does not depend
    on the batch. L-BFGS sees half the square of the norm, which has the same minimum and is nearly quadratic, so that
    each iteration can ask once instead of searching along a line. iterations + 1 queries, and as many backward passes,
    for each timestep.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"gradients"})
    microbatch: ClassVar[int | None] = 32

    iterations: Annotated[int, Field(gt=0), Most(100, "each asks the model once more for every sample")] = 5

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        epsilon = noise.draw(0, z)
        for t in self.timesteps:
            halved_square = _HalvedSquare(target, target.schedule.diffuse(z, epsilon, t), t, epsilon)
            change, values = minimise(halved_square, torch.zeros_like(z).flatten(1), self.iterations)
            queries = self.iterations + 1
            yield Statistic(t, {"measure": "error"}, queries, (2 * values).sqrt())
            yield Statistic(t, {"measure": "change"}, queries, torch.linalg.vector_norm(change, dim=1))


@dataclass(frozen=True)
class _HalvedSquare:
    """½‖ε̂(z_t + δ, t) − ε‖₂² as a function of δ (B, d)."""

    target: Target
    noised: torch.Tensor
    timestep: int
    noise: torch.Tensor

    def __call__(self, change: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the values (B,) and their derivatives (B, d)."""
        z = self.noised + change.view_as(self.noised)
        errors, gradient = error_and_gradient(self.target, z, self.timestep, self.noise)
        return errors.square() / 2, errors[:, None] * gradient.flatten(1)
