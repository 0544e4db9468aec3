"""Low pass: another attack's residual with its high frequencies damped, which tell little of who is a member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field

from simaudit.attacks.wrapping_attack import WrappingAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Most
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.variant import Variant

SMALLEST_SIDE = 4  # pixels: a quarter of a smaller side is no frequency at all


class LowPass(WrappingAttack):
    """The norm of the attack `of`, its residual filtered, low for members (FreMIA, arXiv:2505.20955).

    Frequencies −radius ≤ k < radius in both directions, in periods per side, are kept; all others are multiplied by
    `scale`. The source filters both sides of the difference; the filter is linear, so this is the same, and ε̂ itself
    can be filtered too (`of: sima`). Where the box would keep every frequency, as of images of 10 pixels a side or
    less at the published radius of 5, a quarter of the longer side is taken in its place: a variant names the radius
    that it was really filtered with. As many queries as `of`.
    """

    radius: Annotated[int, Field(gt=0), Most(4096, "a larger box keeps all frequencies of any image")] = 5
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.2

    def change(
        self, target: Target, z: torch.Tensor, noise: SampleNoise
    ) -> tuple[Variant, Callable[[torch.Tensor], torch.Tensor]]:
        height, width = z.shape[-2:]
        radius = used_radius(self.radius, max(height, width))
        kept = _near_zero(height, radius, z)[:, None] & _near_zero(width, radius, z)
        weights = torch.where(kept, 1.0, self.scale)

        def filtered(maps: torch.Tensor) -> torch.Tensor:
            damped: torch.Tensor = torch.fft.ifft2(torch.fft.fft2(maps) * weights).real
            return damped

        return {"radius": radius}, filtered


def used_radius(radius: int, side: int) -> int:
    """Return the radius that maps are filtered with whose longer side this is: one that leaves out some frequencies.

    Raises SimauditError where there is none.
    """
    if side < SMALLEST_SIDE:
        raise SimauditError(
            f"low_pass: a map of at most {side} pixels a side has no high frequencies to damp; leave low_pass out"
        )
    return radius if 2 * radius < side else side // 4


def _near_zero(side: int, radius: int, like: torch.Tensor) -> torch.Tensor:
    """Return which frequencies of a side, in the order of its Fourier transform, lie in the box: (side,) bool."""
    frequency = torch.fft.fftfreq(side, 1 / side, device=like.device)
    near: torch.Tensor = (-radius - 0.5 < frequency) & (frequency < radius - 0.5)
    return near
