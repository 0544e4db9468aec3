"""Every metric of every statistic of an attack, on each fold."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.data.sizes import refuse_small
from simaudit.data.split import measured_sizes
from simaudit.evaluation.statistics.bootstrap import Bootstrap, asr_interval
from simaudit.evaluation.statistics.intervals import Delong, Interval
from simaudit.evaluation.statistics.permutation import Permutations
from simaudit.evaluation.statistics.rates import balanced_accuracy_at, tpr_interval
from simaudit.evaluation.statistics.roc import Roc, most_errors
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.metrics import (
    ASR,
    AUC,
    BALANCED_ACCURACY,
    CHANCE,
    HELDOUT_POSITIVE_LEVEL,
    METRICS,
    RATES,
    READABLE_TAIL,
    TPR_HELDOUT_POSITIVE,
    TPR_LEVELS,
)
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import variant_text

BLOCK = 16  # statistics at a time: what is computed of all samples is held of these alone

SCHEMA = pa.schema(
    [
        ("attack", pa.string()),
        ("variant", pa.string()),
        ("timestep", pa.int16()),
        ("log_snr", pa.float64()),
        ("fold", pa.string()),
        ("queries", pa.int32()),
        ("members", pa.int32()),
        ("heldout", pa.int32()),
        *((f"{metric}{limit}", pa.float64()) for metric in METRICS for limit in ("", "_low", "_high")),
        *((f"{metric}_tail_too_small", pa.bool_()) for metric in RATES),
        ("threshold", pa.float64()),
        ("selected", pa.bool_()),
        ("selected_in_variant", pa.bool_()),
        ("oracle", pa.bool_()),
    ]
)


def tail_too_small(metric: str, members: int, heldout: int) -> bool:
    """Return whether a rate's level allows fewer than READABLE_TAIL errors; it is then marked wherever it is shown."""
    wrong = members if metric == TPR_HELDOUT_POSITIVE else heldout
    return metric in RATES and most_errors(CHANCE[metric], wrong) < READABLE_TAIL


def tail_mark(metric: str, members: int, heldout: int) -> dict[str, bool]:
    """Return the mark in the form that stands beside the value in a file."""
    return {"tail_too_small": True} if tail_too_small(metric, members, heldout) else {}


def folds(scores: Scores) -> dict[str, np.ndarray]:
    """Return the samples of each fold, (N,) bool.

    Raises SimauditError when a fold is too small to be measured, or a statistic is constant over it.
    """
    try:
        refuse_small(measured_sizes(scores.is_member, scores.is_calibration))
    except SimauditError as error:
        raise SimauditError(f"{scores.attack}: {error}") from None
    samples = {CALIBRATION: scores.is_calibration, EVALUATION: ~scores.is_calibration}
    for fold, rows in samples.items():
        for column, statistic in zip(scores.columns, scores.statistic, strict=True):
            if np.ptp(statistic[rows]) == 0:
                raise SimauditError(
                    f"{scores.attack}: the statistic is the same for all samples of the {fold} fold at {column}; "
                    "leave that timestep or variant out"
                )
    return samples


def blocks(statistics: int, threads: int = 1) -> list[np.ndarray]:
    """Return the numbers of K statistics in blocks of at most BLOCK, of about one size, so that each thread has one."""
    return np.array_split(np.arange(statistics), max(-(-statistics // BLOCK), min(threads, statistics)))


def metric_rows(
    scores: Scores,
    fold: str,
    rows: np.ndarray,
    thresholds: Sequence[float | None] | None,
    bootstrap: Bootstrap | None,
    permutations: Permutations | None,
    threads: int,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return one row per statistic with its metrics over `rows` (N,) bool, and the AUCs of all under `permutations`.

    Balanced accuracies are those at the K `thresholds`, which were set on calibration; without them each is set on
    these rows. All values but ASRs have limits, and so have these if there is a bootstrap: see docs/evaluation.md. AUCs
    under permutations are (K, permutations), (K, 0) if none are given. Each statistic is sorted once.
    """
    is_member = scores.is_member[rows]
    members, heldout = int(is_member.sum()), int((~is_member).sum())

    def measure(places: np.ndarray) -> tuple[list[dict[str, float | None]], np.ndarray]:
        facts: list[dict[str, float | None]] = []
        midranks = []
        for place in places:
            roc = Roc.of(scores.statistic[place, rows], is_member, scores.member_when)
            threshold = roc.best_threshold if thresholds is None else thresholds[place]
            columns = {
                f"{metric}{limit}": value
                for metric, interval in _intervals(roc, threshold, bootstrap).items()
                for limit, value in zip(("", "_low", "_high"), vars(interval).values(), strict=True)
            }
            facts.append({**columns, "threshold": threshold})
            if permutations:
                midranks.append(roc.centred_midranks())
        return facts, permutations.auc(fold, midranks) if permutations else np.empty((len(places), 0))

    with ThreadPoolExecutor(threads) as pool:
        measured, permuted = zip(*pool.map(measure, blocks(len(scores.columns), threads)), strict=True)
    return pd.DataFrame(chain.from_iterable(measured)).assign(
        attack=scores.attack,
        variant=[variant_text(column.variant) for column in scores.columns],
        timestep=pd.array([column.timestep for column in scores.columns], dtype="Int16"),
        log_snr=[
            np.nan if c.timestep is None else scores.log_snr.get(c.timestep, np.nan) for c in scores.columns
        ],
        fold=fold,
        queries=pd.array([column.queries for column in scores.columns], dtype="Int32"),
        members=members,
        heldout=heldout,
        **{f"{metric}_tail_too_small": tail_too_small(metric, members, heldout) for metric in RATES},
    ), np.concatenate(permuted)


def threshold_of(cell: Any) -> float | None:
    """Return a threshold from its cell in a table; None if it accepts no sample."""
    return None if pd.isna(cell) else float(cell)


def auc_with_limits(roc: Roc) -> Interval:
    """Return the AUC of an ROC with its limits."""
    return Delong.of([roc.placements()], roc.is_member).interval()


def headline_metrics(roc: Roc, threshold: float | None) -> dict[str, Interval]:
    """Return the headline metrics of an ROC with their limits; the threshold was set on other samples."""
    return {
        AUC: auc_with_limits(roc),
        BALANCED_ACCURACY: balanced_accuracy_at(threshold, roc),
        **{name: tpr_interval(roc, level) for name, level in TPR_LEVELS.items()},
    }


def _intervals(roc: Roc, threshold: float | None, bootstrap: Bootstrap | None) -> dict[str, Interval]:
    asr = asr_interval(roc, bootstrap.asr(roc)) if bootstrap else Interval(roc.asr, np.nan, np.nan)
    return {
        **headline_metrics(roc, threshold),
        ASR: asr,
        TPR_HELDOUT_POSITIVE: tpr_interval(roc.turned_round(), HELDOUT_POSITIVE_LEVEL),
    }
