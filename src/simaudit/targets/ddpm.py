"""Pixel-space diffusion: a diffusers UNet2DModel under a DDPM schedule."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from simaudit.errors import SimauditError
from simaudit.knobs import Knobs
from simaudit.targets import Control, Schedule, Target, TargetFamily, Training

if TYPE_CHECKING:
    import numpy as np
    import torch
    from diffusers import UNet2DModel

    from simaudit.schedule import NoiseSchedule


class UNet(Knobs):
    """The network, in diffusers' names (UNet2DModel); one entry a level, from the finest to the coarsest."""

    block_out_channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    down_block_types: tuple[Literal["DownBlock2D", "AttnDownBlock2D"], ...]
    up_block_types: tuple[Literal["UpBlock2D", "AttnUpBlock2D"], ...]
    layers_per_block: PositiveInt = 2
    norm_num_groups: PositiveInt = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _levels_agree(self) -> "UNet":
        levels = len(self.block_out_channels)
        if not len(self.down_block_types) == len(self.up_block_types) == levels:
            raise PydanticCustomError(
                "levels", "down_block_types, up_block_types and block_out_channels must be equally long"
            )
        for channels in self.block_out_channels:
            if channels % self.norm_num_groups:
                raise PydanticCustomError(
                    "groups",
                    "block_out_channels must be multiples of norm_num_groups ({groups})",
                    {"groups": self.norm_num_groups},
                )
        return self


class DDPM(TargetFamily):
    """A denoising diffusion model on pixels (Ho, Jain & Abbeel 2020, arXiv:2006.11239)."""

    kind: Literal["ddpm"]
    unet: UNet
    schedule: Schedule = Schedule()
    training: Training

    files: ClassVar[tuple[str, ...]] = (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    )

    @property
    def timesteps(self) -> int:
        return self.schedule.num_train_timesteps

    @property
    def threads(self) -> int:
        return self.training.threads

    @property
    def control(self) -> Control | None:
        return None if self.training.epochs else "untrained"

    def build(self, image_shape: tuple[int, int, int]) -> "UNet2DModel":
        """The network for images (C, H, W), at its initialisation from the training seed.

        Raises SimauditError when the image's sides cannot be halved once a level.
        """
        import torch
        from diffusers import UNet2DModel

        channels, height, width = image_shape
        factor = 2 ** (len(self.unet.block_out_channels) - 1)
        if height % factor or width % factor:
            raise SimauditError(
                f"unet.block_out_channels: {len(self.unet.block_out_channels)} levels need sides divisible by "
                f"{factor}, and the images are {height}×{width}; use fewer levels"
            )
        torch.manual_seed(self.training.seed)
        return UNet2DModel(
            sample_size=(height, width), in_channels=channels, out_channels=channels, **self.unet.model_dump()
        )

    def train(
        self, images: "np.ndarray", member_ids: "np.ndarray", checkpoint: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        from functools import partial

        from diffusers import DDPMPipeline, DDPMScheduler

        from simaudit.devices import resolve_device
        from simaudit.schedule import NoiseSchedule
        from simaudit.training.loop import train
        from simaudit.training.objectives import noise_prediction

        device = resolve_device(self.training.device)
        scheduler = DDPMScheduler(**self.schedule.model_dump())
        model = self.build(images.shape[1:]).to(device)
        objective = partial(noise_prediction, model, NoiseSchedule.of(scheduler).to(device))
        losses = train(model, objective, images, member_ids, self.training, checkpoint, identity)
        DDPMPipeline(model.cpu(), scheduler).save_pretrained(output)
        return {"loss_per_epoch": losses, "parameters": model.num_parameters()}

    @staticmethod
    def load(directory: Path, device: "torch.device") -> Target:
        from diffusers import DDPMScheduler, UNet2DModel

        from simaudit.schedule import NoiseSchedule

        unet = UNet2DModel.from_pretrained(
            directory / "unet", use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
        )
        scheduler = DDPMScheduler.from_pretrained(directory / "scheduler", local_files_only=True)
        return DDPMTarget(unet.eval().to(device), NoiseSchedule.of(scheduler).to(device))


class DDPMTarget:
    """A pixel-space denoiser as attacks see it: `encode` is the identity."""

    def __init__(self, unet: "UNet2DModel", schedule: "NoiseSchedule") -> None:
        self._unet, self.schedule = unet, schedule

    def encode(self, images: "torch.Tensor") -> "torch.Tensor":
        return images

    def predict_noise(self, z: "torch.Tensor", timestep: int) -> "torch.Tensor":
        prediction: torch.Tensor = self._unet(z, timestep, return_dict=False)[0]
        return prediction
