"""The control that shuffles the labels: whatever an attack reaches then comes from the protocol itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simaudit.evaluation.statistics.intervals import Interval, mean_interval, rate, student_quantile, together
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION

CHUNK = 8192  # samples at a time whose labels are numbers: a copy of all labels would take eight times their memory


@dataclass(frozen=True)
class Permutations:
    """Labels (permutations, n) of each fold, shuffled within the fold, so that both classes keep their sizes."""

    labels: dict[str, np.ndarray]

    @classmethod
    def of(cls, is_member: dict[str, np.ndarray], permutations: int, seed: int) -> "Permutations":
        """Shuffle the true labels (n,) bool of each fold; the same arguments give the same permutations."""
        rng = np.random.default_rng(seed)
        tiled = {fold: np.tile(labels, (permutations, 1)) for fold, labels in is_member.items()}
        for labels in tiled.values():
            rng.permuted(labels, axis=1, out=labels)
        return cls(tiled)

    def auc(self, fold: str, centred_midranks: Sequence[np.ndarray]) -> np.ndarray:
        """Return the AUC of K statistics under each permutation, (K, permutations), from centred midranks, K × (n,).

        Sums of midranks are whole numbers of halves, which float64 holds exactly, in whichever order they are summed.
        """
        labels = self.labels[fold]
        permutations, samples = labels.shape
        members = labels[0].sum()
        sums = np.zeros((len(centred_midranks), permutations))
        for first in range(0, samples, CHUNK):
            rows = slice(first, first + CHUNK)
            ranks = np.stack([midranks[rows] for midranks in centred_midranks])
            sums += ranks @ labels[:, rows].T.astype(np.float64)
        aucs: np.ndarray = 0.5 + sums / (members * (samples - members))
        return aucs


def permuted_protocol(aucs: dict[str, np.ndarray], observed: float) -> dict[str, Any]:
    """Return what the protocol reports of an attack when labels mean nothing, from AUCs (K, permutations) by fold.

    `auc` is the mean of the AUC at calibrated knobs; it must be 0.5. `oracle_auc` is the mean of the best AUC on the
    evaluation fold: what luck alone gives when knobs are chosen on the test set. Their limits are those of a mean over
    permutations. `p_value` is the share of permutations that reach the `observed` AUC; the real labels count as one of
    them.
    """
    calibration, evaluation = aucs[CALIBRATION], aucs[EVALUATION]
    permutations = calibration.shape[1]
    selected = evaluation[calibration.argmax(axis=0), np.arange(permutations)]
    reached = int((selected >= observed).sum())
    share = rate(reached, permutations)
    return {
        "auc": mean_interval(selected).json(),
        "oracle_auc": mean_interval(evaluation.max(axis=0)).json(),
        "p_value": Interval((1 + reached) / (1 + permutations), share.low, share.high).json(),
    }


def widened(mean: Interval, permutations: int, tests: int) -> Interval:
    """Widen a `mean_interval` so that it holds together with the others of `tests` in all (Bonferroni)."""
    factor = student_quantile(permutations, together(tests)) / student_quantile(permutations)
    low, high = (mean.value + factor * (limit - mean.value) for limit in (mean.low, mean.high))
    return Interval(mean.value, low, high)
