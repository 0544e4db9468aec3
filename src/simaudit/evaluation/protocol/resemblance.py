"""How closely a statistic follows a sample's distance to the training set.

The optimal denoiser's answer is the distance to a kernel-weighted mean of the members, so a held-out sample that looks
like a member is expected to be taken for one.
"""

from typing import Any

import numpy as np

from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.intervals import Interval, normal_quantile

SIDES = {"members": True, "heldout": False}


def distance_correlations(selected: SelectedScores) -> dict[str, Any]:
    """Return, by attack, Spearman's ρ of its statistic with the distance to the nearest other member, for each side.

    Samples are those of the evaluation fold. There is no ρ where the distance is constant or not known, or the
    statistic is constant.
    """
    correlations: dict[str, Any] = {}
    if selected.distance is None:
        return correlations
    rows = ~selected.is_calibration
    for attack, statistic in selected.statistics.items():
        for side, is_member in SIDES.items():
            on_side = rows & (selected.is_member == is_member)
            if np.ptp(selected.distance[on_side]) > 0 and np.ptp(statistic[on_side]) > 0:
                correlation = spearman(selected.distance[on_side], statistic[on_side])
                correlations.setdefault(attack, {})[f"of_{side}"] = correlation.json()
    return correlations


def spearman(first: np.ndarray, second: np.ndarray) -> Interval:
    """Return Spearman's ρ of (n,) and (n,), n ≥ 4, with 95 % limits by Fisher's z.

    Its standard error is √((1 + ρ²/2)/(n − 3)) (Bonett & Wright, Psychometrika 2000).
    """
    from scipy.stats import spearmanr

    rho = float(spearmanr(first, second).statistic)
    error = np.sqrt((1 + rho**2 / 2) / (len(first) - 3))
    z = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    half = normal_quantile() * error
    return Interval(rho, *(float(np.tanh(z + side * half)) for side in (-1, 1)))
