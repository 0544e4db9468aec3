"""An attack at chosen knobs, measured on the evaluation fold, and its difference to another on the same samples."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.protocol.metrics import ASR, AUC, METRICS, TPR_LEVELS, tail_mark
from simaudit.evaluation.statistics.bootstrap import Bootstrap, basic_interval
from simaudit.evaluation.statistics.intervals import Delong, Interval
from simaudit.evaluation.statistics.roc import Roc
from simaudit.vocabulary.variant import parse_variant

COMPARED = [AUC, ASR, *TPR_LEVELS]


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
            "queries": int(self.row.queries),
            **{metric: estimate(self.row, metric) | self._mark(metric) for metric in METRICS},
        }

    def _mark(self, metric: str) -> dict[str, bool]:
        return tail_mark(metric, self.roc.members, self.roc.heldout)

    def minus(self, other: "Choice") -> dict[str, Any]:
        """Return paired differences with their limits: DeLong's for AUC, the bootstrap's for ASR and TPR."""
        delong = Delong.of([self.placements, other.placements], self.roc.is_member)
        differences: dict[str, Any] = {AUC: delong.difference().json()}
        for metric in COMPARED[1:]:
            difference = self.row[metric] - other.row[metric]
            resampled = self.resampled[metric] - other.resampled[metric]
            differences[metric] = basic_interval(float(difference), resampled, (-1, 1)).json() | self._mark(
                metric
            )
        return differences


def estimate(row: pd.Series, metric: str) -> dict[str, float]:
    """Return a metric of a row of the evaluation table with its limits, in the form of the files under results/."""
    return Interval(*(float(row[f"{metric}{limit}"]) for limit in ("", "_low", "_high"))).json()
