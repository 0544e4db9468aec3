"""Samples that are nearly the same image as a member: a copy that was compressed, brightened or retouched.

Two distances are needed. Two patches of sky are as near to each other as an image is to its own copy, so the root mean
square (RMS) difference of the pixels tells nothing there; but a copy also has the same edges, and another image of the
same sky has other ones. docs/evaluation.md says what is found and what is missed.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.data.neighbours import COMPARED, Indexed, blocks
from simaudit.data.split import Split

SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("member_id", pa.int64()),
        ("distance", pa.float64()),
        ("rms", pa.float64()),
        ("correlation", pa.float64()),
        ("near_duplicate", pa.bool_()),
    ]
)
SHOWN = 36  # pairs that a summary lists; their numbers have two digits
PICTURED = 8  # pairs that can be seen, whether they are near duplicates or not


def mark_near_duplicates(
    nearest: pd.DataFrame, images: Indexed, largest_rms: float, smallest_correlation: float
) -> pd.DataFrame:
    """Return the nearest members of samples with what else SCHEMA has: rms, correlation and near_duplicate.

    `nearest` has the columns sample_id, member_id and distance, see `simaudit.data.neighbours.nearest_members`;
    `images` is (N, C, H, W). `rms` is the RMS difference of the pixels, in their units; `correlation` is that of
    `edge_correlation`. A sample is a near duplicate where both keep their limits.
    """
    rms = nearest.distance / np.sqrt(np.prod(images.shape[1:]))
    correlation = edge_correlation(images, nearest.sample_id.to_numpy(), nearest.member_id.to_numpy())
    is_near = (rms <= largest_rms) & (correlation >= smallest_correlation)
    return nearest.assign(rms=rms, correlation=correlation, near_duplicate=is_near)


def edge_correlation(images: Indexed, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return how far the edges of `images[first]` are those of `images[second]`, (n,) ids each: (n,) in [-1, 1].

    Edges are the differences between pixels that are side by side or one above the other, and the result is the cosine
    of the angle between both images' edges: their correlation, as edges have mean 0 but for the frame of an image. It
    is 1 for a copy; an image without edges has 0 with every image that is no copy of it.
    """
    correlation = np.empty(len(first))
    for rows in blocks(len(first), 2 * int(np.prod(images.shape[1:])), COMPARED):
        pair = images[first[rows]], images[second[rows]]
        products = np.zeros((3, len(pair[0])))
        for axis in 2, 3:
            one, other = (np.diff(image, axis=axis) for image in pair)
            for product, (a, b) in zip(products, ((one, other), (one, one), (other, other)), strict=True):
                product += np.einsum("nchw,nchw->n", a, b, dtype=np.float64)
        scale = np.sqrt(products[1] * products[2])
        is_copy = (pair[0] == pair[1]).all(axis=(1, 2, 3))
        correlation[rows] = np.divide(products[0], scale, out=is_copy.astype(np.float64), where=scale > 0)
    return correlation


def pictured_pairs(marked: pd.DataFrame, images: Indexed, split: Split) -> dict[str, np.ndarray]:
    """Return the held-out samples that look most like a member, near duplicates before the others, and these members.

    The keys are `heldout` and `members`, images (n, C, H, W), and the columns of `marked`, (n,) each, n ≤ PICTURED.
    """
    is_heldout = marked.sample_id.isin(split.sample_id[~split.is_member])
    ascending = {"near_duplicate": False, "rms": True, "sample_id": True}
    pairs = marked[is_heldout].sort_values([*ascending], ascending=[*ascending.values()]).head(PICTURED)
    seen = {"heldout": images[pairs.sample_id.to_numpy()], "members": images[pairs.member_id.to_numpy()]}
    return seen | {name: pairs[name].to_numpy() for name in SCHEMA.names}


def near_duplicates(marked: pd.DataFrame, split: Split) -> dict[str, Any]:
    """Return how many held-out samples of a split are near duplicates of members, and the nearest SHOWN pairs.

    `marked` is as `mark_near_duplicates` returns it. The pairs are numbered from 01, the nearest first.
    """
    is_heldout = marked.sample_id.isin(split.sample_id[~split.is_member])
    found = marked[is_heldout & marked.near_duplicate].sort_values(["rms", "sample_id"])
    shown = found[["sample_id", "member_id", "rms", "correlation"]].head(SHOWN).astype(object)
    pairs = {f"{number:02}": pair for number, pair in enumerate(shown.to_dict("records"), start=1)}
    return {"found": len(found), "heldout": int(is_heldout.sum()), "pairs": pairs}
