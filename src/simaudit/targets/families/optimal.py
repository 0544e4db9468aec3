"""The optimal denoiser of a finite training set, in closed form: exact, untrained, the ceiling of the theory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import safetensors.numpy
import torch

from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.storage.reading import reading
from simaudit.targets.directory import own_schedule
from simaudit.targets.family import Control, TargetFamily
from simaudit.targets.offers import OF_A_CLOSED_FORM
from simaudit.targets.optimal import OptimalTarget
from simaudit.training.knobs import Schedule

MEMBERS = "members.safetensors"


class Optimal(TargetFamily):
    """ε̂*(z, t) = (z − √ᾱ_t μ_t(z))/σ_t, μ_t the posterior mean over the members: the minimiser of the DDPM objective.

    The "ideal denoiser" of Karras et al. 2022 (arXiv:2206.00364, App. B.3). A network that remembers everything comes
    to this, so attacks can hardly be expected to find more. The directory holds the members' images themselves, and
    whoever writes or loads it holds all of them in memory, as float32.
    """

    kind: Literal["optimal"]
    schedule: Schedule = Schedule()

    files: ClassVar[tuple[str, ...]] = ("scheduler/scheduler_config.json", MEMBERS)

    @property
    def offers(self) -> frozenset[str]:
        return OF_A_CLOSED_FORM

    @property
    def timesteps(self) -> int:
        return self.schedule.num_train_timesteps

    @property
    def control(self) -> Control:
        return "optimal"

    def train(
        self, images: Images, split: Split, checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        self.schedule.scheduler().save_pretrained(output / "scheduler")
        safetensors.numpy.save_file({"images": images[split.member_ids]}, output / MEMBERS)
        return {}

    @staticmethod
    def load(directory: Path, device: torch.device) -> OptimalTarget:
        with reading(directory / MEMBERS, "a whole safetensors file"):
            members = torch.from_numpy(safetensors.numpy.load_file(directory / MEMBERS)["images"])
        return OptimalTarget(members.to(device), own_schedule(directory, device))
