"""The quality of a target's samples: the Fréchet distance of their features to those of real images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simaudit.evaluation.statistics.intervals import Interval, normal_quantile

if TYPE_CHECKING:
    from simaudit.samples.features import Featured

DISTANCES = {
    "to_members": 0.0,
    "to_heldout": 0.0,
    "members_to_heldout": 0.0,
    "heldout_minus_members": -np.inf,
}
"""What `quality` measures, and the smallest value that each can have."""


class Moments(NamedTuple):
    """The normal that is fitted to features: its mean μ (d,) and its covariance Σ (d, d)."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Moments:
        """Fit it to features (n, d), n ≥ 2."""
        return cls(features.mean(axis=0), np.cov(features, rowvar=False))


def frechet_distance(first: Moments, second: Moments) -> float:
    """Return ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) of two normals.

    Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500, Eq. 6. Few samples bias it upwards, so only distances
    between sets of the same size are comparable.
    """
    (mean, covariance), (other_mean, other) = first, second
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    # Σ₁Σ₂ has the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric.
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
    distance = np.square(mean - other_mean).sum() + np.trace(covariance) + np.trace(other) - 2 * shared
    return float(max(distance, 0.0))


def quality(
    samples: np.ndarray | Featured,
    members: np.ndarray | Featured,
    heldout: np.ndarray | Featured,
    resamples: int,
    seed: int,
    unit: str,
) -> dict[str, Any]:
    """Return the distances of a target's samples to members and to held-out images, from features (n, d), with limits.

    Each distance has `unit`, which says what the features are, beside it.
    Each of the three sets is cut at random to the size of the smallest. `members_to_heldout` is what samples of the
    true distribution would have; `heldout_minus_members`, paired, is above zero if samples resemble the training set
    more than other images of its kind. Few images bias a distance upwards, and resampling them adds the same again:
    the limits are normal ones with the bootstrap's standard error, for the average over sets of this size.
    """
    rng = np.random.default_rng(seed)
    count = min(map(len, (samples, members, heldout)))
    sets = [part[rng.permutation(len(part))[:count]] for part in (samples, members, heldout)]

    def distances(parts: list[np.ndarray]) -> np.ndarray:
        drawn, inside, outside = map(Moments.of, parts)
        to_members, to_heldout = frechet_distance(inside, drawn), frechet_distance(outside, drawn)
        between = frechet_distance(inside, outside)
        return np.array([to_members, to_heldout, between, to_heldout - to_members])

    measured = distances(sets)
    resampled = np.array(
        [distances([part[rng.integers(count, size=count)] for part in sets]) for _ in range(resamples)]
    )
    return {
        "images": count,
        **{
            name: _interval(float(value), float(values.std(ddof=1)), least).json() | {"unit": unit}
            for (name, least), value, values in zip(DISTANCES.items(), measured, resampled.T, strict=True)
        },
    }


def _interval(value: float, error: float, least: float) -> Interval:
    half = normal_quantile() * error
    return Interval(value, max(value - half, least), value + half)
