"""The models under audit: one file a family, each a thin adapter over a diffusers pipeline."""

import json
import sys
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field, NonNegativeInt, PositiveInt

from simaudit import registry
from simaudit.errors import SimauditError
from simaudit.files import read_json, sha256_bytes, sha256_file
from simaudit.knobs import Device, Knobs, Name, Seed

if TYPE_CHECKING:
    import numpy as np
    import torch

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


class Schedule(Knobs):
    """The forward process, in diffusers' names (DDPMScheduler)."""

    num_train_timesteps: Annotated[int, Field(ge=2, le=32767)] = 1000
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear"
    beta_start: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    beta_end: Annotated[float, Field(gt=0, lt=1)] = 0.02


class Training(Knobs):
    """How a network is trained; every family that trains one shares these. 0 epochs leave it at its initialisation."""

    seed: Seed = 0
    epochs: NonNegativeInt
    batch_size: PositiveInt = 128
    learning_rate: float = Field(gt=0)
    warmup_steps: NonNegativeInt = 0
    gradient_clip: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.9999, ge=0, lt=1)
    horizontal_flip: bool = False
    checkpoint_every: PositiveInt = 500
    device: Device = "auto"
    threads: PositiveInt = 1


class TargetFamily(Knobs):
    """A target's entry in params.yaml. Subclasses set `kind: Literal["<module name>"]`."""

    files: ClassVar[tuple[str, ...]]
    """What `train` saves, relative to the target's directory: the outputs of the family's rule."""

    kind: str
    dataset: Name
    split: Name
    attacks: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Which of the attacks are run on this target; None means all."""

    @property
    @abstractmethod
    def timesteps(self) -> int:
        """T, the length of the training schedule."""

    @property
    def threads(self) -> int:
        """CPU threads that `train` uses."""
        return 1

    @property
    def control(self) -> Control | None:
        """Which control this target is, if any."""
        return None

    @abstractmethod
    def train(
        self, images: "np.ndarray", member_ids: "np.ndarray", checkpoint: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        """Train on the members among `images` (N, C, H, W), save a diffusers directory to `output`.

        `checkpoint` is where progress is kept; one whose `identity` differs is not resumed.
        Returns what training.json shall say of the run, without anything volatile.
        """

    @staticmethod
    @abstractmethod
    def load(directory: Path, device: "torch.device") -> Target:
        """The adapter over a directory that `train` saved."""


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
