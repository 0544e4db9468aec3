"""The optimal denoiser of a finite training set, in closed form: exact, untrained, the ceiling of the theory."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from simaudit.targets import Control, Target, TargetFamily
from simaudit.training.knobs import Schedule

if TYPE_CHECKING:
    import numpy as np
    import torch

    from simaudit.data.split import Split
    from simaudit.diffusion.schedule import NoiseSchedule

MEMBERS = "members.safetensors"
BLOCK = 4096  # members at a time: what bounds the memory of a query


class Optimal(TargetFamily):
    """ε̂*(z, t) = (z − √ᾱ_t μ_t(z))/σ_t, μ_t the posterior mean over the members: the minimiser of the DDPM objective.

    The "ideal denoiser" of Karras et al. 2022 (arXiv:2206.00364, App. B.3). A network that remembers everything comes
    to this, so attacks can hardly be expected to find more. The directory holds the members' images themselves.
    """

    kind: Literal["optimal"]
    schedule: Schedule = Schedule()

    files: ClassVar[tuple[str, ...]] = ("scheduler/scheduler_config.json", MEMBERS)

    @property
    def timesteps(self) -> int:
        return self.schedule.num_train_timesteps

    @property
    def control(self) -> Control:
        return "optimal"

    def train(
        self, images: "np.ndarray", split: "Split", checkpoints: Path, identity: str, output: Path
    ) -> dict[str, Any]:
        import torch
        from diffusers import DDPMScheduler
        from safetensors.torch import save_file

        DDPMScheduler(**self.schedule.model_dump()).save_pretrained(output / "scheduler")
        save_file({"images": torch.from_numpy(images[split.member_ids])}, output / MEMBERS)
        return {}

    @staticmethod
    def load(directory: Path, device: "torch.device") -> Target:
        from diffusers import DDPMScheduler
        from safetensors.torch import load_file

        from simaudit.diffusion.schedule import NoiseSchedule

        scheduler = DDPMScheduler.from_pretrained(directory / "scheduler", local_files_only=True)
        members = load_file(directory / MEMBERS)["images"]
        return OptimalTarget(members.to(device), NoiseSchedule.of(scheduler).to(device))


class OptimalTarget:
    """The closed form over `members` (M, C, H, W), in double precision where the device has it."""

    def __init__(self, members: "torch.Tensor", schedule: "NoiseSchedule") -> None:
        self._members, self.schedule = members.flatten(1), schedule

    def encode(self, images: "torch.Tensor") -> "torch.Tensor":
        return images

    def decode(self, z: "torch.Tensor") -> "torch.Tensor":
        return z

    def predict_noise(self, z: "torch.Tensor", timestep: int) -> "torch.Tensor":
        """μ_t(z) = Σ wᵢ x⁽ⁱ⁾ with w = softmax_i(−‖z − √ᾱ_t x⁽ⁱ⁾‖²/2σ_t²), in blocks of members, never exponentiating
        anything positive: each block's sums are scaled to the largest logit so far.
        """
        import torch

        flat = z.flatten(1).to(self.schedule.alpha_bar.dtype)
        signal, sigma = self.schedule.signal(timestep, flat), self.schedule.sigma(timestep, flat)
        largest = torch.full_like(flat[:, :1], -torch.inf)
        total, weighted = torch.zeros_like(largest), torch.zeros_like(flat)
        for first in range(0, len(self._members), BLOCK):
            x = self._members[first : first + BLOCK].to(flat)
            # ‖z‖² is the same for all members and cancels.
            logits = (signal * flat @ x.T - signal**2 * x.square().sum(1) / 2) / sigma**2
            previous, largest = largest, torch.maximum(largest, logits.amax(1, keepdim=True))
            kept, weights = (previous - largest).exp(), (logits - largest).exp()
            total = total * kept + weights.sum(1, keepdim=True)
            weighted = weighted * kept + weights @ x
        noise: torch.Tensor = (flat - signal * weighted / total) / sigma
        return noise.view_as(z).to(z.dtype)
