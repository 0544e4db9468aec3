"""Training a denoiser: on images, or on their latents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simaudit.data.store import Images
from simaudit.diffusion.schedule import NoiseSchedule
from simaudit.machine.precision import autocast
from simaudit.storage.reading import reading
from simaudit.training.knobs import Training
from simaudit.training.loop import Trainable, intermediate_path, train

CHECKPOINT = "denoiser.pt"


def noise_prediction(model: torch.nn.Module, schedule: NoiseSchedule, x: torch.Tensor) -> torch.Tensor:
    """Return the mean of (ε − ε̂(√ᾱ_t x + σ_t ε, t))² over a batch x (B, …), with t uniform and one ε per sample.

    The simplified objective of DDPM (Ho, Jain & Abbeel 2020, arXiv:2006.11239, Eq. 14).
    """
    t = torch.randint(len(schedule), (len(x),), device=x.device)
    noise = torch.randn_like(x)
    with autocast(x.device):
        predicted = model(schedule.diffuse(x, noise, t), t).sample
    return torch.nn.functional.mse_loss(predicted.to(x.dtype), noise)


@dataclass(frozen=True)
class DenoiserRun:
    """The training of one denoiser, with its checkpoints in the folder `checkpoints`.

    For `identity` see `simaudit.training.loop.train`.
    """

    knobs: Training
    checkpoints: Path
    identity: str

    def train(
        self,
        model: torch.nn.Module,
        scheduler: Any,
        samples: Images | np.ndarray,
        ids: np.ndarray,
        encode: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
    ) -> list[float]:
        """Train on `encode` of samples[ids] (…, C, H, W) under a diffusers scheduler; return the loss per epoch."""
        schedule = NoiseSchedule.of(scheduler).to(next(model.parameters()).device)
        denoiser = Trainable(model, lambda x, step: noise_prediction(model, schedule, encode(x)))
        checkpoint = self.checkpoints / CHECKPOINT
        return train([denoiser], samples, ids, self.knobs, checkpoint, self.identity)

    def load_each(self, model: torch.nn.Module) -> Iterator[int | None]:
        """Load every intermediate checkpoint into the trained `model` in turn, and yield its epoch.

        At the end `model` has its own weights again, and None is yielded for them.
        """
        final = {name: weights.clone() for name, weights in model.state_dict().items()}
        for epoch in self.knobs.intermediate_epochs:
            path = intermediate_path(self.checkpoints / CHECKPOINT, epoch)
            with reading(path, "a whole checkpoint", f"delete {self.checkpoints}, and train again"):
                model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
            yield epoch
        model.load_state_dict(final)
        yield None
