"""Whether a statistic only says how near a sample lies to the training set.

The optimal denoiser's answer is the distance to a kernel-weighted mean of the members: a held-out sample that looks
like one of them is expected to be taken for one.
"""

from typing import Any

import numpy as np

from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.intervals import Interval, normal_quantile

SIDES = {"members": True, "heldout": False}


def distance_correlations(selected: SelectedScores) -> dict[str, Any]:
    """By attack, Spearman's ρ of its statistic with the distance to the nearest other member, of each side.

    On the evaluation fold. Where the distance or the statistic is constant there is none.
    """
    found: dict[str, Any] = {}
    rows = ~selected.is_calibration
    for attack, statistic in selected.statistics.items():
        for side, is_member in SIDES.items():
            of = rows & (selected.is_member == is_member)
            if np.ptp(selected.distance[of]) > 0 and np.ptp(statistic[of]) > 0:
                correlation = spearman(selected.distance[of], statistic[of])
                found.setdefault(attack, {})[f"of_{side}"] = correlation.json()
    return found


def spearman(first: np.ndarray, second: np.ndarray) -> Interval:
    """Spearman's ρ of (n,) and (n,), n ≥ 4, with 95 % limits by Fisher's z.

    Its standard error is √((1 + ρ²/2)/(n − 3)) (Bonett & Wright, Psychometrika 2000).
    """
    from scipy.stats import spearmanr

    rho = float(spearmanr(first, second).statistic)
    error = np.sqrt((1 + rho**2 / 2) / (len(first) - 3))
    z = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    half = normal_quantile() * error
    return Interval(rho, *(float(np.tanh(z + side * half)) for side in (-1, 1)))
