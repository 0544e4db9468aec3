"""A pixel-space diffusion model as a target."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from simaudit.diffusion.schedule import Timestep
from simaudit.targets.denoiser import Denoiser


class PixelTarget:
    """A pixel-space denoiser as attacks see it: `encode` is the identity."""

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser, self.schedule, self.offers = denoiser, denoiser.schedule, denoiser.offers
        self.known_classes = denoiser.known_classes

    def conditioned(self, labels: torch.Tensor | None) -> PixelTarget:
        return PixelTarget(self._denoiser.conditioned(labels))

    @property
    def parameters(self) -> Mapping[str, torch.Tensor]:
        return self._denoiser.parameters

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> PixelTarget:
        return PixelTarget(self._denoiser.with_parameters(parameters))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z

    def predict_noise(self, z: torch.Tensor, timestep: Timestep) -> torch.Tensor:
        return self._denoiser(z, timestep)
