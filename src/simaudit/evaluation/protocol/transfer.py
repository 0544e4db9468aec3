"""How a threshold performs on samples that it was not set on, which is all that an attacker can have."""

from collections.abc import Sequence
from typing import Any

from simaudit.evaluation.knobs import Assumptions
from simaudit.evaluation.protocol.metrics import tail_mark
from simaudit.evaluation.statistics.epsilon import epsilon_bound, surest_threshold
from simaudit.evaluation.statistics.intervals import Interval, rate, together
from simaudit.evaluation.statistics.roc import Roc
from simaudit.vocabulary.metrics import TPR_AT_01PCT, TPR_AT_1PCT, TPR_LEVELS

TRANSFERRED = {"transferred": TPR_AT_1PCT, "transferred_at_0.1pct": TPR_AT_01PCT}
"""The metric at whose level of FPR a threshold is set on calibration, by what its results are called."""


def every_transfer(calibration: Roc, evaluation: Roc, assumed: Assumptions) -> dict[str, Any]:
    """Return what thresholds that are set on `calibration` do on `evaluation`, by name; both are of one statistic.

    Beside those of TRANSFERRED there is `epsilon`: a lower bound of the privacy loss, see `epsilon_bound`.
    """
    rates = {
        name: transferred(calibration, evaluation, metric, assumed.priors)
        for name, metric in TRANSFERRED.items()
    }
    threshold = surest_threshold(calibration, assumed.delta)
    bound = {
        "lower_bound": epsilon_bound(evaluation, threshold, assumed.delta),
        "delta": assumed.delta,
        "threshold": threshold,
    }
    return {**rates, "epsilon": bound}


def transferred(calibration: Roc, evaluation: Roc, metric: str, priors: Sequence[float]) -> dict[str, Any]:
    """Set the threshold of a metric of TPR_LEVELS on `calibration`, and measure it on `evaluation`.

    FPR and TPR have exact 95 % limits, since the threshold does not depend on these samples. The precision at a prior
    is the share of real members among the samples called members, if that share of all samples are members. Its limits
    combine those of TPR and FPR at 97.5 % each, so they cover at least 95 %; it is None if no sample is called a
    member. All values are marked if the calibration fold's own tail is too small to set such a threshold.
    """
    level = TPR_LEVELS[metric]
    threshold = calibration.threshold_at(level)
    true_positives, false_positives = evaluation.accepted_at(threshold)
    counts = [(true_positives, evaluation.members), (false_positives, evaluation.heldout)]
    tpr, fpr = (rate(*count) for count in counts)
    wide_tpr, wide_fpr = (rate(*count, confidence=together(2)) for count in counts)
    intervals = {"tpr": tpr, "fpr": fpr}
    for prior in priors if true_positives + false_positives else ():
        intervals[precision_at(prior)] = Interval(
            precision(tpr.value, fpr.value, prior),
            precision(wide_tpr.low, wide_fpr.high, prior),
            precision(wide_tpr.high, wide_fpr.low, prior),
        )
    mark = tail_mark(metric, calibration.members, calibration.heldout)
    return {
        "set_at": f"fpr <= {level} on the calibration fold",
        "threshold": threshold,
        **dict.fromkeys(map(precision_at, priors)),
        **{name: interval.json() | mark for name, interval in intervals.items()},
    }


def precision_at(prior: float) -> str:
    """Return what the precision at a prior is called: precision_at_1pct_prior."""
    return f"precision_at_{100 * prior:g}pct_prior"


def precision(tpr: float, fpr: float, prior: float) -> float:
    """Return P(member | called member) for P(member) = `prior`; tpr + fpr must be above 0."""
    return prior * tpr / (prior * tpr + (1 - prior) * fpr)
