"""Every headline number once more: from the score files with scikit-learn, from samples and images with SciPy.

None of our own evaluation is used, only what metrics are called, and the features in which images are compared.
"""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from simaudit.samples.features import Extractor, Features
from simaudit.storage.parquet import CHECKED
from simaudit.vocabulary.job import Job
from simaudit.vocabulary.metrics import (
    ASR,
    AUC,
    BALANCED_ACCURACY,
    HELDOUT_POSITIVE_LEVEL,
    TPR_HELDOUT_POSITIVE,
    TPR_LEVELS,
)
from simaudit.vocabulary.variant import variant_text

TOLERANCE = 1e-9
FRECHET_TOLERANCE = {"rel_tol": 1e-4, "abs_tol": 1e-4}
"""Relative and absolute: the network of the features is fitted again, and covariances are nearly singular."""


def near_duplicates(nearest: Path) -> list[int]:
    """Return the sample_id of every near duplicate, from the file of the nearest members of a split."""
    table = pq.read_table(nearest, columns=["sample_id", "near_duplicate"], **CHECKED).to_pandas()
    return list(table.sample_id[table.near_duplicate])


def recomputed(
    scores: Path, facts: dict[str, Any], near: Collection[int] = ()
) -> list[tuple[str, float, float]]:
    """Return name, reported and recomputed value of each metric of an attack, at its selected and oracle knobs.

    `facts` is what the target's summary says of the attack whose score file this is; `near` are the near duplicates.
    """
    from sklearn.metrics import balanced_accuracy_score

    file = pq.ParquetFile(scores, **CHECKED)
    member_when = file.schema_arrow.metadata[b"member_when"].decode()
    table = file.read().to_pandas()
    found = []
    for choice in ("selected", "oracle"):
        knobs = facts[choice]
        timestep = table.timestep.isna() if knobs["timestep"] is None else table.timestep == knobs["timestep"]
        rows = table[timestep & (table.variant == variant_text(knobs["variant"]))]
        sign = 1 if member_when == "high" else -1
        likeness, is_member = sign * rows.statistic.to_numpy(np.float64), (rows.role == "member").to_numpy()
        calibration = (rows.fold == "calibration").to_numpy()
        values = metrics(likeness[~calibration], is_member[~calibration])
        found += [(f"{choice}.{metric}", knobs[metric]["value"], value) for metric, value in values.items()]
        without = facts.get("without_near_duplicates") if choice == "selected" else None
        if without:
            left = ~calibration & (is_member | ~rows.sample_id.isin(near).to_numpy())
            values = metrics(likeness[left], is_member[left])
            found += [
                (f"without_near_duplicates.{metric}", without[metric]["value"], values[metric])
                for metric in (AUC, *TPR_LEVELS)
            ]
        accepted = (
            likeness >= sign * knobs["threshold"] if knobs["threshold"] is not None else likeness == np.inf
        )
        found += [
            (
                f"{choice}.{BALANCED_ACCURACY}",
                knobs[BALANCED_ACCURACY]["value"],
                float(balanced_accuracy_score(is_member[~calibration], accepted[~calibration])),
            ),
            (
                f"{choice}.threshold: the balanced accuracy there on the calibration fold",
                float(balanced_accuracy_score(is_member[calibration], accepted[calibration])),
                metrics(likeness[calibration], is_member[calibration])[ASR],
            ),
        ]
    return found


def metrics(member_likeness: np.ndarray, is_member: np.ndarray) -> dict[str, float]:
    """Return AUC, ASR and rates of scores (N,), high for members, by scikit-learn's ROC."""
    from sklearn.metrics import roc_auc_score, roc_curve

    fpr, tpr, _ = roc_curve(is_member, member_likeness, drop_intermediate=False)
    heldout_fpr, heldout_tpr, _ = roc_curve(~is_member, -member_likeness, drop_intermediate=False)
    return {
        AUC: float(roc_auc_score(is_member, member_likeness)),
        ASR: float(((tpr + 1 - fpr) / 2).max()),
        **{name: float(tpr[fpr <= level].max()) for name, level in TPR_LEVELS.items()},
        TPR_HELDOUT_POSITIVE: float(heldout_tpr[heldout_fpr <= HELDOUT_POSITIVE_LEVEL].max()),
    }


def frechet_distances(job: Job) -> dict[str, float]:
    """Compute the distances that a quality job reports, by name; none where Inception gives the features.

    The sets are cut at random as the job cuts them.
    """
    from simaudit.data.split import Split
    from simaudit.data.store import Images

    knobs, seed = job.params["quality"], job.params["evaluation"]["seed"]
    if knobs["features"] == "inception":
        return {}
    split, real = Split.read(job.input("split")), Images.open(job.input("images"))
    features = _features(knobs["features"], *map(job.input, ("images", "items", "split")), knobs["seed"])
    drawn, heldout = Images.open(job.input("samples")), split.sample_id[~split.is_member]
    sets = [
        features.of(images, ids)
        for images, ids in ((drawn, np.arange(len(drawn))), (real, split.member_ids), (real, heldout))
    ]
    rng, count = np.random.default_rng(seed), min(map(len, sets))
    samples, members, heldout = (part[rng.permutation(len(part))[:count]] for part in sets)
    to_members, to_heldout = frechet(samples, members), frechet(samples, heldout)
    return {
        "to_members": to_members,
        "to_heldout": to_heldout,
        "members_to_heldout": frechet(members, heldout),
        "heldout_minus_members": to_heldout - to_members,
    }


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Return ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) of features (n, d) and (m, d), by SciPy's eigenvalues of Σ₁Σ₂."""
    from scipy.linalg import eigvals

    one, other = np.cov(first.T), np.cov(second.T)
    means = np.sum((first.mean(0) - second.mean(0)) ** 2)
    shared = np.sqrt(np.maximum(eigvals(one @ other).real, 0)).sum()
    return float(means + np.trace(one) + np.trace(other) - 2 * shared)


@lru_cache(maxsize=4)
def _features(kind: Extractor, images: Path, items: Path, split: Path, seed: int) -> Features:
    """Return the features of the samples of a split; audits of one split share them."""
    from threadpoolctl import threadpool_limits

    from simaudit.data.split import Split
    from simaudit.data.store import Images, read_items
    from simaudit.samples.features import extractor

    with threadpool_limits(1):
        used = Split.read(split).sample_id
        labels = read_items(items, "label").label.iloc[used]
        return extractor(kind, Images.open(images), used, labels, seed)
