"""The nearest member of each image, which a model that copies its training set would show."""

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.neighbors import NearestNeighbors

from simaudit.data.split import Split
from simaudit.data.store import Images

SCHEMA = pa.schema([("sample_id", pa.int64()), ("member_id", pa.int64()), ("distance", pa.float64())])


def nearest(points: np.ndarray, among: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Find the `count` nearest of `among` (M, …) to each of `points` (N, …), by Euclidean distance over all pixels.

    Return their distances and their indices, (N, count) each, the nearest first.
    """
    fitted = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(among.reshape(len(among), -1))
    distances, indices = fitted.kneighbors(points.reshape(len(points), -1))
    return distances, indices


def nearest_members(images: Images, split: Split) -> pd.DataFrame:
    """Find, for each sample of a split, its nearest member other than itself.

    `images` is (N, C, H, W). Columns as in SCHEMA, sorted by sample_id. Distances are Euclidean, in the
    images' own units.
    """
    members = split.member_ids
    distances, indices = nearest(images[split.sample_id], images[members], count=2)
    nearest_two = members[indices]
    itself = (nearest_two[:, 0] == split.sample_id).astype(int)  # then the second is the nearest other one
    rows = np.arange(len(split))
    return pd.DataFrame(
        {
            "sample_id": split.sample_id,
            "member_id": nearest_two[rows, itself],
            "distance": distances[rows, itself].astype(np.float64),
        }
    )
