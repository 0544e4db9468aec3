"""Drawing images from a target, by which its quality is judged."""

import numpy as np
import torch

from simaudit.diffusion.noise import SampleNoise
from simaudit.machine.progress import Progress
from simaudit.targets.target import Target

LEAST_SIGNAL = 3e-3  # a_t; the linear schedule ends at 6e-3, the cosine at 5e-5


def classes_to_draw(of_members: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the class of each of `count` samples: those of the members (M,), in turn, in an order drawn once.

    So samples have the classes of the members as often as these, however the members are sorted.
    """
    return np.resize(np.random.default_rng(seed).permutation(of_members), count)


@torch.inference_mode()
def draw_samples(
    target: Target,
    like: torch.Tensor,
    count: int,
    steps: int,
    seed: int,
    batch_size: int,
    labels: np.ndarray | None = None,
) -> np.ndarray:
    """Draw images (count, C, H, W) in [-1, 1], from noise by deterministic DDIM in `steps` evenly spaced timesteps.

    `like` is one image (1, C, H, W) on the target's device. `labels` (count,) int64 are the classes that a model of
    classes is asked for; without them it is asked for the empty one. A sample depends on (seed, its number, its class)
    alone. Song, Meng & Ermon, arXiv:2010.02502, Sec. 4.2. The steps do not clip x₀, since a latent has no range;
    instead they start at the last timestep whose signal is large enough that dividing by it does not blow errors up.
    """
    schedule, shape = target.schedule, target.encode(like).shape[1:]
    start = int((schedule.signals >= LEAST_SIGNAL).nonzero()[-1])
    timesteps = np.linspace(start, 0, steps).round().astype(int).tolist()
    samples = []
    with Progress("", count, unit="sample") as progress:
        for first in range(0, count, batch_size):
            ids = np.arange(first, min(first + batch_size, count))
            asked = target if labels is None else target.conditioned(torch.from_numpy(labels[ids]))
            z = SampleNoise(seed, ids).draw(0, like.new_empty((len(ids), *shape)))
            for t, s in zip(timesteps, [*timesteps[1:], None], strict=True):
                noise = asked.predict_noise(z, t)
                z = schedule.predict_x0(z, noise, t) if s is None else schedule.ddim_step(z, noise, t, s)
            samples.append(target.decode(z).clamp(-1, 1).cpu().numpy())
            progress.advance(len(ids))
    return np.concatenate(samples)
