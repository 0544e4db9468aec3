"""The forward process of diffusion and its deterministic steps; no other module repeats this algebra.

Notation as in Song, Meng & Ermon (DDIM, arXiv:2010.02502): ᾱ_t = ∏_{s≤t} (1 − β_s), σ_t = √(1 − ᾱ_t); t is the 0-based
index into the training schedule, an int or a (B,) integer tensor of one timestep per sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

Timestep: TypeAlias = "int | torch.Tensor"


@dataclass(frozen=True)
class NoiseSchedule:
    """A noise schedule: ᾱ_t for t = 0, …, T − 1 as a float64 tensor (T,)."""

    alpha_bar: torch.Tensor

    @classmethod
    def of(cls, scheduler: Any) -> NoiseSchedule:
        """Return the schedule of a diffusers scheduler, from its β_t, accumulated in double precision."""
        return cls((1 - scheduler.betas.double()).cumprod(0))

    def __len__(self) -> int:
        return len(self.alpha_bar)

    def to(self, device: torch.device) -> NoiseSchedule:
        """Return the same schedule with its table on `device` (in single precision on MPS, which has no double)."""
        return NoiseSchedule(
            self.alpha_bar.to(device, torch.float32 if device.type == "mps" else torch.float64)
        )

    def signal(self, t: Timestep, like: torch.Tensor) -> torch.Tensor:
        """Return √ᾱ_t, broadcastable over `like` (B, …) and of its dtype."""
        return self._broadcast(self.alpha_bar[t].sqrt(), like)

    def sigma(self, t: Timestep, like: torch.Tensor) -> torch.Tensor:
        """Return σ_t = √(1 − ᾱ_t), broadcastable over `like` (B, …) and of its dtype."""
        return self._broadcast((1 - self.alpha_bar[t]).sqrt(), like)

    def log_snr(self, t: int) -> float:
        """Return log(ᾱ_t/(1 − ᾱ_t)): the timestep in a unit that schedules share (Kingma et al., arXiv:2107.00630)."""
        return float(self.alpha_bar[t].logit())

    def diffuse(self, x0: torch.Tensor, noise: torch.Tensor, t: Timestep) -> torch.Tensor:
        """Return x_t = √ᾱ_t x₀ + σ_t ε (Ho et al. 2020, arXiv:2006.11239, Eq. 4)."""
        return self.signal(t, x0) * x0 + self.sigma(t, x0) * noise

    def predict_x0(self, z: torch.Tensor, noise: torch.Tensor, t: Timestep) -> torch.Tensor:
        """Return the clean sample that `diffuse` would carry to z with this noise: (z − σ_t ε)/√ᾱ_t."""
        return (z - self.sigma(t, z) * noise) / self.signal(t, z)

    def ddim_step(self, z: torch.Tensor, noise: torch.Tensor, t: Timestep, s: Timestep) -> torch.Tensor:
        """Take a deterministic DDIM step from t to s, forward or back (arXiv:2010.02502, Eq. 12 with σ = 0)."""
        return self.diffuse(self.predict_x0(z, noise, t), noise, s)

    @staticmethod
    def _broadcast(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return (
            value.to(like.dtype).reshape(-1, *(1,) * (like.dim() - 1))
            if value.dim()
            else value.to(like.dtype)
        )
