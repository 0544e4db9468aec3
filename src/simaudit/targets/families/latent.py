"""Latent diffusion: a diffusers UNet2DModel in the latent space of a frozen β-VAE."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from simaudit.storage.json import read_json
from simaudit.targets import SUMMARY, Control, Target, TrainedFamily, state_folder
from simaudit.training.discriminator import Adversarial
from simaudit.training.knobs import Fitting, Training
from simaudit.training.levels import Shape
from simaudit.training.vae import VAE, latent_shape
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Knobs

if TYPE_CHECKING:
    import numpy as np
    import torch
    from diffusers import AutoencoderKL, UNet2DModel

    from simaudit.data.split import Split
    from simaudit.diffusion.schedule import NoiseSchedule

FOLDER = "vqvae"  # what diffusers' LDMPipeline calls its autoencoder, whatever it is
UNVERIFIED = "unverified"  # who an autoencoder was trained on
BATCH = 256  # images at a time that are encoded


class Trained(Knobs):
    """An autoencoder trained on the same members: L1 + β · mean KL, and perhaps a discriminator against it."""

    network: VAE
    beta: Annotated[float, Field(ge=0)]
    adversarial: Adversarial | None = None
    training: Fitting


class Pretrained(Knobs):
    """A diffusers AutoencoderKL from a folder, used as it is: a public one, or that of another target."""

    pretrained: str

    @property
    def members(self) -> str:
        """The hash of the members that it was trained on where it is part of a target that knows, else UNVERIFIED."""
        summary = Path(self.pretrained).parent / SUMMARY
        known: str = read_json(summary)["autoencoder"]["members"] if summary.exists() else UNVERIFIED
        return known

    def load(self, split: "Split") -> "AutoencoderKL":
        """Raises SimauditError when there is no such autoencoder, or its members are known not to be the split's."""
        from diffusers import AutoencoderKL

        if self.members not in (split.member_hash, UNVERIFIED):
            raise SimauditError(
                f"autoencoder.pretrained: {self.pretrained}: was trained on other members than those of {split.path}; "
                "use one of the same split"
            )
        try:
            return AutoencoderKL.from_pretrained(
                self.pretrained, use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise SimauditError(
                f"autoencoder.pretrained: {self.pretrained}: not a folder that diffusers' AutoencoderKL loads "
                f"({' '.join(str(error).split())[:200]})"
            ) from None


def _which(value: Any) -> str:
    has = "pretrained" in value if isinstance(value, dict) else isinstance(value, Pretrained)
    return "pretrained" if has else "trained"


Autoencoder = Annotated[
    Annotated[Trained, Tag("trained")] | Annotated[Pretrained, Tag("pretrained")], Discriminator(_which)
]


class Latent(TrainedFamily):
    """A latent diffusion model (Rombach et al. 2022, arXiv:2112.10752).

    Latents are posterior means, scaled to unit variance over the members; the scale is the autoencoder's own
    `scaling_factor`. The denoiser is trained on members only, and so is an autoencoder that is trained here.
    """

    kind: Literal["latent"]
    autoencoder: Autoencoder

    is_latent: ClassVar[bool] = True
    files: ClassVar[tuple[str, ...]] = (
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        f"{FOLDER}/config.json",
        f"{FOLDER}/diffusion_pytorch_model.safetensors",
    )

    @property
    def control(self) -> Control | None:
        learned = isinstance(self.autoencoder, Pretrained) or self.autoencoder.training.epochs
        return None if learned or self.training.epochs else "untrained"

    @property
    def given(self) -> Path | None:
        return Path(self.autoencoder.pretrained) if isinstance(self.autoencoder, Pretrained) else None

    @property
    def arm(self) -> dict[str, Any] | None:
        if isinstance(self.autoencoder, Pretrained):
            return None
        return {"beta": self.autoencoder.beta, "adversarial": self.autoencoder.adversarial is not None}

    def train(
        self, images: "np.ndarray", split: "Split", checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        import numpy as np
        from diffusers import DDPMScheduler, LDMPipeline

        from simaudit.diffusion.schedule import NoiseSchedule
        from simaudit.machine.devices import resolve_device
        from simaudit.training.denoiser import DenoiserRun

        device = resolve_device(self.training.device)
        vae, latent_shape = self._autoencoder(images.shape[1:], split)
        unet = self.unet.build(latent_shape, self.training.seed, of="latents").to(device)
        facts = self._train_autoencoder(vae.to(device), images, split, checkpoints, identity)
        vae.requires_grad_(False)
        latents = encode_means(vae, images[split.member_ids])
        vae.register_to_config(scaling_factor=1 / float(latents.std()))
        scheduler = DDPMScheduler(**self.schedule.model_dump())
        target = LatentTarget(vae, unet, NoiseSchedule.of(scheduler).to(device))
        run = DenoiserRun(self.training, checkpoints, identity)
        if self.training.horizontal_flip:  # a mirrored image has other latents than its latents mirrored
            losses = run.train(unet, scheduler, images, split.member_ids, encode=target.encode)
        else:
            scaled = latents * np.float32(vae.config.scaling_factor)
            losses = run.train(unet, scheduler, scaled, np.arange(len(scaled)))
        vae.cpu()
        for epoch in run.load_each(unet.cpu()):
            LDMPipeline(vae, unet, scheduler).save_pretrained(state_folder(output, epoch))
        return {"loss_per_epoch": losses, "parameters": unet.num_parameters(), "autoencoder": facts}

    def _autoencoder(self, shape: Shape, split: "Split") -> tuple["AutoencoderKL", Shape]:
        """The autoencoder before any training here, and the shape of its latents.

        Raises SimauditError when it does not fit the images, or was trained on other members than the split's.
        """
        if isinstance(self.autoencoder, Pretrained):
            vae = self.autoencoder.load(split)
            network = vae.config
            if network.in_channels != shape[0]:
                raise SimauditError(
                    f"autoencoder.pretrained: {self.autoencoder.pretrained}: is for {network.in_channels} channels, "
                    f"and the images have {shape[0]}; choose another"
                )
            return vae, latent_shape(network.latent_channels, network.block_out_channels, shape)
        if self.autoencoder.adversarial:
            self.autoencoder.adversarial.require_sides(shape)
        network = self.autoencoder.network
        latent = latent_shape(network.latent_channels, network.block_out_channels, shape)
        return network.build(shape, self.training.seed), latent

    def _train_autoencoder(
        self, vae: "AutoencoderKL", images: "np.ndarray", split: "Split", checkpoints: Path, identity: str
    ) -> dict[str, Any]:
        """What training.json says of the autoencoder."""
        from simaudit.training.autoencoder import train_autoencoder

        if isinstance(self.autoencoder, Pretrained):
            return {"members": self.autoencoder.members}
        knobs = Training(**self.autoencoder.training.model_dump(), seed=self.training.seed)
        losses = train_autoencoder(
            vae,
            self.autoencoder.beta,
            self.autoencoder.adversarial,
            images,
            split.member_ids,
            knobs,
            checkpoints,
            identity,
        )
        return {
            "loss_per_epoch": losses,
            "parameters": vae.num_parameters(),
            "members": split.member_hash,
        }

    @staticmethod
    def load(directory: Path, device: "torch.device") -> Target:
        from diffusers import AutoencoderKL, DDPMScheduler, UNet2DModel

        from simaudit.diffusion.schedule import NoiseSchedule

        vae, unet = (
            network.from_pretrained(
                directory / folder, use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
            )
            .eval()
            .requires_grad_(False)
            .to(device)
            for network, folder in ((AutoencoderKL, FOLDER), (UNet2DModel, "unet"))
        )
        scheduler = DDPMScheduler.from_pretrained(directory / "scheduler", local_files_only=True)
        return LatentTarget(vae, unet, NoiseSchedule.of(scheduler).to(device))


class LatentTarget:
    """A latent denoiser as attacks see it: `encode` is the scaled posterior mean, and draws nothing."""

    def __init__(self, vae: "AutoencoderKL", unet: "UNet2DModel", schedule: "NoiseSchedule") -> None:
        self._vae, self._unet, self.schedule = vae, unet, schedule

    def encode(self, images: "torch.Tensor") -> "torch.Tensor":
        z: torch.Tensor = self._vae.encode(images).latent_dist.mode() * self._vae.config.scaling_factor
        return z

    def decode(self, z: "torch.Tensor") -> "torch.Tensor":
        images: torch.Tensor = self._vae.decode(z / self._vae.config.scaling_factor).sample
        return images

    def predict_noise(self, z: "torch.Tensor", timestep: int) -> "torch.Tensor":
        prediction: torch.Tensor = self._unet(z, timestep, return_dict=False)[0]
        return prediction


def encode_means(vae: "AutoencoderKL", images: "np.ndarray") -> "np.ndarray":
    """Posterior means, unscaled, of images (N, C, H, W): (N, c, h, w) float32."""
    import numpy as np
    import torch

    means = []
    with torch.inference_mode():
        for first in range(0, len(images), BATCH):
            batch = torch.from_numpy(images[first : first + BATCH]).to(vae.device)
            means.append(vae.encode(batch).latent_dist.mode().cpu().numpy())
    return np.concatenate(means)
