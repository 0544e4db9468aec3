"""Every metric of every statistic of an attack, on each fold."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa

from simaudit.data.sizes import refuse_small
from simaudit.data.split import measured_sizes
from simaudit.evaluation.statistics.bootstrap import Bootstrap, asr_interval
from simaudit.evaluation.statistics.intervals import Delong, clopper_pearson
from simaudit.evaluation.statistics.roc import Roc
from simaudit.scoring.score_file import Scores
from simaudit.vocabulary.errors import SimauditError
from simaudit.vocabulary.sides import CALIBRATION, EVALUATION
from simaudit.vocabulary.variant import variant_text

AUC, ASR = "auc", "asr"
TPR_LEVELS = {"tpr_at_1pct_fpr": 0.01, "tpr_at_0.1pct_fpr": 0.001}
TPR_HELDOUT_POSITIVE = "tpr_heldout_positive"
HELDOUT_POSITIVE_LEVEL = 0.01  # share of the members that may be flagged while held-out samples are found
RATES = [*TPR_LEVELS, TPR_HELDOUT_POSITIVE]
METRICS = [AUC, ASR, *RATES]
CHANCE = {AUC: 0.5, ASR: 0.5, **TPR_LEVELS, TPR_HELDOUT_POSITIVE: HELDOUT_POSITIVE_LEVEL}

READABLE_TAIL = 10  # fewest false positives that a level must allow for its TPR to be read

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
        ("selected", pa.bool_()),
        ("selected_in_variant", pa.bool_()),
        ("oracle", pa.bool_()),
    ]
)


def tail_too_small(metric: str, members: int, heldout: int) -> bool:
    """Return whether a rate's level allows fewer than READABLE_TAIL errors; it is then marked wherever it is shown."""
    wrong = members if metric == TPR_HELDOUT_POSITIVE else heldout
    return metric in RATES and wrong * CHANCE[metric] < READABLE_TAIL


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
        constant = np.ptp(scores.statistic[:, rows], axis=1) == 0
        if constant.any():
            column = scores.columns[int(constant.argmax())]
            raise SimauditError(
                f"{scores.attack}: the statistic is the same for all samples of the {fold} fold at {column}; "
                "leave that timestep or variant out"
            )
    return samples


def metric_rows(
    scores: Scores, fold: str, rows: np.ndarray, bootstrap: Bootstrap | None, threads: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return one row per statistic with its metrics over `rows` (N,) bool, and the centred midranks of all (K, n).

    AUCs have DeLong's 95 % limits; rates have those of Clopper and Pearson, given the threshold; ASRs have those of the
    bootstrap, if there is one. Each statistic is sorted once.
    """
    is_member = scores.is_member[rows]
    members, heldout = int(is_member.sum()), int((~is_member).sum())

    def measure(statistic: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        roc = Roc.of(statistic[rows], is_member, scores.member_when)
        return _point_metrics(roc) | _limits(roc, bootstrap), roc.centred_midranks()

    with ThreadPoolExecutor(threads) as pool:
        measured, midranks = zip(*pool.map(measure, scores.statistic), strict=True)
    frame = pd.DataFrame(measured)
    for rate in RATES:
        total = heldout if rate == TPR_HELDOUT_POSITIVE else members
        frame[f"{rate}_low"], frame[f"{rate}_high"] = clopper_pearson(frame[rate].to_numpy(), total)
        frame[rate] /= total
        frame[f"{rate}_tail_too_small"] = tail_too_small(rate, members, heldout)
    return frame.assign(
        attack=scores.attack,
        variant=[variant_text(column.variant) for column in scores.columns],
        timestep=pd.array([column.timestep for column in scores.columns], dtype="Int16"),
        log_snr=[
            np.nan if c.timestep is None else scores.log_snr.get(c.timestep, np.nan) for c in scores.columns
        ],
        fold=fold,
        queries=[column.queries for column in scores.columns],
        members=members,
        heldout=heldout,
    ), np.stack(midranks)


def _point_metrics(roc: Roc) -> dict[str, float]:
    """Return the values by name, the rates still as counts."""
    return {
        ASR: roc.asr,
        **{name: roc.found_at(level) for name, level in TPR_LEVELS.items()},
        TPR_HELDOUT_POSITIVE: roc.heldout_found_at(HELDOUT_POSITIVE_LEVEL),
    }


def _limits(roc: Roc, bootstrap: Bootstrap | None) -> dict[str, float]:
    auc = Delong.of([roc.placements()], roc.is_member).interval()
    values = {AUC: auc.value, f"{AUC}_low": auc.low, f"{AUC}_high": auc.high}
    if bootstrap:
        asr = asr_interval(roc, bootstrap.asr(roc))
        values |= {f"{ASR}_low": asr.low, f"{ASR}_high": asr.high}
    return values
