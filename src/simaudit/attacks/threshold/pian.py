"""PIAN: PIA with its initial noise rescaled to the size that standard normal noise has."""

from __future__ import annotations

import math

import torch

from simaudit.attacks.threshold.pia import PIA


class PIAN(PIA):
    """PIA with e₀ multiplied, sample by sample, by √(2/π)/mean|e₀| (Kong et al. 2023, arXiv:2305.18355).

    √(2/π) is the mean of |ε| for standard normal ε, taken over all channels and pixels of a sample.
    CDI's code (arXiv:2411.12858) cites the same equation with the fraction inverted, so its e₀ is π/2 times as large.
    """

    def initial_noise(self, prediction: torch.Tensor) -> torch.Tensor:
        size = prediction.abs().mean(dim=tuple(range(1, prediction.dim())), keepdim=True)
        return prediction * (math.sqrt(2 / math.pi) / size)
