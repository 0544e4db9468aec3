"""The file of each attack's statistic at its selected knobs, which figures and comparisons of targets read."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import labels
from simaudit.storage.atomic import atomic_path
from simaudit.storage.parquet import CHECKED, CHECKSUMS
from simaudit.storage.reading import reading
from simaudit.vocabulary.kinds import BLIND, entry_of
from simaudit.vocabulary.metrics import TPR_AT_1PCT, TPR_LEVELS
from simaudit.vocabulary.sides import EVALUATION, FOLDS, HELDOUT, SIDES

KNOBS = b"attacks"
DISTANCE = "nearest_member"  # the column of distances


@dataclass(frozen=True)
class Selected:
    """One attack of a kind at its selected knobs; `variant` is the text of one, as in tables; a head `is_learned`."""

    variant: str
    timestep: int | None
    queries: int | None
    member_when: str
    is_learned: bool = False
    kind: str = ""


@dataclass(frozen=True)
class SelectedScores:
    """Statistics (N,) by attack, of the same N samples in sample_id order; BLIND is among them.

    `distance` (N,) is how far each sample is from the nearest member other than itself. Where images are not known,
    there is no BLIND, and no distance.
    """

    sample_id: np.ndarray
    is_member: np.ndarray
    is_calibration: np.ndarray
    knobs: dict[str, Selected]
    statistics: dict[str, np.ndarray]
    distance: np.ndarray | None

    def of_kind(self, kind: str) -> str | None:
        """Return the attack that stands for a kind, see `simaudit.vocabulary.kinds`; None where there is none."""
        return entry_of(kind, {name: knobs.kind for name, knobs in self.knobs.items()})

    @property
    def has_blind(self) -> bool:
        """Whether classifiers that never saw a model are beside the attacks."""
        return BLIND in self.knobs

    def on_evaluation(self, attack: str) -> tuple[np.ndarray, np.ndarray]:
        """Return an attack's statistic and whether each sample is a member, (n,) each, on the evaluation fold."""
        rows = ~self.is_calibration
        return self.statistics[attack][rows], self.is_member[rows]

    def roc(self, attack: str) -> Roc:
        """Return an attack's ROC on the evaluation fold."""
        return Roc.of(*self.on_evaluation(attack), self.knobs[attack].member_when)

    def calibration_auc(self, attack: str) -> float:
        """Return an attack's AUC on the calibration fold, by which attacks are compared before anything is measured."""
        return self.calibration_roc(attack).auc

    def threshold(self, attack: str) -> float | None:
        """Return the threshold with the highest balanced accuracy on the calibration fold."""
        return self.calibration_roc(attack).best_threshold

    def accused(self, attack: str) -> np.ndarray:
        """Return which samples (n,) of the evaluation fold an attack accuses, at its threshold of 1 % FPR.

        That threshold was set on the calibration fold.
        """
        threshold = self.calibration_roc(attack).threshold_at(TPR_LEVELS[TPR_AT_1PCT])
        return self.roc(attack).accepted(threshold)

    def calibration_roc(self, attack: str) -> Roc:
        """Return an attack's ROC on the calibration fold, at the knobs that were chosen there."""
        rows = self.is_calibration
        statistic, is_member = self.statistics[attack][rows], self.is_member[rows]
        return Roc.of(statistic, is_member, self.knobs[attack].member_when)

    def write(self, path: Path) -> None:
        """Write one column per attack beside sample_id, role, fold and distance; the knobs are metadata."""
        columns = {
            "sample_id": pa.array(self.sample_id),
            "role": labels(~self.is_member, SIDES),
            "fold": labels(~self.is_calibration, FOLDS),
            **({} if self.distance is None else {DISTANCE: pa.array(self.distance)}),
            **{attack: pa.array(values) for attack, values in self.statistics.items()},
        }
        knobs = json.dumps({attack: vars(knobs) for attack, knobs in self.knobs.items()})
        with atomic_path(path) as temporary:
            table = pa.table(columns).replace_schema_metadata({KNOBS: knobs})
            pq.write_table(table, temporary, compression="zstd", **CHECKSUMS)

    @classmethod
    def read(cls, path: Path) -> "SelectedScores":
        """Read the file. Raises SimauditError when it is missing or not whole."""
        with reading(path, "a whole file of selected statistics"):
            table = pq.read_table(path, **CHECKED)
            knobs = {
                attack: Selected(**values)
                for attack, values in json.loads(table.schema.metadata[KNOBS]).items()
            }
            frame = table.to_pandas()
            return cls(
                frame["sample_id"].to_numpy(),
                (frame["role"] != HELDOUT).to_numpy(),
                (frame["fold"] != EVALUATION).to_numpy(),
                knobs,
                {attack: frame[attack].to_numpy() for attack in knobs},
                frame[DISTANCE].to_numpy() if DISTANCE in frame else None,
            )
