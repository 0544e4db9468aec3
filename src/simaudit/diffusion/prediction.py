"""What a network was trained to predict, turned into the noise ε̂: the only place that does so."""

from __future__ import annotations

from typing import Literal

import torch

from simaudit.diffusion.schedule import NoiseSchedule, Timestep

Prediction = Literal["epsilon", "sample", "v_prediction", "flow_velocity"]
"""The noise ε, the clean sample x, v = a_t ε − s_t x (Salimans & Ho 2022, arXiv:2202.00512), or the velocity
u = ε − x of flow matching (Lipman et al. 2023, arXiv:2210.02747). The first three are diffusers' names."""


def noise_of(
    prediction: Prediction, output: torch.Tensor, z: torch.Tensor, schedule: NoiseSchedule, t: Timestep
) -> torch.Tensor:
    """Return ε̂ from what a network answered at z_t = a_t x + s_t ε; all are (B, C, …).

    Channels beyond those of z are learned variances (Nichol & Dhariwal 2021, arXiv:2102.09672), which are left out.
    """
    answer = output[:, : z.shape[1]]
    if prediction == "epsilon":
        return answer
    a, s = schedule.signal(t, z), schedule.sigma(t, z)
    if prediction == "sample":
        return (z - a * answer) / s
    if prediction == "v_prediction":
        return (a * answer + s * z) / (a**2 + s**2)
    return (z + a * answer) / (a + s)
