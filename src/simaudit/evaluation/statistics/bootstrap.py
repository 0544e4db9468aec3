"""Intervals of values that have no formula, ASR and paired differences of ASR and TPR, by a stratified bootstrap."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from simaudit.evaluation.statistics.intervals import CONFIDENCE, Interval, rate, together
from simaudit.evaluation.statistics.roc import Roc, most_errors

CHUNK = 256  # samples at a time: few enough that all their resamples stay in the processor's cache
DRAWN = 64  # resamples at a time, when they are drawn: a copy of these is all that is held beside the table
CELL = 16  # samples of a chunk that are summed one after the other; all cells are summed at once


class Bootstrap:
    """Resamples of N samples, members and held-out samples each drawn with replacement from their own kind.

    Every statistic is measured on the same resamples, so that differences between them are paired. Safe to share
    between threads.
    """

    def __init__(self, is_member: np.ndarray, resamples: int, seed: int) -> None:
        """`is_member` is (N,) bool; the same arguments give the same resamples."""
        rng = np.random.default_rng(seed)
        # One row per sample, so that reordering samples copies whole rows. The last row is all zeros, for padding.
        self._counts = np.zeros((len(is_member) + 1, resamples), dtype=np.uint8)
        for role in np.flatnonzero(is_member), np.flatnonzero(~is_member):
            for first in range(0, resamples, DRAWN):
                drawn = np.empty((min(DRAWN, resamples - first), len(role)), dtype=np.uint8)
                for counts in drawn:
                    counts[:] = np.bincount(rng.integers(len(role), size=len(role)), minlength=len(role))
                self._counts[role, first : first + DRAWN] = drawn.T
        self._most = int(self._counts.max())

    def asr(self, roc: Roc) -> np.ndarray:
        """Return the ASR of every resample, (resamples,)."""
        # (TPR − FPR) × their common denominator, in whole numbers: exact, and the fastest to sum.
        common = int(np.lcm(roc.members, roc.heldout))
        best = np.zeros(self._counts.shape[1], dtype=np.int64)
        for before, advantage in self._accepted(roc, common // roc.members, -(common // roc.heldout)):
            np.maximum(best, before + advantage.max(axis=0), out=best)
        asr: np.ndarray = (1 + best / common) / 2
        return asr

    def tpr_at(self, roc: Roc, level: float) -> np.ndarray:
        """Return the exact TPR at FPR ≤ `level` of every resample, (resamples,)."""
        best, allowed = np.zeros(self._counts.shape[1], dtype=np.int64), most_errors(level, roc.heldout)
        both = zip(self._accepted(roc, 1, 0), self._accepted(roc, 0, 1), strict=True)
        for (found, members), (flagged, heldout) in both:
            within = heldout <= allowed - flagged
            np.maximum(best, np.where(within, found + members, 0).max(axis=0), out=best)
            if not within[-1].any():
                break
        return best / roc.members

    def _accepted(
        self, roc: Roc, per_member: int, per_heldout: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield by chunk the sum over all samples before it, per resample, and what its own samples add to that.

        The second is for each threshold the sum over the samples of the chunk that it accepts, (thresholds, resamples),
        which is small enough for a narrow type. A member counts `per_member`, a held-out sample `per_heldout`. Each
        chunk overwrites the one before. Sums run within cells first, in all cells at once, then over the cells.
        """
        samples, resamples = len(roc.order), self._counts.shape[1]
        padding = -samples % CHUNK
        order = np.concatenate([roc.order, np.full(padding, samples)])
        value = np.where(roc.is_member[roc.order], per_member, per_heldout)
        largest = CHUNK * self._most * max(abs(per_member), abs(per_heldout))
        dtype = next(of for of in (np.int16, np.int32, np.int64) if largest <= np.iinfo(of).max)
        value = np.concatenate([value, np.zeros(padding)]).astype(dtype)[:, None]
        is_threshold = np.zeros(len(order), dtype=bool)
        is_threshold[roc.ends - 1] = True
        drawn = np.empty((CHUNK, resamples), dtype=self._counts.dtype)
        total = np.empty((CHUNK, resamples), dtype=value.dtype)
        cells = total.reshape(-1, CELL, resamples)
        before = np.zeros(resamples, dtype=np.int64)
        for first in range(0, len(order), CHUNK):
            rows = slice(first, first + CHUNK)
            np.take(self._counts, order[rows], axis=0, out=drawn, mode="clip")
            np.multiply(drawn, value[rows], out=total)
            _accumulate(cells.swapaxes(0, 1))
            sums = cells[:, -1].copy()
            _accumulate(sums)
            cells[1:] += sums[:-1, None]
            if is_threshold[rows].all():
                yield before, total
            elif is_threshold[rows].any():
                yield before, total[is_threshold[rows]]
            before = before + sums[-1]


def _accumulate(values: np.ndarray) -> None:
    """Sum cumulatively along the first axis, in place; on wide rows this is several times as fast as numpy's own."""
    for before, after in pairwise(values):
        after += before


def basic_interval(value: float, resampled: np.ndarray, within: tuple[float, float]) -> Interval:
    """Return `value` with the basic bootstrap's limits: 2 × value − quantiles of resamples (Davison & Hinkley 1997).

    A maximum over thresholds is biased upwards, and the resamples repeat the bias. Reflecting the quantiles removes it;
    the quantiles themselves would hardly ever contain the true value. `within` is the range of possible values.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = 2 * value - np.quantile(resampled, [1 - tail, tail])
    return Interval(
        value, float(np.clip(min(low, value), *within)), float(np.clip(max(high, value), *within))
    )


def percentile_interval(value: float, resampled: np.ndarray) -> Interval:
    """Return `value`, a paired difference, with the quantiles of its resamples (Efron & Tibshirani 1993).

    What biases a value by itself biases both sides of a difference alike, so nothing is to be reflected.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(value, float(min(low, value)), float(max(high, value)))


def asr_interval(roc: Roc, resampled: np.ndarray) -> Interval:
    """Return the ASR of a ROC with its limits from the ASRs of its resamples.

    If the classes are perfectly separated, they are so in every resample too. The lower limit then comes from two exact
    rates that hold together: all members are found, and no held-out sample is flagged.
    """
    if roc.asr == 1:
        lows = [rate(size, size, together(2)).low for size in (roc.members, roc.heldout)]
        return Interval(1.0, sum(lows) / 2, 1.0)
    return basic_interval(roc.asr, resampled, within=(0.5, 1.0))
