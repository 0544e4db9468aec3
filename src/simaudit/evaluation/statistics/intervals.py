"""Confidence intervals of measured values: DeLong's for AUC, Clopper and Pearson's for rates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, expit, logit, ndtri, stdtrit  # scipy.stats takes a second to import

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with the limits of its confidence interval."""

    value: float
    low: float
    high: float

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high

    def json(self) -> dict[str, float]:
        """Return the form that stands in the files under results/."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Delong:
    """AUCs (K,) of K statistics on the same samples, and their covariance (K, K), by DeLong's method.

    DeLong, DeLong & Clarke-Pearson (Biometrics 1988), computed from placements (Sun & Xu, IEEE SPL 2014), without a
    loop over pairs of samples. `pairs` is the number of disjoint pairs of a member and a held-out sample.
    """

    auc: np.ndarray
    covariance: np.ndarray
    pairs: int

    @classmethod
    def of(cls, placements: Sequence[np.ndarray], is_member: np.ndarray) -> "Delong":
        """Compute them from K placements (N,), see `Roc.placements`, and bool labels (N,)."""
        placed = np.stack(placements)
        members, heldout = placed[:, is_member], placed[:, ~is_member]
        m, n = members.shape[1], heldout.shape[1]
        covariance = np.atleast_2d(np.cov(members)) / m + np.atleast_2d(np.cov(heldout)) / n
        return cls(members.mean(axis=1), covariance, min(m, n))

    def interval(self, k: int = 0, confidence: float = CONFIDENCE) -> Interval:
        """Return the AUC of statistic k with its limits."""
        return delong_interval(float(self.auc[k]), float(self.covariance[k, k]), self.pairs, confidence)

    def difference(self, first: int = 0, second: int = 1, confidence: float = CONFIDENCE) -> Interval:
        """Return the AUC of `first` minus that of `second`, paired: both were measured on the same samples."""
        contrast = np.zeros(len(self.auc))
        contrast[[first, second]] = 1, -1
        return self._combine(contrast, confidence)

    def mean(self) -> Interval:
        """Return the mean of all K AUCs, whose errors are correlated, since they have the samples in common."""
        return self._combine(np.full(len(self.auc), 1 / len(self.auc)), CONFIDENCE)

    def _combine(self, weights: np.ndarray, confidence: float) -> Interval:
        value = float(weights @ self.auc)
        half = normal_quantile(confidence) * float(np.sqrt(max(weights @ self.covariance @ weights, 0.0)))
        return Interval(value, value - half, value + half)


def delong_interval(auc: float, variance: float, pairs: int, confidence: float = CONFIDENCE) -> Interval:
    """Return AUC ± a normal quantile of standard errors, clipped to [0, 1].

    At perfect separation DeLong's variance is 0, as if the AUC were certain. The limits are then those of Clopper and
    Pearson for `pairs` disjoint pairs, all ranked alike.
    """
    if auc in (0.0, 1.0):
        low, high = clopper_pearson(np.array(round(auc * pairs)), pairs, confidence)
        return Interval(auc, float(low), float(high))
    half = normal_quantile(confidence) * float(np.sqrt(variance))
    return Interval(auc, max(auc - half, 0.0), min(auc + half, 1.0))


def auc_of_few(placements: np.ndarray, is_member: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Return the AUC of few samples with its limits, from placements (N,), see `Roc.placements`, and bool labels (N,).

    They are DeLong's on the scale of log-odds, with Student's quantile (degrees of freedom by Welch and Satterthwaite).
    The plain ones hold too seldom for tens of samples, above all far from 0.5 and at a high confidence. At perfect
    separation they are those of `delong_interval`.
    """
    sides = placements[is_member], placements[~is_member]
    auc = float(sides[0].mean())
    errors = np.array([side.var(ddof=1) / len(side) for side in sides])
    if auc in (0.0, 1.0) or not errors.any():
        return delong_interval(auc, float(errors.sum()), min(map(len, sides)), confidence)
    freedom = errors.sum() ** 2 / sum(errors**2 / [len(side) - 1 for side in sides])
    half = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(errors.sum()) / (auc * (1 - auc))
    low, high = (float(expit(logit(auc) + side * half)) for side in (-1, 1))
    return Interval(auc, low, high)


def clopper_pearson(
    count: np.ndarray, total: int, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact limits (low, high) of a rate, given `count` (any shape) of `total` (Biometrika 1934)."""
    tail = (1 - confidence) / 2
    count = np.asarray(count)
    low = np.where(count > 0, betaincinv(np.maximum(count, 1), total - count + 1, tail), 0.0)
    high = np.where(count < total, betaincinv(count + 1, np.maximum(total - count, 1), 1 - tail), 1.0)
    return low, high


def together(tests: int) -> float:
    """Return the confidence of each of several intervals that hold together at CONFIDENCE (Bonferroni)."""
    return 1 - (1 - CONFIDENCE) / tests


def rate(count: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Return count/total with its Clopper-Pearson limits."""
    low, high = clopper_pearson(np.array(count), total, confidence)
    return Interval(count / total, float(low), float(high))


def summed(parts: Iterable[Interval], value: float) -> Interval:
    """Return `value`, a sum of independent estimates, with limits from those that each `part` has by itself.

    The distances of the limits add up in squares, each side by itself, so that skewed parts keep their skew: MOVER (Zou
    & Donner, Statistics in Medicine 2008).
    """
    distances = np.array([(part.value - part.low, part.high - part.value) for part in parts])
    below, above = np.sqrt(np.square(distances).sum(axis=0))
    return Interval(value, value - float(below), value + float(above))


def paired_difference(first: np.ndarray, second: np.ndarray, is_member: np.ndarray) -> Interval:
    """Return the balanced accuracy of `first` minus that of `second`, (N,) bool each: is a sample classified rightly.

    Members and held-out samples count half each, whatever their numbers. The limits are normal ones.
    """
    difference = first.astype(np.float64) - second
    sides = difference[is_member], difference[~is_member]
    value = float(sum(side.mean() for side in sides) / 2)
    half = normal_quantile() * float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)) / 2)
    return Interval(value, value - half, value + half)


def mean_limits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the means (…,) of values (…, n), n ≥ 2, with Student's limits (low, high) for samples drawn anew."""
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    half = student_quantile(n) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def mean_interval(values: np.ndarray) -> Interval:
    """Return the mean of independent values (n,), n ≥ 2, with Student's limits."""
    return Interval(*map(float, mean_limits(values)))


def student_quantile(values: int, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors on either side of the mean of so many values contain the true mean."""
    return float(stdtrit(values - 1, (1 + confidence) / 2))


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors on either side of the mean contain a normal value with that confidence."""
    return float(ndtri((1 + confidence) / 2))
