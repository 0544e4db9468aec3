"""SimA by antithetic variates: each noise is used with both signs, so that what is odd in it cancels at once."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from simaudit.attacks.threshold.sima_mc import SimAMC
from simaudit.diffusion.noise import SampleNoise
from simaudit.vocabulary.knobs import Draws


def _require_even(draws: tuple[int, ...]) -> tuple[int, ...]:
    if any(n % 2 for n in draws):
        raise PydanticCustomError("even", "must be even numbers: antithetic draws come in pairs")
    return draws


class SimAAV(SimAMC):
    """`sima_mc` (arXiv:2509.25003) with ε_{2j} = −ε_{2j−1}: antithetic variates (Hammersley & Morton 1956).

    A denoiser's response is nearly odd in the noise, so one pair removes most of what many independent draws only
    average down: for a linear denoiser one pair is exact. n queries, always even; the largest n makes them all.
    """

    draws: Annotated[Draws, AfterValidator(_require_even)] = (2, 4, 10)

    def draw(self, k: int, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        pair, second = divmod(k, 2)
        return -noise.draw(pair, z) if second else noise.draw(pair, z)
