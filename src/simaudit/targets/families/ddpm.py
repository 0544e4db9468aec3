"""Pixel-space diffusion: a diffusers UNet2DModel under a DDPM schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import diffusers
import torch

from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.machine.devices import resolve_device
from simaudit.machine.precision import set_precision
from simaudit.targets.directory import own_denoiser
from simaudit.targets.family import Control, TrainedFamily
from simaudit.targets.files import state_folder
from simaudit.targets.pixel import PixelTarget
from simaudit.training import denoiser
from simaudit.training.levels import Shape


class DDPM(TrainedFamily):
    """A denoising diffusion model on pixels (Ho, Jain & Abbeel 2020, arXiv:2006.11239)."""

    kind: Literal["ddpm"]
    files: ClassVar[tuple[str, ...]] = (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    )

    @property
    def control(self) -> Control | None:
        return None if self.training.epochs else "untrained"

    def require_shape(self, shape: Shape) -> None:
        self.unet.require_sides(shape)

    def train(
        self, images: Images, split: Split, checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        device = resolve_device(self.training.device)
        set_precision(self.training.precision, device)
        scheduler = self.schedule.scheduler()
        unet = self.unet.build(images.shape[1:], self.training.seed)
        run = denoiser.DenoiserRun(self.training, checkpoints, identity)
        losses = run.train(unet.to(device), scheduler, images, split.member_ids)
        for epoch in run.load_each(unet.cpu()):
            diffusers.DDPMPipeline(unet, scheduler).save_pretrained(state_folder(output, epoch))
        return {"loss_per_epoch": losses, "parameters": unet.num_parameters()}

    @staticmethod
    def load(directory: Path, device: torch.device) -> PixelTarget:
        return PixelTarget(own_denoiser(directory, device))
