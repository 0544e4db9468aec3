"""A latent diffusion model as a target."""

from __future__ import annotations

import math
from pathlib import Path

import diffusers
import numpy as np
import torch

from simaudit.data.store import Images
from simaudit.storage.array import ArrayWriter
from simaudit.storage.atomic import atomic_path
from simaudit.targets.denoiser import Denoiser

BATCH = 256  # images at a time that `write_latents` encodes


class LatentTarget:
    """A latent denoiser as attacks see it: `encode` is the scaled posterior mean, and draws nothing."""

    offers = frozenset({"decoder"})

    def __init__(self, vae: diffusers.AutoencoderKL, denoiser: Denoiser) -> None:
        self._vae, self._denoiser, self.schedule = vae, denoiser, denoiser.schedule

    def conditioned(self, labels: torch.Tensor | None) -> LatentTarget:
        return LatentTarget(self._vae, self._denoiser.conditioned(labels))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = self._vae.encode(images).latent_dist.mode() * self._vae.config.scaling_factor
        return z

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self._vae.decode(z / self._vae.config.scaling_factor).sample
        return images

    def predict_noise(self, z: torch.Tensor, timestep: int) -> torch.Tensor:
        return self._denoiser(z, timestep)


def write_latents(
    vae: diffusers.AutoencoderKL, images: Images, ids: np.ndarray, path: Path
) -> tuple[Images, float]:
    """Write the posterior means of images[ids], scaled to unit variance, to a .npy file; return them, and their scale.

    They are (n, c, h, w) float32, read from the file where they are indexed: memory does not grow with their number.
    """
    batches = [slice(first, first + BATCH) for first in range(0, len(ids), BATCH)]
    with torch.inference_mode(), atomic_path(path) as temporary, temporary.open("wb") as stream:
        writer = None
        for batch in batches:
            x = torch.from_numpy(images[ids[batch]]).to(vae.device)
            for means in vae.encode(x).latent_dist.mode().cpu().numpy():
                writer = writer or ArrayWriter(stream, means)
                writer.append(means)
        if writer:
            writer.close()
    latents = np.load(path, mmap_mode="r+")
    mean = sum(latents[batch].sum(dtype=np.float64) for batch in batches) / latents.size
    squares = sum(np.square(latents[batch] - mean, dtype=np.float64).sum() for batch in batches)
    scale = 1 / math.sqrt(squares / latents.size)
    for batch in batches:
        latents[batch] *= np.float32(scale)
    latents.flush()
    return Images.open(path), scale
