"""Drawing images from a target, by which its quality is judged."""

import numpy as np
import torch

from simaudit.diffusion.noise import SampleNoise
from simaudit.machine.progress import Progress
from simaudit.targets.target import Target

LEAST_SIGNAL = 3e-3  # a_t; the linear schedule ends at 6e-3, the cosine at 5e-5


@torch.inference_mode()
def draw_samples(
    target: Target, like: torch.Tensor, count: int, steps: int, seed: int, batch_size: int
) -> np.ndarray:
    """Draw images (count, C, H, W) in [-1, 1], from noise by deterministic DDIM in `steps` evenly spaced timesteps.

    `like` is one image (1, C, H, W) on the target's device. A sample depends on (seed, its number) alone. Song, Meng &
    Ermon, arXiv:2010.02502, Sec. 4.2. The steps do not clip x₀, since a latent has no range; instead they start at the
    last timestep whose signal is large enough that dividing by it does not blow errors up.
    """
    schedule, shape = target.schedule, target.encode(like).shape[1:]
    start = int((schedule.signals >= LEAST_SIGNAL).nonzero()[-1])
    timesteps = np.linspace(start, 0, steps).round().astype(int).tolist()
    samples = []
    with Progress("", count, unit="sample") as progress:
        for first in range(0, count, batch_size):
            ids = np.arange(first, min(first + batch_size, count))
            z = SampleNoise(seed, ids).draw(0, like.new_empty((len(ids), *shape)))
            for t, s in zip(timesteps, [*timesteps[1:], None], strict=True):
                noise = target.predict_noise(z, t)
                z = schedule.predict_x0(z, noise, t) if s is None else schedule.ddim_step(z, noise, t, s)
            samples.append(target.decode(z).clamp(-1, 1).cpu().numpy())
            progress.advance(len(ids))
    return np.concatenate(samples)
