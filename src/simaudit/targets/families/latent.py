"""Latent diffusion: a diffusers UNet2DModel in the latent space of a frozen β-VAE."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import diffusers
import numpy as np
import torch

from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import set_precision
from simaudit.targets.autoencoder import Autoencoder
from simaudit.targets.denoiser import Denoiser
from simaudit.targets.directory import network_in, own_denoiser
from simaudit.targets.family import Control, TrainedFamily
from simaudit.targets.files import AUTOENCODER, AUTOENCODER_CLASS, state_folder
from simaudit.targets.latent import LatentTarget, write_latents
from simaudit.training import denoiser
from simaudit.training.levels import Shape

LATENTS = "latents.npy"  # beside the checkpoints, with which it is removed


class Latent(TrainedFamily):
    """A latent diffusion model (Rombach et al. 2022, arXiv:2112.10752).

    Latents are posterior means, scaled to unit variance over the members; the scale is the autoencoder's own
    `scaling_factor`. The denoiser is trained on members only, and so is an autoencoder that is trained here.
    """

    kind: Literal["latent"]
    autoencoder: Autoencoder

    files: ClassVar[tuple[str, ...]] = (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        f"{AUTOENCODER}/config.json",
        f"{AUTOENCODER}/diffusion_pytorch_model.safetensors",
    )

    @property
    def offers(self) -> frozenset[str]:
        return super().offers | {"decoder"}

    @property
    def control(self) -> Control | None:
        return None if self.autoencoder.is_learned or self.training.epochs else "untrained"

    @property
    def borrowed(self) -> Path | None:
        return self.autoencoder.borrowed

    @property
    def arm(self) -> dict[str, Any] | None:
        return self.autoencoder.arm

    def require_shape(self, shape: Shape) -> None:
        if latents := self.autoencoder.latents(shape):
            self.unet.require_sides(latents, of="latents")

    def train(
        self, images: Images, split: Split, checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        device, seed = resolve_device(self.training.device), self.training.seed
        set_precision(self.training.precision, device)
        vae, latent_shape = self.autoencoder.build(images.shape[1:], split, seed)
        unet = self.unet.build(latent_shape, seed, of="latents").to(device)
        facts = self.autoencoder.train(vae.to(device), images, split, seed, checkpoints, identity)
        vae.requires_grad_(False)
        latents, scale = write_latents(vae, images, split.member_ids, checkpoints / LATENTS)
        vae.register_to_config(scaling_factor=scale)
        scheduler = self.schedule.scheduler()
        target = LatentTarget(vae, Denoiser(unet, NoiseSchedule.of(scheduler).to(device)))
        run = denoiser.DenoiserRun(self.training, checkpoints, identity)
        if self.training.horizontal_flip:  # a mirrored image has other latents than its latents mirrored
            losses = run.train(unet, scheduler, images, split.member_ids, encode=target.encode)
        else:
            losses = run.train(unet, scheduler, latents, np.arange(len(latents)))
        vae.cpu()
        for epoch in run.load_each(unet.cpu()):
            diffusers.LDMPipeline(vae, unet, scheduler).save_pretrained(state_folder(output, epoch))
        return {"loss_per_epoch": losses, "parameters": unet.num_parameters(), "autoencoder": facts}

    @staticmethod
    def load(directory: Path, device: torch.device) -> LatentTarget:
        vae = network_in(directory / AUTOENCODER, AUTOENCODER_CLASS)
        return LatentTarget(vae.to(device), own_denoiser(directory, device))
