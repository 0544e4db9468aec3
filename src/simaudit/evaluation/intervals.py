"""How sure a measured AUC is."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with its confidence limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Delong:
    """AUCs (K,) of K statistics on the same samples, and their covariance (K, K), by DeLong's method.

    DeLong, DeLong & Clarke-Pearson (Biometrics 1988), computed from midranks (Sun & Xu, IEEE SPL 2014): one sort a
    statistic and no pair of samples is ever looked at.
    """

    auc: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, statistics: np.ndarray, is_member: np.ndarray, member_when: list[str]) -> "Delong":
        """From statistics (K, N), bool labels (N,) and each statistic's side on which members lie."""
        sign = np.array([-1.0 if side == "low" else 1.0 for side in member_when])[:, None]
        scores = sign * np.asarray(statistics, dtype=np.float64)
        members, heldout = scores[:, is_member], scores[:, ~is_member]
        m, n = members.shape[1], heldout.shape[1]
        ranks = rankdata(np.concatenate([members, heldout], axis=1), axis=1)
        # For each member the share of held-out samples that it outranks, and the reverse for each held-out sample.
        above_heldout = (ranks[:, :m] - rankdata(members, axis=1)) / n
        below_members = 1 - (ranks[:, m:] - rankdata(heldout, axis=1)) / m
        covariance = np.cov(above_heldout).reshape(len(scores), -1) / m
        covariance += np.cov(below_members).reshape(len(scores), -1) / n
        return cls(above_heldout.mean(axis=1), covariance)

    def interval(self, k: int = 0) -> Interval:
        """The AUC of statistic k with its limits, kept within [0, 1]."""
        value = float(self.auc[k])
        half = _quantile() * float(np.sqrt(self.covariance[k, k]))
        return Interval(value, max(value - half, 0.0), min(value + half, 1.0))

    def difference(self, first: int = 0, second: int = 1) -> Interval:
        """AUC of `first` minus AUC of `second`, paired: both were measured on the same samples."""
        contrast = np.zeros(len(self.auc))
        contrast[[first, second]] = 1, -1
        value = float(contrast @ self.auc)
        half = _quantile() * float(np.sqrt(contrast @ self.covariance @ contrast))
        return Interval(value, value - half, value + half)


def _quantile() -> float:
    return float(norm.ppf((1 + CONFIDENCE) / 2))
