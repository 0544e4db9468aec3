"""Training a denoiser: on images, or on their latents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.training.knobs import Training
from simaudit.training.loop import Player, snapshot_path, train

CHECKPOINT = "denoiser.pt"


def noise_prediction(model: torch.nn.Module, schedule: NoiseSchedule, x: torch.Tensor) -> torch.Tensor:
    """Mean of (ε − ε̂(√ᾱ_t x + σ_t ε, t))² over a batch x (B, …), with t uniform and one ε per sample.

    The simplified objective of DDPM (Ho, Jain & Abbeel 2020, arXiv:2006.11239, Eq. 14).
    """
    t = torch.randint(len(schedule), (len(x),), device=x.device)
    noise = torch.randn_like(x)
    return torch.nn.functional.mse_loss(model(schedule.diffuse(x, noise, t), t).sample, noise)


@dataclass(frozen=True)
class DenoiserRun:
    """How a denoiser is trained: progress is kept in the folder `checkpoints`, see `simaudit.training.loop.train`."""

    knobs: Training
    checkpoints: Path
    identity: str

    def train(
        self,
        model: torch.nn.Module,
        scheduler: Any,
        samples: np.ndarray,
        ids: np.ndarray,
        encode: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
    ) -> list[float]:
        """Train under a diffusers scheduler on `encode` of samples[ids] (…, C, H, W); each epoch's mean loss."""
        schedule = NoiseSchedule.of(scheduler).to(next(model.parameters()).device)
        player = Player(model, lambda x, step: noise_prediction(model, schedule, encode(x)))
        return train([player], samples, ids, self.knobs, self.checkpoints / CHECKPOINT, self.identity)

    def states(self, model: torch.nn.Module) -> Iterator[int | None]:
        """Each kept epoch, and None for the end, while `model` holds the weights that belong there."""
        final = {name: weights.clone() for name, weights in model.state_dict().items()}
        for epoch in self.knobs.intermediate_epochs:
            kept = snapshot_path(self.checkpoints / CHECKPOINT, epoch)
            model.load_state_dict(torch.load(kept, map_location="cpu", weights_only=True))
            yield epoch
        model.load_state_dict(final)
        yield None
