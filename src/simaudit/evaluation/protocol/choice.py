"""An attack at chosen knobs, measured on the evaluation fold, and its difference to another on the same samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.protocol.metrics import tail_mark, threshold_of
from simaudit.evaluation.statistics.bootstrap import Bootstrap, percentile_interval
from simaudit.evaluation.statistics.intervals import Delong, Interval, paired_difference
from simaudit.evaluation.statistics.roc import Roc, most_errors
from simaudit.vocabulary.metrics import ASR, AUC, BALANCED_ACCURACY, METRICS, TPR_LEVELS
from simaudit.vocabulary.variant import parse_variant

COMPARED = [AUC, BALANCED_ACCURACY, ASR, *TPR_LEVELS]
COVERED_TAIL = 4
"""Fewest false positives that a level must allow for the bootstrap's limits of a difference of TPRs to hold."""


@dataclass(frozen=True)
class Choice:
    """An attack at chosen knobs: `row` is of the evaluation table, the rest is of the n samples of the evaluation fold.

    `placements` (n,) are those of `Roc.placements`; `is_right` (n,) bool says whether each sample is on its own side of
    the threshold that calibration set; `resampled` has the ASR and the TPRs of every resample, by metric. The ROC
    itself takes five times their memory, and is not held.
    """

    row: pd.Series
    is_member: np.ndarray
    placements: np.ndarray
    is_right: np.ndarray
    resampled: dict[str, np.ndarray]

    @classmethod
    def of(cls, row: pd.Series, roc: Roc, bootstrap: Bootstrap) -> "Choice":
        """Measure what differences need; `row`, `roc` and `bootstrap` are of the evaluation fold."""
        return cls(
            row,
            roc.is_member,
            roc.placements(),
            roc.accepted(threshold_of(row.threshold)) == roc.is_member,
            {
                ASR: bootstrap.asr(roc),
                **{name: bootstrap.tpr_at(roc, level) for name, level in TPR_LEVELS.items()},
            },
        )

    def facts(self) -> dict[str, Any]:
        """Return the knobs, and every metric with its limits, in the form of the target's summary."""
        return {
            "variant": parse_variant(self.row.variant),
            "timestep": None if pd.isna(self.row.timestep) else int(self.row.timestep),
            "queries": None if pd.isna(self.row.queries) else int(self.row.queries),
            "threshold": threshold_of(self.row.threshold),
            **{metric: estimate(self.row, metric) | self._mark(metric) for metric in METRICS},
        }

    def _mark(self, metric: str) -> dict[str, bool]:
        return tail_mark(metric, self.row.members, self.row.heldout)

    def minus(self, other: "Choice") -> dict[str, Any]:
        """Return paired differences with their limits: see docs/evaluation.md.

        A difference of TPRs has none where the level allows fewer than COVERED_TAIL false positives: nothing that was
        tried holds the true difference there as often as it says.
        """
        is_member = self.is_member
        intervals = {
            AUC: Delong.of([self.placements, other.placements], is_member).difference(),
            BALANCED_ACCURACY: paired_difference(self.is_right, other.is_right, is_member),
        }
        for metric in (ASR, *TPR_LEVELS):
            difference = float(self.row[metric] - other.row[metric])
            resampled = self.resampled[metric] - other.resampled[metric]
            intervals[metric] = percentile_interval(difference, resampled)
        differences: dict[str, Any] = {
            metric: interval.json() | self._mark(metric) for metric, interval in intervals.items()
        }
        for metric, level in TPR_LEVELS.items():
            if most_errors(level, self.row.heldout) < COVERED_TAIL:
                differences[metric] |= {"low": None, "high": None}
        return differences


def estimate(row: pd.Series, metric: str) -> dict[str, float]:
    """Return a metric of a row of the evaluation table with its limits, in the form of the files under results/."""
    return Interval(*(float(row[f"{metric}{limit}"]) for limit in ("", "_low", "_high"))).json()
