"""A pixel-space diffusion model as a target."""

from __future__ import annotations

import diffusers
import torch

from simaudit.diffusion.schedule import NoiseSchedule


class DDPMTarget:
    """A pixel-space denoiser as attacks see it: `encode` is the identity."""

    def __init__(self, unet: diffusers.UNet2DModel, schedule: NoiseSchedule) -> None:
        self._unet, self.schedule = unet, schedule

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z

    def predict_noise(self, z: torch.Tensor, timestep: int) -> torch.Tensor:
        prediction: torch.Tensor = self._unet(z, timestep, return_dict=False)[0]
        return prediction
