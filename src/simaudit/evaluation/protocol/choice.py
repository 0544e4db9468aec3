"""An attack at chosen knobs, measured on the evaluation fold, and its difference to another on the same samples."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.protocol.metrics import (
    ASR,
    AUC,
    BALANCED_ACCURACY,
    METRICS,
    TPR_LEVELS,
    tail_mark,
    threshold_of,
)
from simaudit.evaluation.statistics.bootstrap import Bootstrap, percentile_interval
from simaudit.evaluation.statistics.intervals import Delong, Interval, paired_difference
from simaudit.evaluation.statistics.roc import Roc, most_errors
from simaudit.vocabulary.variant import parse_variant

COMPARED = [AUC, BALANCED_ACCURACY, ASR, *TPR_LEVELS]
COVERED_TAIL = 4
"""Fewest false positives that a level must allow for the bootstrap's limits of a difference of TPRs to hold."""


@dataclass(frozen=True)
class Choice:
    """An attack at chosen knobs: `row` is of the evaluation table, `roc` and `bootstrap` are of the evaluation fold."""

    row: pd.Series
    roc: Roc
    bootstrap: Bootstrap

    @cached_property
    def placements(self) -> np.ndarray:
        """The placements (n,) of the evaluation samples, see `Roc.placements`."""
        return self.roc.placements()

    @property
    def is_right(self) -> np.ndarray:
        """Whether each evaluation sample is on its own side of the threshold that calibration set, (n,) bool."""
        right: np.ndarray = self.roc.accepted(threshold_of(self.row.threshold)) == self.roc.is_member
        return right

    @cached_property
    def resampled(self) -> dict[str, np.ndarray]:
        """The ASR and the TPRs of every resample, by metric."""
        rates = {name: self.bootstrap.tpr_at(self.roc, level) for name, level in TPR_LEVELS.items()}
        return {ASR: self.bootstrap.asr(self.roc), **rates}

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
        return tail_mark(metric, self.roc.members, self.roc.heldout)

    def minus(self, other: "Choice") -> dict[str, Any]:
        """Return paired differences with their limits: see docs/evaluation.md.

        A difference of TPRs has none where the level allows fewer than COVERED_TAIL false positives: nothing that was
        tried holds the true difference there as often as it says.
        """
        is_member = self.roc.is_member
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
            if most_errors(level, self.roc.heldout) < COVERED_TAIL:
                differences[metric] |= {"low": None, "high": None}
        return differences


def estimate(row: pd.Series, metric: str) -> dict[str, float]:
    """Return a metric of a row of the evaluation table with its limits, in the form of the files under results/."""
    return Interval(*(float(row[f"{metric}{limit}"]) for limit in ("", "_low", "_high"))).json()
