"""Dataset inference (CDI, arXiv:2411.12858): whether a set of samples was trained on, though no single one can be told.

A classifier is learned on the calibration fold. A set of members and as many held-out samples, all of the evaluation
fold, are then compared by the mean of their scores. CDI learns on parts of the sets themselves, in turn; the scores of
one set then depend on one another, and p is not uniform where there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr
from sklearn.linear_model import LogisticRegression

from simaudit.evaluation.protocol.selected import SelectedScores

PENALTY = 0.1  # scikit-learn's C: the same for all, since few samples cannot choose it


def attack_features(selected: SelectedScores, attacks: Iterable[str]) -> np.ndarray:
    """Return what is known of each sample by these attacks, (N, K): the statistic of each at its selected knobs.

    It is the logarithm of a statistic that is positive everywhere, since statistics are products of many factors.
    """
    statistics = [selected.statistics[attack].astype(np.float64) for attack in attacks]
    return np.stack([np.log(values) if (values > 0).all() else values for values in statistics], axis=1)


def member_likeness(features: np.ndarray, is_member: np.ndarray, is_calibration: np.ndarray) -> np.ndarray:
    """Return log-odds (N,) of being a member by logistic regression on features (N, K), learned on calibration."""
    known = features[is_calibration]
    scale = known.std(axis=0)
    standard = (features - known.mean(axis=0)) / np.where(scale > 0, scale, 1)
    classifier = LogisticRegression(C=PENALTY, max_iter=1000)
    classifier.fit(standard[is_calibration], is_member[is_calibration])
    return np.asarray(classifier.decision_function(standard))


class Moments(NamedTuple):
    """What a test knows of scores (…, n): their number, mean (…) and variance (…)."""

    size: int
    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> Moments:
        """Return the moments of scores (…, n), n ≥ 2."""
        return cls(scores.shape[-1], scores.mean(axis=-1), scores.var(axis=-1, ddof=1))


def one_sided_p(suspects: Moments, heldout: Moments) -> np.ndarray:
    """Return p (…) of Welch's t-test that suspects have a higher mean than held-out samples.

    Where all scores of both sides are the same, p is 1.
    """
    errors = [side.variance / side.size for side in (suspects, heldout)]
    total = errors[0] + errors[1]
    parts = errors[0] ** 2 / (suspects.size - 1) + errors[1] ** 2 / (heldout.size - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (suspects.mean - heldout.mean) / np.sqrt(total)
        return np.asarray(np.nan_to_num(stdtr(total**2 / parts, -t), nan=1.0))


def p_values(
    likeness: np.ndarray, is_member: np.ndarray, sizes: Sequence[int], repeats: int, seed: int
) -> np.ndarray:
    """Return p (S, R) of R sets of each of S sizes that are drawn without replacement, each with as many held-out ones.

    `likeness` and `is_member` are (N,), of the evaluation fold; each side has no fewer samples than the largest size.
    The sets of one repeat lie within one another, and are the same for every likeness.
    """
    drawn = []
    for side, samples in enumerate((is_member, ~is_member)):
        rng, rows = np.random.default_rng([seed, side]), np.flatnonzero(samples)
        drawn.append(np.stack([likeness[rng.permuted(rows)[: max(sizes)]] for _ in range(repeats)]))
    of_sizes = [[Moments.of(side[:, :size]) for side in drawn] for size in sizes]
    return np.stack([one_sided_p(members, heldout) for members, heldout in of_sizes])


def possible_sizes(sizes: Sequence[int], members: int, heldout: int) -> list[int]:
    """Return the sizes for which there are enough samples; where there are none, the largest size that there can be."""
    most = min(members, heldout)
    return [size for size in sizes if size <= most] or [most]
