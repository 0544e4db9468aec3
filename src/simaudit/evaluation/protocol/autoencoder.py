"""What an autoencoder's own scores say beside their AUC: where in its latent space a target leaks, and its errors."""

from typing import Any

import numpy as np

from simaudit.evaluation.protocol.resemblance import SIDES
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.intervals import Delong, Interval, mean_limits
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import Scores

DISTORTION, RECONSTRUCTION = "distortion", "reconstruction"
FEWEST = 10  # members, and held-out samples, that a quarter needs to have an AUC


def auc_by_distortion(selected: SelectedScores) -> dict[str, Any]:
    """Each attack's AUC among the evaluation samples in each quarter of `distortion`, `q1` the least distorted.

    A quarter with fewer than FEWEST of a side is left out; without scores of `distortion` there are none.
    """
    if DISTORTION not in selected.statistics:
        return {}
    distortion, is_member = selected.on_evaluation(DISTORTION)
    quarter = np.searchsorted(np.quantile(distortion, [0.25, 0.5, 0.75]), distortion)
    found: dict[str, Any] = {}
    for attack, knobs in selected.knobs.items():
        statistic, _ = selected.on_evaluation(attack)
        for number in range(4):
            rows = quarter == number
            inside = is_member[rows]
            if min(inside.sum(), (~inside).sum()) >= FEWEST:
                roc = Roc.of(statistic[rows], inside, knobs.member_when)
                auc = Delong.of([roc.placements()], roc.is_member).interval()
                found.setdefault(attack, {})[f"q{number + 1}"] = auc.json()
    return found


def reconstruction_errors(scores: Scores) -> dict[str, Any]:
    """The mean of each error that `reconstruction` measures, of members and of held-out samples in the evaluation fold.

    Limits are Student's, for the mean over samples drawn anew.
    """
    found: dict[str, Any] = {}
    for column, values in zip(scores.columns, scores.statistic, strict=True):
        for side, role in SIDES.items():
            errors = values[~scores.is_calibration & (scores.is_member == role)].astype(np.float64)
            mean = Interval(*(float(value) for value in mean_limits(errors)))
            found.setdefault(str(column.variant["error"]), {})[f"of_{side}"] = mean.json()
    return found
