"""Intervals of rates that are read off a ROC: at a stated level of errors, and at a threshold set elsewhere."""

from functools import cache

import numpy as np
from scipy.special import bdtr

from simaudit.evaluation.statistics.intervals import CONFIDENCE, Interval, rate, summed
from simaudit.evaluation.statistics.roc import Roc, most_errors


def tpr_interval(roc: Roc, level: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the TPR at FPR ≤ `level` with its limits for members and held-out samples drawn anew.

    Two things vary from draw to draw, each by itself: how many members pass a threshold (Clopper and Pearson's limits),
    and where the held-out samples put it. The threshold that has exactly this FPR in the population lies between two
    order statistics of the held-out samples, whichever their distribution (David & Nagaraja 2003, section 7.1), and
    the TPRs there are limits as well. `summed` joins the two pairs.
    """
    members = roc.members
    given_threshold = rate(roc.found_at(level), members, confidence)
    fewest, most = exceedances(level, roc.heldout, confidence)
    of_threshold = Interval(
        given_threshold.value, roc.found_within(fewest - 1) / members, roc.found_within(most) / members
    )
    return _within_unit(summed([given_threshold, of_threshold], given_threshold.value))


@cache
def exceedances(level: float, total: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Return between which counts, at that confidence, the number of samples lies that exceed the 1 − `level` quantile.

    Neither count is beyond what the level allows, so that the limits from it hold the value.
    """
    tail, counts = (1 - confidence) / 2, np.arange(total + 1)
    below = bdtr(counts, total, level)
    allowed = most_errors(level, total)
    fewest, most = (int(np.searchsorted(below, share)) for share in (tail, 1 - tail))
    return min(fewest, allowed), max(most, allowed)


def balanced_accuracy_at(threshold: float | None, roc: Roc) -> Interval:
    """Return the balanced accuracy (TPR + 1 − FPR)/2 at a threshold that was not set on these samples, with limits.

    TPR and FPR have Clopper and Pearson's limits, and `summed` joins them. Without a threshold no sample is accepted.
    """
    accepted, flagged = roc.accepted_at(threshold)
    rates = rate(accepted, roc.members), rate(roc.heldout - flagged, roc.heldout)
    halves = [Interval(part.value / 2, part.low / 2, part.high / 2) for part in rates]
    return _within_unit(summed(halves, sum(half.value for half in halves)))


def _within_unit(interval: Interval) -> Interval:
    return Interval(interval.value, max(interval.low, 0.0), min(interval.high, 1.0))
