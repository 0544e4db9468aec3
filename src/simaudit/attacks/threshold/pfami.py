"""PFAMI: a member's loss is lower than that of images a little beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import torch
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.bounds import Queries, Share


class PFAMI(TimestepAttack):
    """L(x) − mean_λ L(crop_λ x), low for members (Fu et al. 2023, arXiv:2308.12143); signed, and the sign is kept.

    L is the mean over `timesteps` of the mean squared error of ε̂ at one draw of noise, the same for the image and its
    crops. crop_λ is the centre of λ times the sides, resized back bilinearly, with λ evenly from `largest_crop` to
    `smallest_crop`. One statistic from all timesteps; (crops + 1) queries for each of them.
    """

    crops: Queries = 10
    largest_crop: Share = 0.95
    smallest_crop: Share = 0.70

    @model_validator(mode="after")
    def _crops_shrink(self) -> Self:
        if self.smallest_crop > self.largest_crop:
            raise PydanticCustomError(
                "crops",
                "smallest_crop must be at most largest_crop ({largest})",
                {"largest": self.largest_crop},
            )
        return self

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        sides = torch.linspace(self.largest_crop, self.smallest_crop, self.crops).tolist()
        losses = [
            self._loss(target, target.encode(view), noise)
            for view in (images, *(centre_crop(images, side) for side in sides))
        ]
        queries = len(losses) * len(self.timesteps)
        yield Statistic(None, {"crops": self.crops}, queries, losses[0] - torch.stack(losses[1:]).mean(0))

    def _loss(self, target: Target, z: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        """Return the mean squared error of the predicted noise, averaged over the timesteps, (B,)."""
        epsilon = noise.draw(0, z)
        errors = [
            (epsilon - target.predict_noise(target.schedule.diffuse(z, epsilon, t), t))
            .flatten(1)
            .square()
            .mean(1)
            for t in self.timesteps
        ]
        return torch.stack(errors).mean(0)


def centre_crop(images: torch.Tensor, side: float) -> torch.Tensor:
    """Return the centre of `side` (0 to 1) times height and width of images (B, C, H, W), resized back bilinearly.

    The crop's edge may lie between pixels, so that small images too have as many different crops as large ones.
    """
    transform = torch.tensor([[side, 0, 0], [0, side, 0]], dtype=images.dtype, device=images.device)
    grid = torch.nn.functional.affine_grid(
        transform.expand(len(images), 2, 3), list(images.shape), align_corners=False
    )
    return torch.nn.functional.grid_sample(images, grid, mode="bilinear", align_corners=False)
