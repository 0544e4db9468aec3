"""Pixel-space diffusion: a diffusers UNet2DModel under a DDPM schedule."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from simaudit.targets import Control, Target, TrainedFamily, state_folder

if TYPE_CHECKING:
    import numpy as np
    import torch
    from diffusers import UNet2DModel

    from simaudit.data.split import Split
    from simaudit.diffusion.schedule import NoiseSchedule


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

    def train(
        self, images: "np.ndarray", split: "Split", checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        from diffusers import DDPMPipeline, DDPMScheduler

        from simaudit.machine.devices import resolve_device
        from simaudit.training.denoiser import DenoiserRun

        device = resolve_device(self.training.device)
        scheduler = DDPMScheduler(**self.schedule.model_dump())
        unet = self.unet.build(images.shape[1:], self.training.seed)
        run = DenoiserRun(self.training, checkpoints, identity)
        losses = run.train(unet.to(device), scheduler, images, split.member_ids)
        for epoch in run.load_each(unet.cpu()):
            DDPMPipeline(unet, scheduler).save_pretrained(state_folder(output, epoch))
        return {"loss_per_epoch": losses, "parameters": unet.num_parameters()}

    @staticmethod
    def load(directory: Path, device: "torch.device") -> Target:
        from diffusers import DDPMScheduler, UNet2DModel

        from simaudit.diffusion.schedule import NoiseSchedule

        unet = UNet2DModel.from_pretrained(
            directory / "unet", use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
        )
        scheduler = DDPMScheduler.from_pretrained(directory / "scheduler", local_files_only=True)
        return DDPMTarget(
            unet.eval().requires_grad_(False).to(device), NoiseSchedule.of(scheduler).to(device)
        )


class DDPMTarget:
    """A pixel-space denoiser as attacks see it: `encode` is the identity."""

    def __init__(self, unet: "UNet2DModel", schedule: "NoiseSchedule") -> None:
        self._unet, self.schedule = unet, schedule

    def encode(self, images: "torch.Tensor") -> "torch.Tensor":
        return images

    def decode(self, z: "torch.Tensor") -> "torch.Tensor":
        return z

    def predict_noise(self, z: "torch.Tensor", timestep: int) -> "torch.Tensor":
        prediction: torch.Tensor = self._unet(z, timestep, return_dict=False)[0]
        return prediction
