"""Every headline number once more, from the score files and with scikit-learn: none of our own evaluation is used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from simaudit.vocabulary.variant import variant_text

TOLERANCE = 1e-9
LEVELS = {"tpr_at_1pct_fpr": 0.01, "tpr_at_0.1pct_fpr": 0.001}
HELDOUT_LEVEL = 0.01


def recomputed(scores: Path, facts: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Name, reported and recomputed value of each metric of an attack, at its selected and at its oracle knobs.

    `facts` is what the target's summary says of the attack whose score file this is.
    """
    from sklearn.metrics import balanced_accuracy_score

    file = pq.ParquetFile(scores)
    member_when = file.schema_arrow.metadata[b"member_when"].decode()
    table = file.read().to_pandas()
    for choice in ("selected", "oracle"):
        knobs = facts[choice]
        timestep = table.timestep.isna() if knobs["timestep"] is None else table.timestep == knobs["timestep"]
        rows = table[timestep & (table.variant == variant_text(knobs["variant"]))]
        sign = 1 if member_when == "high" else -1
        likeness, is_member = sign * rows.statistic.to_numpy(np.float64), (rows.role == "member").to_numpy()
        calibration = (rows.fold == "calibration").to_numpy()
        for metric, value in metrics(likeness[~calibration], is_member[~calibration]).items():
            yield f"{choice}.{metric}", knobs[metric]["value"], value
        accepted = (
            likeness >= sign * knobs["threshold"] if knobs["threshold"] is not None else likeness == np.inf
        )
        yield (
            f"{choice}.balanced_accuracy",
            knobs["balanced_accuracy"]["value"],
            float(balanced_accuracy_score(is_member[~calibration], accepted[~calibration])),
        )
        yield (
            f"{choice}.threshold: the balanced accuracy there on the calibration fold",
            float(balanced_accuracy_score(is_member[calibration], accepted[calibration])),
            metrics(likeness[calibration], is_member[calibration])["asr"],
        )


def metrics(member_likeness: np.ndarray, is_member: np.ndarray) -> dict[str, float]:
    """AUC, ASR and rates of scores (N,), high for members, by scikit-learn's ROC."""
    from sklearn.metrics import roc_auc_score, roc_curve

    fpr, tpr, _ = roc_curve(is_member, member_likeness, drop_intermediate=False)
    heldout_fpr, heldout_tpr, _ = roc_curve(~is_member, -member_likeness, drop_intermediate=False)
    return {
        "auc": float(roc_auc_score(is_member, member_likeness)),
        "asr": float(((tpr + 1 - fpr) / 2).max()),
        **{name: float(tpr[fpr <= level].max()) for name, level in LEVELS.items()},
        "tpr_heldout_positive": float(heldout_tpr[heldout_fpr <= HELDOUT_LEVEL].max()),
    }
