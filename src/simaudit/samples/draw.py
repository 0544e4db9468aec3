"""Drawing images from a target: what its quality is judged by, and what a person looks at."""

import numpy as np
import torch

from simaudit.data.neighbours import nearest
from simaudit.data.split import Split
from simaudit.diffusion.noise import SampleNoise
from simaudit.machine.progress import Progress
from simaudit.targets.target import Target

SHOWN = 8  # images of each kind in a gallery
LEAST_SIGNAL = 1e-5  # ᾱ; the linear schedule ends at 4e-5, the cosine at 2e-9


@torch.inference_mode()
def draw_samples(
    target: Target, like: torch.Tensor, count: int, steps: int, seed: int, batch_size: int
) -> np.ndarray:
    """`count` images (count, C, H, W) in [-1, 1], by deterministic DDIM from noise in `steps` evenly spaced timesteps.

    `like` is one image (1, C, H, W) on the target's device. A sample depends on (seed, its number) alone. Song, Meng &
    Ermon, arXiv:2010.02502, Sec. 4.2. x₀ is not clipped on the way, since a latent has no range; instead the first
    timestep is the last one with a signal that errors are not blown up by.
    """
    schedule, shape = target.schedule, target.encode(like).shape[1:]
    start = int((schedule.alpha_bar >= LEAST_SIGNAL).nonzero()[-1])
    timesteps = np.linspace(start, 0, steps).round().astype(int).tolist()
    samples = []
    with Progress("sampling", count, unit="sample") as progress:
        for first in range(0, count, batch_size):
            ids = np.arange(first, min(first + batch_size, count))
            z = SampleNoise(seed, ids).draw(0, like.new_empty((len(ids), *shape)))
            for t, s in zip(timesteps, [*timesteps[1:], None], strict=True):
                noise = target.predict_noise(z, t)
                z = schedule.predict_x0(z, noise, t) if s is None else schedule.ddim_step(z, noise, t, s)
            samples.append(target.decode(z).clamp(-1, 1).cpu().numpy())
            progress.advance(len(ids))
    return np.concatenate(samples)


@torch.inference_mode()
def gallery(
    target: Target,
    images: np.ndarray,
    split: Split,
    drawn: np.ndarray,
    reconstruct: bool,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """The first drawn images, each with the member that it looks most like, and what an autoencoder makes of others.

    `images` is (N, C, H, W), `drawn` (S, C, H, W). Returns `drawn`, `nearest` and their `distance` (n,), `member_id`
    (n,), n ≤ SHOWN; to `reconstruct`, also `members` and `heldout`, the first of each side, and `…_reconstructed`:
    decode(encode(x)).
    """
    shown = drawn[:SHOWN]
    distance, index = (found[:, 0] for found in nearest(shown, images[split.member_ids]))
    found = {
        "drawn": shown,
        "nearest": images[split.member_ids[index]],
        "member_id": split.member_ids[index],
        "distance": distance.astype(np.float64),
    }
    sides = {"members": split.member_ids, "heldout": split.sample_id[~split.is_member]} if reconstruct else {}
    for side, ids in sides.items():
        original = images[ids[:SHOWN]]
        decoded = target.decode(target.encode(torch.from_numpy(original).to(device)))
        found |= {side: original, f"{side}_reconstructed": decoded.clamp(-1, 1).cpu().numpy()}
    return found
