"""The nearest member of each image, which a model that copies its training set would show.

Images are read block by block, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from simaudit.data.split import Split

BLOCK_BYTES = 128 * 2**20
"""The bytes of float32 pixels in one block."""
BLOCK_ROWS = 2048
"""The most images in one block of those whose neighbours are looked for."""
COMPARED = 512
"""The most images, or pairs of them, that such a block is compared with at once: a smaller block would have to read all
of them more often, while there is nothing to gain from a larger one here."""
ROUNDING = 2.0**-24
"""The largest relative error of one rounding to float32."""
CAUTION = 8
"""How many standard errors a sum of rounding errors is expected to stay below: it exceeds 8 in 1 of 10¹³ sums."""
CROWD = 16
"""How many candidates an image has at most, on average, before those that are copies of others are left out."""


class Indexed(Protocol):
    """Images (N, C, H, W) that are read when they are indexed, such as a NumPy array."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: Any, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Chosen:
    """Those of many images that have these `ids` (n,), read when they are indexed."""

    images: Indexed
    ids: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.ids), *self.images.shape[1:]

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        return self.images[self.ids[rows]]


def blocks(count: int, pixels: int, most: int) -> Iterator[slice]:
    """Yield slices of `count` images of so many `pixels`: BLOCK_BYTES each, and at most so many images."""
    rows = max(1, min(most, BLOCK_BYTES // (4 * pixels)))
    for first in range(0, count, rows):
        yield slice(first, min(first + rows, count))


def nearest(points: Indexed, among: Indexed, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Find the `count` nearest of `among` (M, …) to each of `points` (N, …), by Euclidean distance over all pixels.

    Return their distances, float64, and their indices, (N, count) each, the nearest first; of equally near ones the
    first comes first. M must be at least `count`. At any time a block of either is in memory.
    """
    (n, *shape), m = points.shape, among.shape[0]
    pixels = int(np.prod(shape))
    distances, indices = np.empty((n, count)), np.empty((n, count), dtype=np.int64)
    for rows in blocks(n, pixels, BLOCK_ROWS):
        block = _flat(points, rows)
        best = np.full((len(block), count), np.inf), np.zeros((len(block), count), dtype=np.int64)
        for others in blocks(m, pixels, COMPARED):
            best = _nearer(block, _flat(among, others), others.start, best)
        distances[rows], indices[rows] = best
    return distances, indices


def nearest_members(images: Indexed, split: Split) -> pd.DataFrame:
    """Find, for each sample of a split, its nearest member other than itself.

    `images` is (N, C, H, W). Columns sample_id, member_id, distance, sorted by sample_id. Distances are Euclidean, in
    the images' own units; of equally near members it is the one with the lowest sample_id.
    """
    members = split.member_ids
    distances, indices = nearest(Chosen(images, split.sample_id), Chosen(images, members), count=2)
    nearest_two = members[indices]
    itself = (nearest_two[:, 0] == split.sample_id).astype(int)  # then the second is the nearest other one
    rows = np.arange(len(split))
    return pd.DataFrame(
        {
            "sample_id": split.sample_id,
            "member_id": nearest_two[rows, itself],
            "distance": distances[rows, itself],
        }
    )


def _flat(images: Indexed, rows: slice) -> np.ndarray:
    block = np.asarray(images[rows], dtype=np.float32)
    return block.reshape(len(block), -1)


def _nearer(
    block: np.ndarray, others: np.ndarray, first: int, best: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return `best`, distances and indices (B, count), brought up to date with `others` (M, D), whose indices begin at
    `first`.

    ‖a‖² + ‖b‖² − 2ab in float32 says which pairs may be near, and their distances are then computed from differences:
    of a copy it is 0. No near pair is missed, since the limit allows for the rounding error of the products (Higham &
    Mary, SIAM J. Sci. Comput. 2019).
    """
    distances, indices = best
    count = distances.shape[1]
    squares, other_squares = (np.einsum("ij,ij->i", x, x, dtype=np.float64) for x in (block, others))
    half = block @ others.T
    np.subtract((other_squares / 2).astype(np.float32), half, out=half)  # (distance² − ‖a‖²)/2, (B, M)
    error = (CAUTION * np.sqrt(block.shape[1]) + 4) * ROUNDING
    error *= np.square(np.sqrt(squares) + np.sqrt(other_squares.max())) / 2
    limit = (np.square(distances[:, -1]) - squares) / 2 + error
    if len(others) >= count:
        limit = np.minimum(limit, np.partition(half, count - 1, axis=1)[:, count - 1] + 2 * error)
    is_near = half <= limit.astype(np.float32)[:, None]
    if np.count_nonzero(is_near) > CROWD * len(block):
        # Of a later copy the distance is the same, and the index higher.
        is_near &= _first_copies(others, count)
    sample, near = np.nonzero(is_near)
    found = np.concatenate([distances.ravel(), _distances(block, others, sample, near)])
    number = np.concatenate([indices.ravel(), near + first])
    of = np.concatenate([np.repeat(np.arange(len(block)), count), sample])
    order = np.lexsort((number, found, of))
    starts = np.searchsorted(of[order], np.arange(len(block)))
    chosen = order[starts[:, None] + np.arange(count)]
    return found[chosen], number[chosen]


def _first_copies(images: np.ndarray, count: int) -> np.ndarray:
    """Return which of images (M, D) are not a copy of `count` earlier ones, (M,) bool."""
    of = pd.Series([image.tobytes() for image in images])
    return of.groupby(of).cumcount().to_numpy() < count


def _distances(block: np.ndarray, others: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the distances (n,) of the pairs of `block[first]` and `others[second]`, (n,) indices each."""
    distances = np.empty(len(first))
    for part in blocks(len(first), 2 * block.shape[1], COMPARED):  # in float64
        difference = block[first[part]].astype(np.float64) - others[second[part]]
        distances[part] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return distances
