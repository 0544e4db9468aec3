"""The models under audit: one file a family, each a thin adapter over a diffusers pipeline."""

import json
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from simaudit.storage.hashes import sha256_bytes, sha256_file
from simaudit.storage.json import read_json
from simaudit.training.knobs import Schedule, Training
from simaudit.training.unet import UNet
from simaudit.vocabulary import registry
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.knobs import Device, Knobs, Name

if TYPE_CHECKING:
    import numpy as np
    import torch

    from simaudit.data.split import Split
    from simaudit.diffusion.schedule import NoiseSchedule

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


class TargetFamily(Knobs):
    """A target's entry in params.yaml. Subclasses set `kind: Literal["<module name>"]`."""

    files: ClassVar[tuple[str, ...]]
    """What `train` saves, relative to the target's directory: the outputs of the family's rule."""

    kind: str
    split: Name
    is_latent: ClassVar[bool] = False
    """Whether the target diffuses in the latent space of an autoencoder."""

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

    @property
    def timesteps(self) -> int:
        return self.schedule.num_train_timesteps

    @property
    def threads(self) -> int:
        return self.training.threads

    @property
    def device(self) -> Device:
        return self.training.device


def state_folder(directory: Path, epoch: int | None) -> Path:
    """Return the diffusers directory of a target's intermediate checkpoint; for None, that of the target itself."""
    return directory / "epochs" / str(epoch) if epoch else directory


def family_modules() -> dict[str, str]:
    """The module of every target family by the name that `kind` selects."""
    return registry.modules(f"{__name__}.families")


def family_type(kind: str) -> type[TargetFamily]:
    """The family of that name. Raises KeyError when there is none."""
    return registry.implementation(family_modules()[kind], TargetFamily)


def family_types() -> dict[str, type[TargetFamily]]:
    """Every target family by the name that `kind` selects."""
    return {name: family_type(name) for name in family_modules()}


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
