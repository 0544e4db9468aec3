"""A latent diffusion model as a target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch

from simaudit.data.store import Images
from simaudit.diffusion.schedule import Timestep
from simaudit.storage.array import ArrayWriter
from simaudit.storage.atomic import atomic_path
from simaudit.targets.denoiser import Denoiser

BATCH = 256  # images at a time that `write_latents` encodes


class LatentTarget:
    """A latent denoiser as attacks see it: z = (latents − shift)·scale, which draws nothing, and `decode` undoes it.

    The autoencoder is diffusers' AutoencoderKL or VQModel; its own config says `scaling_factor` and `shift_factor`, and
    no shift is 0. Latents are posterior modes, or, of a VQModel, those before quantisation. A VQModel quantises in
    `decode`, and its derivative is straight-through there: that of the quantised latent by the latent is taken for 1
    (van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937).
    """

    def __init__(self, autoencoder: Any, denoiser: Denoiser) -> None:
        self._autoencoder, self._denoiser, self.schedule = autoencoder, denoiser, denoiser.schedule
        self._scale: float = autoencoder.config.scaling_factor
        self._shift: float = autoencoder.config.get("shift_factor") or 0
        self.offers, self.known_classes = denoiser.offers | {"decoder"}, denoiser.known_classes

    def conditioned(self, labels: torch.Tensor | None) -> LatentTarget:
        return LatentTarget(self._autoencoder, self._denoiser.conditioned(labels))

    @property
    def parameters(self) -> Mapping[str, torch.Tensor]:
        return self._denoiser.parameters

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> LatentTarget:
        return LatentTarget(self._autoencoder, self._denoiser.with_parameters(parameters))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return (latents_of(self._autoencoder, images) - self._shift) * self._scale

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self._autoencoder.decode(z / self._scale + self._shift).sample
        return images

    def predict_noise(self, z: torch.Tensor, timestep: Timestep) -> torch.Tensor:
        return self._denoiser(z, timestep)


def latents_of(autoencoder: Any, images: torch.Tensor) -> torch.Tensor:
    """Return an autoencoder's latents (B, c, h, w) of images (B, C, H, W): the posterior mode where it has one."""
    output = autoencoder.encode(images)
    latents: torch.Tensor = output.latent_dist.mode() if hasattr(output, "latent_dist") else output.latents
    return latents


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
            for means in latents_of(vae, x).cpu().numpy():
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
