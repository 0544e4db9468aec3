"""The few images of a target that a person looks at: samples beside members, and images beside reconstructions."""

import numpy as np
import torch

from simaudit.data.neighbours import Chosen, nearest
from simaudit.data.split import Split
from simaudit.data.store import Images
from simaudit.targets.target import Target

SHOWN = 8  # images of each kind


@torch.inference_mode()
def gallery(
    target: Target,
    images: Images,
    split: Split,
    samples: np.ndarray,
    reconstruct: bool,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Return the first samples, each with the member that it looks most like, and some reconstructed images.

    `images` is (N, C, H, W), `samples` (S, C, H, W). The keys are `drawn`, `nearest`, their `distance` (n,) and
    `member_id` (n,), n ≤ SHOWN. With `reconstruct` there are also `members` and `heldout`, the first images of each
    side, and `members_reconstructed` and `heldout_reconstructed`, which are decode(encode(x)).
    """
    drawn = samples[:SHOWN]
    distance, index = (column[:, 0] for column in nearest(drawn, Chosen(images, split.member_ids)))
    shown = {
        "drawn": drawn,
        "nearest": images[split.member_ids[index]],
        "member_id": split.member_ids[index],
        "distance": distance.astype(np.float64),
    }
    sides = {"members": split.member_ids, "heldout": split.sample_id[~split.is_member]} if reconstruct else {}
    for side, ids in sides.items():
        original = images[ids[:SHOWN]]
        decoded = target.decode(target.encode(torch.from_numpy(original).to(device)))
        shown |= {side: original, f"{side}_reconstructed": decoded.clamp(-1, 1).cpu().numpy()}
    return shown
