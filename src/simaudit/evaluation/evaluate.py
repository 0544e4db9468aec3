"""From the scores of one target to its table of metrics, and to the row that each attack is judged by."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.data.split import CALIBRATION, EVALUATION
from simaudit.errors import SimauditError
from simaudit.evaluation.intervals import Delong
from simaudit.evaluation.roc import Roc
from simaudit.scores import Scores

TPR_LEVELS = {"tpr_at_1pct_fpr": 0.01, "tpr_at_0.1pct_fpr": 0.001}
METRICS = ["auc", "asr", *TPR_LEVELS]
LIMITS = ["auc_low", "auc_high"]
KNOBS = ["variant", "timestep"]

SCHEMA = pa.schema(
    [
        ("attack", pa.string()),
        ("variant", pa.string()),
        ("timestep", pa.int16()),
        ("fold", pa.string()),
        ("queries", pa.int32()),
        ("members", pa.int32()),
        ("heldout", pa.int32()),
        *((metric, pa.float64()) for metric in (*METRICS, *LIMITS)),
        ("selected", pa.bool_()),
        ("oracle", pa.bool_()),
    ]
)


def metric_rows(scores: Scores) -> pd.DataFrame:
    """One row for each (variant, timestep, fold) of an attack with the metrics of that fold.

    `auc_low` and `auc_high` are DeLong's 95 % limits.

    Raises SimauditError when a fold lacks members or held-out samples.
    """
    rows = []
    for fold, in_fold in ((CALIBRATION, scores.is_calibration), (EVALUATION, ~scores.is_calibration)):
        is_member = scores.is_member[in_fold]
        if is_member.all() or not is_member.any():
            raise SimauditError(
                f"{scores.attack}: the {fold} fold has {is_member.sum()} members and {(~is_member).sum()} held-out "
                "samples; both are needed, choose another split"
            )
        delong = Delong.of(
            scores.statistic[:, in_fold], is_member, [scores.member_when] * len(scores.columns)
        )
        for k, column in enumerate(scores.columns):
            roc = Roc.of(scores.statistic[k, in_fold], is_member, scores.member_when)
            interval = delong.interval(k)
            rows.append(
                {
                    "attack": scores.attack,
                    "variant": column.variant,
                    "timestep": column.timestep,
                    "fold": fold,
                    "queries": column.queries,
                    "members": int(is_member.sum()),
                    "heldout": int((~is_member).sum()),
                    "auc": roc.auc,
                    "asr": roc.asr,
                    **{name: roc.tpr_at(level) for name, level in TPR_LEVELS.items()},
                    "auc_low": interval.low,
                    "auc_high": interval.high,
                }
            )
    return pd.DataFrame(rows).astype({"timestep": "Int16"})


def mark_choices(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one attack with `selected` and `oracle`, each true on both folds of one (variant, timestep).

    `selected` has the highest AUC on the calibration fold: the honest choice of knobs. `oracle` has the highest on the
    evaluation fold, as if the knobs could be chosen on the test set. Of equals the first in file order is taken.
    """
    marked = rows.copy()
    for name, fold in (("selected", CALIBRATION), ("oracle", EVALUATION)):
        best = rows.iloc[int(rows.auc.where(rows.fold == fold).argmax())]
        same_timestep = rows.timestep.isna() if pd.isna(best.timestep) else rows.timestep == best.timestep
        marked[name] = (rows.variant == best.variant) & same_timestep.fillna(False)
    return marked


def evaluate(all_scores: list[Scores]) -> pd.DataFrame:
    """The table of SCHEMA for one target: every attack's metric rows with its choices marked."""
    return pd.concat([mark_choices(metric_rows(scores)) for scores in all_scores], ignore_index=True)


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """What a person asks first: per attack the selected row measured on the evaluation fold, and the oracle beside it.

    `variants` holds the same for each variant alone, its timestep chosen on the calibration fold.
    """
    summary = {}
    for attack, rows in table.groupby("attack", sort=False):
        summary[str(attack)] = {
            **_choices(rows),
            "variants": {
                str(variant): _choices(mark_choices(one))
                for variant, one in rows.groupby("variant", sort=False)
            },
        }
    return summary


def _choices(rows: pd.DataFrame) -> dict[str, Any]:
    measured = rows[rows.fold == EVALUATION]
    selected, oracle = (_plain(measured[measured[name]].iloc[0]) for name in ("selected", "oracle"))
    return {
        "selected": selected,
        "oracle": oracle,
        "optimism": {metric: oracle[metric] - selected[metric] for metric in METRICS},
    }


def _plain(row: pd.Series) -> dict[str, Any]:
    names = [*KNOBS, "queries", "members", "heldout", *METRICS, *LIMITS]
    return {name: None if pd.isna(row[name]) else _builtin(row[name]) for name in names}


def _builtin(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
