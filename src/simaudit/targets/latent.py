"""A latent diffusion model as a target."""

from __future__ import annotations

import diffusers
import numpy as np
import torch

from simaudit.data.store import Images
from simaudit.diffusion.schedule import NoiseSchedule

BATCH = 256  # images at a time that `encode_means` encodes


class LatentTarget:
    """A latent denoiser as attacks see it: `encode` is the scaled posterior mean, and draws nothing."""

    def __init__(
        self, vae: diffusers.AutoencoderKL, unet: diffusers.UNet2DModel, schedule: NoiseSchedule
    ) -> None:
        self._vae, self._unet, self.schedule = vae, unet, schedule

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = self._vae.encode(images).latent_dist.mode() * self._vae.config.scaling_factor
        return z

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self._vae.decode(z / self._vae.config.scaling_factor).sample
        return images

    def predict_noise(self, z: torch.Tensor, timestep: int) -> torch.Tensor:
        prediction: torch.Tensor = self._unet(z, timestep, return_dict=False)[0]
        return prediction


def encode_means(vae: diffusers.AutoencoderKL, images: Images, ids: np.ndarray) -> np.ndarray:
    """Return the posterior means, unscaled, of images[ids], (n, C, H, W): (n, c, h, w) float32."""
    means = []
    with torch.inference_mode():
        for first in range(0, len(ids), BATCH):
            batch = torch.from_numpy(images[ids[first : first + BATCH]]).to(vae.device)
            means.append(vae.encode(batch).latent_dist.mode().cpu().numpy())
    return np.concatenate(means)
