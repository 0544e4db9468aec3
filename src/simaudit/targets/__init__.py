"""The models under audit: one file a family, each a thin adapter over a diffusers pipeline."""

import json
import sys
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from simaudit import registry
from simaudit.errors import SimauditError
from simaudit.files import read_json, sha256_bytes, sha256_file
from simaudit.knobs import Device, Epochs, Knobs, Name, Seed
from simaudit.networks import UNet

if TYPE_CHECKING:
    import numpy as np
    import torch

    from simaudit.data.split import Split
    from simaudit.schedule import NoiseSchedule

SUMMARY = "training.json"  # what a target says of itself, beside the diffusers files

Control = Literal["untrained", "optimal"]
"""A target whose leak is known beforehand: a network that saw no data has none, the closed form all there can be."""


class Target(Protocol):
    """All that an attack may see of a model. Tensors are float32 on the target's device."""

    schedule: "NoiseSchedule"

    def encode(self, images: "torch.Tensor") -> "torch.Tensor":
        """Images (B, C, H, W) in [-1, 1] → z, the space in which the model diffuses."""

    def predict_noise(self, z: "torch.Tensor", timestep: int) -> "torch.Tensor":
        """ε̂(z, t), shaped as z. Costs one query a sample."""

    def decode(self, z: "torch.Tensor") -> "torch.Tensor":
        """z → images (B, C, H, W), about in [-1, 1]; differentiable. Undoes `encode` as well as the target can."""


class Schedule(Knobs):
    """The forward process, in diffusers' names (DDPMScheduler)."""

    num_train_timesteps: Annotated[int, Field(ge=2, le=32767)] = 1000
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 0.02

    def noise(self) -> "NoiseSchedule":
        """Its ᾱ_t."""
        from diffusers import DDPMScheduler

        from simaudit.schedule import NoiseSchedule

        return NoiseSchedule.of(DDPMScheduler(**self.model_dump()))


class Fitting(Knobs):
    """How a network's weights are found. 0 epochs leave it at its initialisation."""

    epochs: NonNegativeInt
    batch_size: PositiveInt = 128
    learning_rate: float = Field(gt=0)
    warmup_steps: NonNegativeInt = 0
    gradient_clip: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.9999, ge=0, lt=1)
    horizontal_flip: bool = False
    checkpoint_every: PositiveInt = 500


class Training(Fitting):
    """How a target is trained: its denoiser, and with the same seed, device and threads whatever else it has."""

    seed: Seed = 0
    snapshots: Epochs = ()
    """Epochs after which the denoiser's state is kept, so that leakage can be drawn over training."""
    device: Device = "auto"
    threads: PositiveInt = 1

    @model_validator(mode="after")
    def _snapshots_come_before_the_end(self) -> "Training":
        if self.snapshots and self.snapshots[-1] >= self.epochs:
            raise PydanticCustomError(
                "snapshots",
                "snapshots must be below epochs ({epochs}), whose state is the target itself",
                {"epochs": self.epochs},
            )
        return self


class TargetFamily(Knobs):
    """A target's entry in params.yaml. Subclasses set `kind: Literal["<module name>"]`."""

    files: ClassVar[tuple[str, ...]]
    """What `train` saves, relative to the target's directory: the outputs of the family's rule."""

    kind: str
    dataset: Name
    split: Name
    is_latent: ClassVar[bool] = False
    """Whether the target diffuses in the latent space of an autoencoder."""

    attacks: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Which of the attacks are run on this target; None means all that can be."""

    figures: tuple[Name, ...] | None = None
    """Which of the figures of one target are drawn of this one; None means all that can be."""

    @property
    @abstractmethod
    def timesteps(self) -> int:
        """T, the length of the training schedule."""

    @property
    def threads(self) -> int:
        """CPU threads that `train` uses."""
        return 1

    @property
    def device(self) -> Device:
        """Where `train` runs."""
        return "cpu"

    @property
    def control(self) -> Control | None:
        """Which control this target is, if any."""
        return None

    @property
    def given(self) -> Path | None:
        """A folder that `train` reads and no job of the run makes, if any."""
        return None

    @property
    def arm(self) -> dict[str, Any] | None:
        """Where its autoencoder stands in a sweep of autoencoders: `beta`, and whether it is `adversarial`; if any."""
        return None

    @abstractmethod
    def train(
        self, images: "np.ndarray", split: "Split", checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        """Train on the split's members among `images` (N, C, H, W), save a diffusers directory to `output`.

        `checkpoints` is the folder where progress is kept; a checkpoint whose `identity` differs is not resumed.
        Returns what training.json shall say of the run, without anything volatile.
        """

    @staticmethod
    @abstractmethod
    def load(directory: Path, device: "torch.device") -> Target:
        """The adapter over a directory that `train` saved."""


class TrainedFamily(TargetFamily):
    """A target whose denoiser is a network that is trained here."""

    unet: UNet
    schedule: Schedule = Schedule()
    training: Training
    snapshot_attacks: tuple[Name, ...] = ()
    """Which attacks are run on the states that `training.snapshots` keeps."""

    @property
    def timesteps(self) -> int:
        return self.schedule.num_train_timesteps

    @property
    def threads(self) -> int:
        return self.training.threads

    @property
    def device(self) -> Device:
        return self.training.device


def snapshot_folder(directory: Path, epoch: int) -> Path:
    """Where a target keeps its state after that many epochs: a diffusers directory like its own."""
    return directory / "epochs" / str(epoch)


def families() -> dict[str, type[TargetFamily]]:
    """Every target family by the name that `kind` selects."""
    package = sys.modules[__name__]
    return {name: registry.implementation(package, name, TargetFamily) for name in registry.names(package)}


def file_hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of every file of a target by its relative path, its summary apart."""
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != SUMMARY)
    return {path.relative_to(directory).as_posix(): sha256_file(path) for path in files}


def read_summary(directory: Path) -> dict[str, Any]:
    """A target's training.json, after its files were held against the hashes in it.

    Raises SimauditError naming the first file that is missing or was changed after training.
    """
    summary = read_json(directory / SUMMARY)
    found = file_hashes(directory)
    for name, expected in summary["files"].items():
        if found.get(name) != expected:
            state = "changed since training" if name in found else "missing"
            raise SimauditError(f"{directory / name}: {state} (sha256 in {SUMMARY}); train the target again")
    return summary


def target_hash(summary: dict[str, Any]) -> str:
    """The identity of a trained target: SHA-256 over its files' hashes."""
    return sha256_bytes(json.dumps(summary["files"], sort_keys=True).encode())
