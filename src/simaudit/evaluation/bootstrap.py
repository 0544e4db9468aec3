"""Intervals for what has no formula: ASR, and paired differences of TPR, by a stratified bootstrap."""

from collections.abc import Iterator

import numpy as np

from simaudit.evaluation.intervals import CONFIDENCE, Interval, rate, together
from simaudit.evaluation.roc import Roc

BLOCK = 8  # resamples at a time: few enough to stay in the processor's cache


class Bootstrap:
    """Resamples of N samples, members and held-out samples each drawn with replacement from their own kind.

    Every statistic is measured on the same resamples, so that differences between them are paired. Safe to share
    between threads.
    """

    def __init__(self, is_member: np.ndarray, resamples: int, seed: int) -> None:
        """`is_member` is (N,) bool; the same arguments give the same resamples."""
        rng = np.random.default_rng(seed)
        self._counts = np.empty((resamples, len(is_member)), dtype=np.uint8)
        for role in (is_member, ~is_member):
            size = int(role.sum())
            for counts in self._counts:
                counts[role] = np.bincount(rng.integers(size, size=size), minlength=size)

    def asr(self, roc: Roc) -> np.ndarray:
        """The ASR of every resample, (resamples,)."""
        # (TPR − FPR) × their common denominator, in whole numbers: exact, and the fastest to add up.
        common = int(np.lcm(roc.members, roc.heldout))
        kind = np.int32 if common < 2**31 else np.int64
        steps = np.where(roc.is_member[roc.order], common // roc.members, -(common // roc.heldout)).astype(
            kind
        )
        best = np.concatenate(
            [
                _at_thresholds(np.cumsum(counts * steps, axis=1, dtype=kind), roc).max(axis=1)
                for counts in self._ordered(roc)
            ]
        )
        asr: np.ndarray = (1 + np.maximum(best, 0) / common) / 2
        return asr

    def tpr_at(self, roc: Roc, level: float) -> np.ndarray:
        """The exact TPR at FPR ≤ `level` of every resample, (resamples,)."""
        is_member = roc.is_member[roc.order]
        found = []
        for counts in self._ordered(roc):
            members, heldout = (
                _at_thresholds(np.cumsum(counts * role, axis=1, dtype=np.int32), roc)
                for role in (is_member, ~is_member)
            )
            within = (heldout / roc.heldout <= level).sum(axis=1)
            found.append(np.where(within > 0, members[np.arange(len(members)), within - 1], 0))
        return np.concatenate(found) / roc.members

    def _ordered(self, roc: Roc) -> Iterator[np.ndarray]:
        starts = range(0, len(self._counts), BLOCK)
        return (self._counts[start : start + BLOCK].take(roc.order, axis=1) for start in starts)


def _at_thresholds(accepted: np.ndarray, roc: Roc) -> np.ndarray:
    """(resamples, N) → (resamples, G); without ties nothing is left out."""
    return accepted if len(roc.ends) == len(roc.order) else accepted[:, roc.ends - 1]


def basic_interval(value: float, resampled: np.ndarray, within: tuple[float, float]) -> Interval:
    """`value` with the basic bootstrap's limits, 2 × value minus the resamples' quantiles (Davison & Hinkley 1997).

    The best over thresholds overshoots, in the resamples once more than in the sample: reflecting the quantiles takes
    that off again, where the quantiles themselves would hardly ever cover. `within` is where such a value can lie.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = 2 * value - np.quantile(resampled, [1 - tail, tail])
    return Interval(
        value, float(np.clip(min(low, value), *within)), float(np.clip(max(high, value), *within))
    )


def asr_interval(roc: Roc, resampled: np.ndarray) -> Interval:
    """The ASR of a ROC with its limits from the ASRs of its resamples.

    Where the classes are perfectly separated, so are they in every resample. The lower limit is then that of two exact
    rates, all members found and no held-out sample flagged, which hold together.
    """
    if roc.asr == 1:
        lows = [rate(size, size, together(2)).low for size in (roc.members, roc.heldout)]
        return Interval(1.0, sum(lows) / 2, 1.0)
    return basic_interval(roc.asr, resampled, within=(0.5, 1.0))
