"""Gradient masking: noise in the dimensions that the error depends on most, and what the model makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.attacks.gradient._derivatives import error_and_gradient
from simaudit.attacks.threshold._masked import mask_of_largest
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Share


class GradientMask(TimestepAttack):
    """‖(ε − z)_M − ε̂(z_M, t)_M‖₂, assumed low for members (CDI: Dubiński et al. 2024, arXiv:2411.12858).

    M is the share `masked` of the dimensions in which ∂‖ε̂(z_t, t) − ε‖₂/∂z_t is largest, by its absolute value. z_M is
    the clean z with ε in place of its own values at M. One draw of noise serves all timesteps. The source feeds ten
    timesteps to a classifier and states no side; at early ones members can be higher: docs/attacks.md.
    Two queries, and one backward pass, for each timestep.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"gradients"})
    microbatch: ClassVar[int | None] = 32

    masked: Share = 0.2

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        epsilon = noise.draw(0, z)
        for t in self.timesteps:
            _, gradient = error_and_gradient(target, target.schedule.diffuse(z, epsilon, t), t, epsilon)
            mask = mask_of_largest(gradient.abs(), self.masked)
            predicted = target.predict_noise(torch.where(mask > 0, epsilon, z), t)
            error = torch.linalg.vector_norm((mask * (epsilon - z - predicted)).flatten(1), dim=1)
            yield Statistic(t, {"masked": self.masked}, 2, error)
