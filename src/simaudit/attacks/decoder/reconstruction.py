"""Reconstruction: the autoencoder alone as a membership test, without any denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch

from simaudit.attacks.attack import Statistic, TargetAttack
from simaudit.diffusion.noise import SampleNoise
from simaudit.targets.target import Target


class Reconstruction(TargetAttack):
    """Mean |x − x̂| and mean (x − x̂)² over pixels, x̂ = decode(encode(x)), low for members.

    An autoencoder that has overfitted its training set leaks whatever the denoiser does (Hilprecht, Härterich &
    Bernau 2019, arXiv:1906.03006). It costs no query of the denoiser.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"decoder"})

    def statistics(self, target: Target, images: torch.Tensor, noise: SampleNoise) -> Iterator[Statistic]:
        residual = (images - target.decode(target.encode(images))).flatten(1)
        yield Statistic(None, {"error": "mean_absolute"}, 0, residual.abs().mean(1))
        yield Statistic(None, {"error": "mean_squared"}, 0, residual.square().mean(1))
