"""The forward process of diffusion and its deterministic steps; no other module repeats this algebra.

The process is z_t = a_t x + s_t ε. For the schedules of DDPM, a_t = √ᾱ_t and s_t = σ_t = √(1 − ᾱ_t) with
ᾱ_t = ∏_{s≤t} (1 − β_s), as in Song, Meng & Ermon (DDIM, arXiv:2010.02502). t is the 0-based index into the training
schedule, from the least noise to the most: an int or a (B,) integer tensor of one timestep per sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

Timestep: TypeAlias = "int | torch.Tensor"


@dataclass(frozen=True)
class NoiseSchedule:
    """A noise schedule: a_t (`signals`) and s_t (`sigmas`) for t = 0, …, T − 1 as float64 tensors (T,).

    `times` (T,) is what the network is told at each t, where that is not t itself.
    """

    signals: torch.Tensor
    sigmas: torch.Tensor
    times: torch.Tensor | None = None

    @classmethod
    def of(cls, scheduler: Any) -> NoiseSchedule:
        """Return the schedule of a diffusers scheduler, from its own tables and never from its name.

        Where it has β_t, a_t = √ᾱ_t and s_t = √(1 − ᾱ_t), accumulated in double precision. Otherwise it is one of flow
        matching, a = 1 − s (Lipman et al. 2023, arXiv:2210.02747), which lists s from the noisiest.
        """
        if hasattr(scheduler, "betas"):
            alpha_bar = (1 - scheduler.betas.double()).cumprod(0)
            return cls(alpha_bar.sqrt(), (1 - alpha_bar).sqrt())
        sigmas = scheduler.sigmas.double()
        order = sigmas.argsort()
        return cls(1 - sigmas[order], sigmas[order], scheduler.timesteps.double()[order])

    def __len__(self) -> int:
        return len(self.signals)

    def to(self, device: torch.device) -> NoiseSchedule:
        """Return the same schedule with its tables on `device` (in single precision on MPS, which has no double)."""
        dtype = torch.float32 if device.type == "mps" else torch.float64
        times = None if self.times is None else self.times.to(device, dtype)
        return NoiseSchedule(self.signals.to(device, dtype), self.sigmas.to(device, dtype), times)

    def signal(self, t: Timestep, like: torch.Tensor) -> torch.Tensor:
        """Return a_t, broadcastable over `like` (B, …) and of its dtype."""
        return self._broadcast(self.signals[t], like)

    def sigma(self, t: Timestep, like: torch.Tensor) -> torch.Tensor:
        """Return s_t, broadcastable over `like` (B, …) and of its dtype."""
        return self._broadcast(self.sigmas[t], like)

    def time(self, t: Timestep) -> Timestep:
        """Return what the network is told at t."""
        return t if self.times is None else self.times[t].float()

    def log_snr(self, t: int) -> float:
        """Return log(a_t²/s_t²): the timestep in a unit that schedules share (Kingma et al., arXiv:2107.00630)."""
        return float(2 * (self.signals[t] / self.sigmas[t]).log())

    def diffuse(self, x0: torch.Tensor, noise: torch.Tensor, t: Timestep) -> torch.Tensor:
        """Return z_t = a_t x₀ + s_t ε (Ho et al. 2020, arXiv:2006.11239, Eq. 4)."""
        return self.signal(t, x0) * x0 + self.sigma(t, x0) * noise

    def predict_x0(self, z: torch.Tensor, noise: torch.Tensor, t: Timestep) -> torch.Tensor:
        """Return the clean sample that `diffuse` would carry to z with this noise: (z − s_t ε)/a_t."""
        return (z - self.sigma(t, z) * noise) / self.signal(t, z)

    def ddim_step(self, z: torch.Tensor, noise: torch.Tensor, t: Timestep, s: Timestep) -> torch.Tensor:
        """Take a deterministic DDIM step from t to s, forward or back (arXiv:2010.02502, Eq. 12 with σ = 0)."""
        return self.diffuse(self.predict_x0(z, noise, t), noise, s)

    @staticmethod
    def _broadcast(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        converted = value.to(like.dtype)
        return converted.reshape(-1, *(1,) * (like.dim() - 1)) if value.dim() else converted
