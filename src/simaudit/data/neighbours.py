"""The nearest member of each image, which a model that copies its training set would show."""

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.data.split import Split

SCHEMA = pa.schema([("sample_id", pa.int64()), ("member_id", pa.int64()), ("distance", pa.float64())])


def nearest(points: np.ndarray, among: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Find the `count` nearest of `among` (M, …) to each of `points` (N, …), by Euclidean distance over all pixels.

    Return their distances and their indices, (N, count) each, the nearest first.
    """
    from sklearn.neighbors import NearestNeighbors

    fitted = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(among.reshape(len(among), -1))
    distances, indices = fitted.kneighbors(points.reshape(len(points), -1))
    return distances, indices


def nearest_members(images: np.ndarray, split: Split) -> pd.DataFrame:
    """For each sample of a split, find its nearest other member. Columns as in SCHEMA, sorted by sample_id.

    `images` is (N, C, H, W). Distances are Euclidean, in the images' own units.
    """
    members = split.member_ids
    distances, indices = nearest(images[split.sample_id], images[members], count=2)
    neighbours = members[indices]
    place = (neighbours[:, 0] == split.sample_id).astype(int)  # 1 where the first is the sample itself
    rows = np.arange(len(split))
    return pd.DataFrame(
        {
            "sample_id": split.sample_id,
            "member_id": neighbours[rows, place],
            "distance": distances[rows, place].astype(np.float64),
        }
    )
