"""One attack on one target: its metrics, the knobs that calibration chooses, and what its thresholds do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.knobs import Assumptions
from simaudit.evaluation.protocol.choice import Choice, estimate
from simaudit.evaluation.protocol.metrics import SCHEMA, folds, metric_rows, threshold_of
from simaudit.evaluation.protocol.selected import Selected
from simaudit.evaluation.protocol.selection import mark_choices
from simaudit.evaluation.protocol.transfer import every_transfer
from simaudit.evaluation.statistics.bootstrap import Bootstrap
from simaudit.evaluation.statistics.permutation import Permutations
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.metrics import AUC
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import variant_text

SAME_KNOBS = "same_knobs"
"""What stands in place of the optimism where the oracle chose the knobs that calibration chose."""


@dataclass(frozen=True)
class MeasuredAttack:
    """One attack: its rows of the table with the choices marked, and these choices on the evaluation fold.

    `statistic` (N,) is the selected statistic of every sample; `transfers` say how thresholds that were set on
    calibration perform on the evaluation fold; `permuted` are AUCs of all statistics under permutations, by fold.
    """

    rows: pd.DataFrame
    knobs: Selected
    statistic: np.ndarray
    selected: Choice
    oracle: Choice
    transfers: dict[str, Any]
    permuted: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        scores: Scores,
        bootstrap: Bootstrap,
        threads: int,
        assumed: Assumptions,
        permutations: Permutations | None = None,
    ) -> "MeasuredAttack":
        """Measure one attack. Raises SimauditError when a fold is too small or a statistic is constant over it."""
        parts = folds(scores)
        permuted = {}
        before, permuted[CALIBRATION] = metric_rows(
            scores, CALIBRATION, parts[CALIBRATION], None, None, permutations, threads
        )
        thresholds = [threshold_of(threshold) for threshold in before.threshold]
        after, permuted[EVALUATION] = metric_rows(
            scores, EVALUATION, parts[EVALUATION], thresholds, bootstrap, permutations, threads
        )
        rows = mark_choices(pd.concat([before, after], ignore_index=True)).reindex(columns=SCHEMA.names)
        # A fold's rows stand in the order of the score file's columns.
        measured = rows[rows.fold == EVALUATION].reset_index(drop=True)
        selected, oracle = (int(measured[mark].argmax()) for mark in ("selected", "oracle"))

        def roc(column: int, samples: np.ndarray) -> Roc:
            return Roc.of(scores.statistic[column, samples], scores.is_member[samples], scores.member_when)

        curve = roc(selected, parts[EVALUATION])
        choice = Choice.of(measured.iloc[selected], curve, bootstrap)
        best = choice
        if oracle != selected:
            best = Choice.of(measured.iloc[oracle], roc(oracle, parts[EVALUATION]), bootstrap)
        column, statistic = scores.columns[selected], scores.statistic[selected].copy()
        return cls(
            rows,
            Selected(
                variant_text(column.variant),
                column.timestep,
                column.queries,
                scores.member_when,
                scores.is_learned,
                scores.kind,
            ),
            statistic,
            choice,
            best,
            every_transfer(roc(selected, parts[CALIBRATION]), curve, assumed),
            permuted,
        )

    def facts(self) -> dict[str, Any]:
        """Return what a reader needs first: the selected row, what thresholds do, and the oracle beside it.

        Where the oracle chose the same knobs, there is no optimism to be measured.
        """
        on_calibration = self.rows[(self.rows.fold == CALIBRATION) & self.rows.selected].iloc[0]
        return {
            "selected": self.selected.facts() | {"calibration_auc": estimate(on_calibration, AUC)},
            **self.transfers,
            "oracle": self.oracle.facts(),
            "optimism": {SAME_KNOBS: True}
            if self.oracle is self.selected
            else self.oracle.minus(self.selected),
        }
