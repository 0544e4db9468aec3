"""The optimal denoiser of a finite training set as a target: the closed form, with no network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from simaudit.diffusion.schedule import NoiseSchedule, Timestep
from simaudit.targets.offers import OF_A_CLOSED_FORM

BLOCK = 4096  # members at a time: what bounds the memory of a query


class OptimalTarget:
    """The closed form over `members` (M, C, H, W), in double precision where the device has it.

    ε̂*(z, t) = (z − √ᾱ_t μ_t(z))/σ_t with the posterior mean μ_t over the members (Karras et al. 2022,
    arXiv:2206.00364, App. B.3).
    """

    offers: frozenset[str] = OF_A_CLOSED_FORM
    known_classes: tuple[int, ...] = ()
    parameters: Mapping[str, torch.Tensor] = MappingProxyType({})

    def __init__(self, members: torch.Tensor, schedule: NoiseSchedule) -> None:
        self._members, self.schedule = members.flatten(1), schedule

    def conditioned(self, labels: torch.Tensor | None) -> OptimalTarget:
        return self

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> OptimalTarget:
        return self

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z

    def predict_noise(self, z: torch.Tensor, timestep: Timestep) -> torch.Tensor:
        """Return ε̂*(z, t), shaped as z, with μ_t(z) = Σ wᵢ x⁽ⁱ⁾ and w = softmax_i(−‖z − √ᾱ_t x⁽ⁱ⁾‖²/2σ_t²).

        Members are summed in blocks, never exponentiating anything positive: each block's sums are scaled to the
        largest logit so far.
        """
        flat = z.flatten(1).to(self.schedule.signals.dtype)
        signal, sigma = self.schedule.signal(timestep, flat), self.schedule.sigma(timestep, flat)
        largest = torch.full_like(flat[:, :1], -torch.inf)
        total, weighted = torch.zeros_like(largest), torch.zeros_like(flat)
        for first in range(0, len(self._members), BLOCK):
            x = self._members[first : first + BLOCK].to(flat)
            # ‖z‖² is the same for all members and cancels.
            logits = (signal * flat @ x.T - signal**2 * x.square().sum(1) / 2) / sigma**2
            previous, largest = largest, torch.maximum(largest, logits.amax(1, keepdim=True))
            rescale, weights = (previous - largest).exp(), (logits - largest).exp()
            total = total * rescale + weights.sum(1, keepdim=True)
            weighted = weighted * rescale + weights @ x
        noise: torch.Tensor = (flat - signal * weighted / total) / sigma
        return noise.view_as(z).to(z.dtype)
