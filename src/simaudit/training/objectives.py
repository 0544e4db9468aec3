"""What training minimises."""

import torch

from simaudit.schedule import NoiseSchedule


def noise_prediction(model: torch.nn.Module, schedule: NoiseSchedule, x: torch.Tensor) -> torch.Tensor:
    """Mean of (ε − ε̂(√ᾱ_t x + σ_t ε, t))² over a batch x (B, …), with t uniform and one ε per sample.

    The simplified objective of DDPM (Ho, Jain & Abbeel 2020, arXiv:2006.11239, Eq. 14).
    """
    t = torch.randint(len(schedule), (len(x),), device=x.device)
    noise = torch.randn_like(x)
    return torch.nn.functional.mse_loss(model(schedule.diffuse(x, noise, t), t).sample, noise)
