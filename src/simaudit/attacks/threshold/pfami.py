"""PFAMI: a member's loss is lower than that of images a little beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, TypeAlias

import torch
from pydantic import Field, PositiveInt

from simaudit.attacks.attack import Statistic, TimestepAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target
from simaudit.vocabulary.variant import Variant

Crops: TypeAlias = "tuple[str, Callable[..., torch.Tensor], Counter[tuple[Any, Any]]]"
"""One kind of crops: its name, what cuts images to a height and a width, and how often each such size occurs."""


class PFAMI(TimestepAttack):
    """L(x) − mean_λ L(crop_λ x), low for members (Fu et al. 2023, arXiv:2308.12143); signed, and the sign is kept.

    L is the mean over `timesteps` of the mean squared error of ε̂ at one draw of noise. crop_λ is the centre of λ times
    the sides, resized back bilinearly, with λ evenly from `largest_crop` to `smallest_crop`. The image and its crops
    share one draw at all timesteps, which has less variance; released code draws anew each time.

    The variant `crop: whole` rounds the sides of crops down to whole pixels, as released code does. It exists where the
    largest crop cuts off at least one pixel of each side (0.95: from 20 pixels on), since few crops of smaller images
    would differ. `crop: fractional` cuts between pixels, and exists always. `start` is the first timestep averaged
    over: where `timesteps` begin with 0, as published, the same without 0 is a second variant, because at 0 there is
    hardly any noise to predict, and an error there outweighs the others.

    One statistic from all timesteps; (1 + different crops) queries for each of them.
    """

    version: ClassVar[int] = 2

    crops: PositiveInt = 10
    largest_crop: Annotated[float, Field(gt=0, lt=1)] = 0.95
    smallest_crop: Annotated[float, Field(gt=0, lt=1)] = 0.70

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        of_image = self._losses(target, images, noise)
        skipped = (0, 1) if self.timesteps[0] == 0 and len(self.timesteps) > 1 else (0,)
        for name, cut, sizes in self._crops(*images.shape[-2:]):
            of_crops = torch.stack(
                [
                    self._losses(target, cut(images, *size), noise) * (times / self.crops)
                    for size, times in sizes.items()
                ]
            )
            fluctuation = of_image - of_crops.sum(0)
            for first in skipped:
                variant: Variant = {"crop": name, "start": self.timesteps[first]}
                queries = (1 + len(sizes)) * (len(self.timesteps) - first)
                yield Statistic(None, variant, queries, fluctuation[first:].mean(0))

    def _crops(self, height: int, width: int) -> Iterator[Crops]:
        """Yield every kind of crops that images of these sides allow."""
        ends = self.largest_crop, self.smallest_crop
        shares = torch.linspace(*ends, self.crops, dtype=torch.float64).tolist()
        shorter = min(height, width)
        if self.largest_crop * shorter <= shorter - 1:
            whole = Counter((max(int(share * height), 1), max(int(share * width), 1)) for share in shares)
            yield "whole", whole_crop, whole
        yield "fractional", fractional_crop, Counter((share * height, share * width) for share in shares)

    def _losses(self, target: Target, view: torch.Tensor, noise: SampleNoise) -> torch.Tensor:
        """Return the mean squared error of the predicted noise at each timestep, (T, B)."""
        z = target.encode(view)
        epsilon = noise.draw(0, z)
        errors = [
            (epsilon - target.predict_noise(target.schedule.diffuse(z, epsilon, t), t))
            .flatten(1)
            .square()
            .mean(1)
            for t in self.timesteps
        ]
        return torch.stack(errors)


def whole_crop(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return the centre `height` × `width` pixels of images (B, C, H, W), resized back bilinearly.

    Where H − height or W − width is odd, the centre is half a pixel nearer to the first row or column, as in the code
    released with SimA (torchvision's `CenterCrop` rounds half of these cases the other way).
    """
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    crop = images[..., top : top + height, left : left + width]
    return torch.nn.functional.interpolate(crop, size=images.shape[-2:], mode="bilinear", align_corners=False)


def fractional_crop(images: torch.Tensor, height: float, width: float) -> torch.Tensor:
    """Return the centre `height` × `width` pixels, whole or not, of images (B, C, H, W), resized back bilinearly.

    So small images too have as many different crops as large ones.
    """
    x, y = width / images.shape[-1], height / images.shape[-2]
    transform = torch.tensor([[x, 0, 0], [0, y, 0]], dtype=images.dtype, device=images.device)
    grid = torch.nn.functional.affine_grid(
        transform.expand(len(images), 2, 3), list(images.shape), align_corners=False
    )
    return torch.nn.functional.grid_sample(images, grid, mode="bilinear", align_corners=False)
