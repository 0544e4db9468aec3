"""How a threshold performs on samples that it was not set on, which is all that an attacker can have."""

from typing import Any

from simaudit.evaluation.protocol.metrics import TPR_LEVELS, tail_mark
from simaudit.evaluation.statistics.intervals import Interval, rate, together
from simaudit.evaluation.statistics.roc import Roc

METRIC = "tpr_at_1pct_fpr"
LEVEL = TPR_LEVELS[METRIC]
PRIORS = {"ppv_at_1pct_prior": 0.01, "ppv_at_10pct_prior": 0.1}


def transferred(calibration: Roc, evaluation: Roc) -> dict[str, Any]:
    """Set the threshold of FPR ≤ 1 % on `calibration`, and measure it on `evaluation`; both are ROCs of one statistic.

    FPR and TPR have exact 95 % limits, since the threshold does not depend on these samples. PPV is the share of real
    members among the samples called members, if 1 % or 10 % of all samples are members (PRIORS). Its limits combine
    those of TPR and FPR at 97.5 % each, so they cover at least 95 %; it is None if no sample is called a member. All
    values are marked if the calibration fold's own tail is too small to set such a threshold.
    """
    threshold = calibration.threshold_at(LEVEL)
    true_positives, false_positives = (0, 0) if threshold is None else evaluation.accepted_at(threshold)
    counts = [(true_positives, evaluation.members), (false_positives, evaluation.heldout)]
    tpr, fpr = (rate(*count) for count in counts)
    wide_tpr, wide_fpr = (rate(*count, confidence=together(2)) for count in counts)
    intervals = {"tpr": tpr, "fpr": fpr}
    for name, prior in PRIORS.items() if true_positives + false_positives else ():
        intervals[name] = Interval(
            ppv(tpr.value, fpr.value, prior),
            ppv(wide_tpr.low, wide_fpr.high, prior),
            ppv(wide_tpr.high, wide_fpr.low, prior),
        )
    mark = tail_mark(METRIC, calibration.members, calibration.heldout)
    return {
        "set_at": f"fpr <= {LEVEL} on the calibration fold",
        "threshold": threshold,
        **dict.fromkeys(PRIORS),
        **{name: interval.json() | mark for name, interval in intervals.items()},
    }


def ppv(tpr: float, fpr: float, prior: float) -> float:
    """Return the positive predictive value P(member | called member) for P(member) = `prior`; tpr + fpr must be > 0."""
    return prior * tpr / (prior * tpr + (1 - prior) * fpr)
