"""What an autoencoder's scores add: AUC by how much the decoder stretches a sample, and reconstruction errors."""

from typing import Any

import numpy as np

from simaudit.evaluation.protocol.resemblance import SIDES
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.intervals import Delong, mean_interval
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.kinds import DISTORTION

FEWEST = 10  # fewest members, and fewest held-out samples, with which a quarter gets an AUC


def auc_by_distortion(selected: SelectedScores) -> dict[str, Any]:
    """Return each attack's AUC in each quarter of the evaluation samples by distortion; `q1` is the least distorted.

    A quarter with fewer than FEWEST samples of a side is left out. Without an attack of the kind `distortion` the
    result is empty; of several the one of that name counts, or else the first.
    """
    measure = selected.of_kind(DISTORTION)
    if measure is None:
        return {}
    distortion, is_member = selected.on_evaluation(measure)
    quarter = np.searchsorted(np.quantile(distortion, [0.25, 0.5, 0.75]), distortion)
    aucs: dict[str, Any] = {}
    for attack, knobs in selected.knobs.items():
        statistic, _ = selected.on_evaluation(attack)
        for number in range(4):
            rows = quarter == number
            inside = is_member[rows]
            if min(inside.sum(), (~inside).sum()) >= FEWEST:
                roc = Roc.of(statistic[rows], inside, knobs.member_when)
                auc = Delong.of([roc.placements()], roc.is_member).interval()
                aucs.setdefault(attack, {})[f"q{number + 1}"] = auc.json()
    return aucs


def reconstruction_errors(scores: Scores) -> dict[str, Any]:
    """Return the mean of each error of an attack of the kind `reconstruction`, over members and over held-out samples.

    Samples are those of the evaluation fold; limits are Student's, for the mean over samples drawn anew.
    """
    means: dict[str, Any] = {}
    for column, values in zip(scores.columns, scores.statistic, strict=True):
        for side, role in SIDES.items():
            errors = values[~scores.is_calibration & (scores.is_member == role)].astype(np.float64)
            means.setdefault(str(column.variant["error"]), {})[f"of_{side}"] = mean_interval(errors).json()
    return means
