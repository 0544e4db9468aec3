"""What a threshold does on samples that it was not set on: the only one that an attacker has."""

from typing import Any

from simaudit.evaluation.protocol.metrics import TPR_LEVELS, tail_mark
from simaudit.evaluation.statistics.intervals import Interval, rate, together
from simaudit.evaluation.statistics.roc import Roc

METRIC = "tpr_at_1pct_fpr"
LEVEL = TPR_LEVELS[METRIC]
PRIORS = {"ppv_at_1pct_prior": 0.01, "ppv_at_10pct_prior": 0.1}


def transferred(calibration: Roc, evaluation: Roc) -> dict[str, Any]:
    """The threshold of FPR ≤ 1 % on `calibration`, and what it really does on `evaluation`: one statistic's ROCs.

    FPR and TPR have exact 95 % limits, since the threshold does not depend on these samples. PPV is the share of
    members among those accused, where members are that share of everybody; its limits combine those of TPR and FPR at
    97.5 % each, so they cover at least 95 %. It is None where nobody is accused. All are marked where the calibration
    fold's own tail is too small to set such a threshold.
    """
    threshold = calibration.threshold_at(LEVEL)
    found, wrong = (0, 0) if threshold is None else evaluation.accepted_at(threshold)
    counts = [(found, evaluation.members), (wrong, evaluation.heldout)]
    tpr, fpr = (rate(*count) for count in counts)
    wide_tpr, wide_fpr = (rate(*count, confidence=together(2)) for count in counts)
    found_out = {"tpr": tpr, "fpr": fpr}
    for name, prior in PRIORS.items() if found + wrong else ():
        found_out[name] = Interval(
            ppv(tpr.value, fpr.value, prior),
            ppv(wide_tpr.low, wide_fpr.high, prior),
            ppv(wide_tpr.high, wide_fpr.low, prior),
        )
    mark = tail_mark(METRIC, calibration.members, calibration.heldout)
    return {
        "set_at": f"fpr <= {LEVEL} on the calibration fold",
        "threshold": threshold,
        **dict.fromkeys(PRIORS),
        **{name: interval.json() | mark for name, interval in found_out.items()},
    }


def ppv(tpr: float, fpr: float, prior: float) -> float:
    """Positive predictive value: P(member | accused) where P(member) is `prior`. Either rate must be above 0."""
    return prior * tpr / (prior * tpr + (1 - prior) * fpr)
