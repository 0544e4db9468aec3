"""Comparison of attacks over several targets: mean ranks, Friedman's test and the critical difference."""

from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.statistics.intervals import CONFIDENCE, Interval


def mean_ranks(values: pd.DataFrame) -> dict[str, Any]:
    """Return the mean ranks of a metric by target (rows) and attack (columns); larger is better, rank 1 is the best.

    Two attacks differ if their mean ranks are further apart than the critical difference of Nemenyi's test,
    q_α √(k(k + 1)/6N). The limits lie half of it on either side, so that then they do not overlap (Demšar, JMLR 2006);
    they end at 1 and k, between which all ranks lie.
    `friedman_p` tests that no attack differs from any other; it is None with fewer than three attacks, and where all
    of them share all ranks.
    """
    from scipy.stats import friedmanchisquare, rankdata  # which takes a second to import

    targets, attacks = values.shape
    ranks = rankdata(-values.to_numpy(), axis=1).mean(axis=0)
    friedman = float(friedmanchisquare(*values.to_numpy().T).pvalue) if attacks > 2 else np.nan
    critical = critical_difference(targets, attacks)
    half = critical / 2
    return {
        "targets": targets,
        "critical_difference": critical,
        "friedman_p": None if np.isnan(friedman) else friedman,
        "attacks": {
            attack: {"mean_rank": Interval(rank, max(rank - half, 1.0), min(rank + half, attacks)).json()}
            for attack, rank in zip(values.columns, ranks.tolist(), strict=True)
        },
    }


def critical_difference(targets: int, attacks: int) -> float:
    """Return how far apart the mean ranks of two of k attacks on N targets must lie to differ."""
    from scipy.stats import studentized_range

    q = studentized_range.ppf(CONFIDENCE, attacks, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(attacks * (attacks + 1) / (6 * targets)))


def can_separate(targets: int, attacks: int) -> bool:
    """Return whether so many targets can show that any two attacks differ: mean ranks are at most k − 1 apart."""
    return targets > 1 and attacks > 1 and critical_difference(targets, attacks) < attacks - 1
