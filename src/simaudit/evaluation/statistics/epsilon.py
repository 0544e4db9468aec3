"""A lower bound of ε: how much of differential privacy a training cannot have had, if an attack does so well.

Who trains with (ε, δ)-differential privacy limits every attack: TPR ≤ e^ε FPR + δ and 1 − FPR ≤ e^ε (1 − TPR) + δ
(Kairouz, Oh & Viswanath 2015). An attack that does better gives a bound (Jagielski, Ullman & Oprea 2020).
"""

import numpy as np

from simaudit.evaluation.statistics.intervals import CONFIDENCE, clopper_pearson
from simaudit.evaluation.statistics.roc import Roc

CHOOSING = 0.99
"""The confidence of the limits by which a threshold is chosen: of many thresholds, luck makes one good at 95 %."""


def surest_threshold(roc: Roc, delta: float) -> float | None:
    """Return the threshold of an ROC whose lower bound of ε is the highest; None where no threshold has one above 0.

    The bound is then to be measured on other samples, since a maximum over thresholds is biased upwards.
    """
    counts = roc.true_positives, roc.members, roc.false_positives, roc.heldout
    bounds = _bounds(*counts, delta, CHOOSING)
    best = int(bounds.argmax())
    return float(roc.thresholds[best - 1]) if bounds[best] > 0 else None


def epsilon_bound(roc: Roc, threshold: float | None, delta: float) -> float:
    """Return a lower bound of ε, at 95 % confidence, at a threshold that was not set on these samples; at least 0.

    It is the larger of log((TPR − δ)/FPR) and log((1 − FPR − δ)/(1 − TPR)), with the lower Clopper-Pearson limit of the
    TPR and the upper one of the FPR. Each holds in 97.5 % of cases, so both, and with them either bound, in 95 %.
    """
    found, flagged = roc.accepted_at(threshold)
    return float(_bounds(np.array(found), roc.members, np.array(flagged), roc.heldout, delta, CONFIDENCE))


def _bounds(
    found: np.ndarray, members: int, flagged: np.ndarray, heldout: int, delta: float, confidence: float
) -> np.ndarray:
    """Return the bound of ε, at least 0, for each pair of counts."""
    tpr, fpr = (
        clopper_pearson(found, members, confidence)[0],
        clopper_pearson(flagged, heldout, confidence)[1],
    )
    ratios = np.maximum((tpr - delta) / fpr, (1 - fpr - delta) / (1 - tpr))
    return np.asarray(np.log(np.maximum(ratios, 1.0)))
