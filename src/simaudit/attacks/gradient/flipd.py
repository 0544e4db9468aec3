"""FLIPD: the dimension of the data around a sample, as the denoiser knows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.attacks.gradient._derivatives import leaf, recording
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Queries


class FLIPD(TimestepAttack):
    """D − s tr(∂ε̂/∂z) + ‖ε̂‖₂² at z = a_t x, low for members (Kamkari et al. 2024, arXiv:2406.03537).

    D is how many numbers z has, and the value estimates the local dimension of the data: 0 at a point that the model
    knows by heart, d on a d-dimensional surface, as s goes to 0.

    Why: let ϱ_r be the density of the data with normal noise of size r. Around a point of a d-dimensional surface, ϱ_r
    is proportional to r^(d − D), so d = D + ∂ log ϱ_r/∂ log r. By the heat equation that is
    D + r²(tr ∇² log ϱ_r + ‖∇ log ϱ_r‖²). The model knows p_t, the density of z = a x + s ε, and p_t(z) = ϱ_r(z/a)/a^D
    with r = s/a. A derivative by z is that by x over a, so r²(…) at x equals s²(tr ∇S + ‖S‖²) at z = a x, of the score
    S = ∇ log p_t: no factor of a is left. S = −ε̂/s gives the formula. z has no noise: averaged over noised z, the value
    is D for any data.

    The trace is the mean of vᵀ(∂ε̂/∂z)v over `probes` v of random signs, those of the sample's own draws (Hutchinson
    1989). One query, and `probes` backward passes, for each timestep.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"gradients"})
    microbatch: ClassVar[int | None] = 32

    probes: Queries = 8

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        z = target.encode(images)
        for t in self.timesteps:
            with recording():
                point = leaf(target.schedule.signal(t, z) * z)
                predicted = target.predict_noise(point, t)
                products = []
                for k in range(self.probes):
                    v = noise.draw(k, z).sign()
                    (pulled,) = torch.autograd.grad(predicted, point, v, retain_graph=k + 1 < self.probes)
                    products.append((v * pulled).flatten(1).sum(1))
            trace = torch.stack(products).mean(0)
            energy = predicted.detach().flatten(1).square().sum(1)
            sigma = target.schedule.sigmas[t].to(z.dtype)
            yield Statistic(t, {"probes": self.probes}, 1, z[0].numel() - sigma * trace + energy)
