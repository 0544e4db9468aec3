"""The choice of an attack's knobs, which are its variant and its timestep."""

import pandas as pd

from simaudit.evaluation.protocol.metrics import auc_with_limits
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.metrics import AUC
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import Column

SELECTION = {"metric": AUC, "fold": CALIBRATION, "ties": "the first in the score file"}
"""The rule by which `selected` is chosen, as the evaluation's file states it."""


def selected_column(scores: Scores) -> Column:
    """Return the statistic that `mark_choices` calls `selected`, without measuring anything else."""
    fold = scores.is_calibration
    curves = (Roc.of(of[fold], scores.is_member[fold], scores.member_when) for of in scores.statistic)
    aucs = [auc_with_limits(curve).value for curve in curves]
    return scores.columns[aucs.index(max(aucs))]


def mark_choices(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one attack with `selected`, `selected_in_variant` and `oracle`, each true on both folds.

    `selected` has the highest AUC on the calibration fold. `selected_in_variant` is the same among the timesteps of
    each variant. `oracle` has the highest AUC on the evaluation fold, as if knobs could be chosen on the test set.
    Among equals, the first in file order is chosen.
    """
    in_variant = pd.Series(False, index=rows.index)
    for _, of_variant in rows.groupby("variant", sort=False):
        in_variant[of_variant.index] = _same_knobs(of_variant, _best(of_variant, CALIBRATION))
    return rows.assign(
        selected=_same_knobs(rows, _best(rows, CALIBRATION)),
        selected_in_variant=in_variant,
        oracle=_same_knobs(rows, _best(rows, EVALUATION)),
    )


def _best(rows: pd.DataFrame, fold: str) -> pd.Series:
    return rows.iloc[int(rows.auc.where(rows.fold == fold).argmax())]


def _same_knobs(rows: pd.DataFrame, row: pd.Series) -> pd.Series:
    same_timestep = rows.timestep.isna() if pd.isna(row.timestep) else rows.timestep.eq(row.timestep)
    return rows.variant.eq(row.variant) & same_timestep.fillna(False).astype(bool)
