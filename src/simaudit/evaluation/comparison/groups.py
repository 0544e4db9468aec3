"""Several seeds of one target: their mean, the lowest and the highest, and of enough of them the standard deviation."""

from typing import Any

import numpy as np
from scipy.special import gammaincinv

from simaudit.evaluation.protocol.choice import COMPARED
from simaudit.evaluation.protocol.metrics import tail_mark
from simaudit.evaluation.protocol.quality import DISTANCES
from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.intervals import CONFIDENCE, Delong, Interval
from simaudit.vocabulary.metrics import AUC

KEYS = ("value", "low", "high")
FEWEST_SEEDS = 5
"""Fewest seeds to give a standard deviation of. Of five its upper limit is 2.9 times the value; of two, 32 times."""


def over_seeds(seeds: list[Results]) -> dict[str, Any]:
    """Return mean and spread per metric of each attack that all of these targets have, each at its calibrated knobs.

    `mean_over_seeds` has the limits that these samples give it; all seeds see the same samples, so their errors do not
    average out. `lowest_seed` and `highest_seed` are values of single seeds, and have no limits here. From FEWEST_SEEDS
    on, `sd_between_seeds` is their standard deviation, with its limits.
    Raises SimauditError when the targets were evaluated on different samples.
    """
    for other in seeds[1:]:
        other.require_same_samples(seeds[0])
    shared = [attack for attack in seeds[0].attacks if all(attack in other.attacks for other in seeds)]
    return {
        "seeds": [results.target for results in seeds],
        "attacks": {attack: _attack(attack, seeds) for attack in shared},
        "frechet": {name: _distance(name, seeds) for name in DISTANCES},
    }


def _attack(attack: str, seeds: list[Results]) -> dict[str, Any]:
    curves = [results.selected.roc(attack) for results in seeds]
    selected = [results.summary["attacks"][attack]["selected"] for results in seeds]
    means = {metric: _mean([row[metric] for row in selected]) for metric in COMPARED}
    means[AUC] = Delong.of([roc.placements() for roc in curves], curves[0].is_member).mean()
    summary: dict[str, Any] = {"mean_over_seeds": {}}
    for metric in COMPARED:
        mark = tail_mark(metric, curves[0].members, curves[0].heldout)
        summary["mean_over_seeds"][metric] = means[metric].json() | mark
        for name, number in _spread([row[metric]["value"] for row in selected]).items():
            summary.setdefault(name, {})[metric] = number | mark
    return summary


def _distance(name: str, seeds: list[Results]) -> dict[str, Any]:
    """Return mean and spread of a Fréchet distance, for which all seeds are compared with the same images."""
    distances = [results.quality[name] for results in seeds]
    unit = {"unit": distances[0]["unit"]}
    spread = _spread([row["value"] for row in distances])
    return {
        "mean_over_seeds": _mean(distances).json() | unit,
        **{key: number | unit for key, number in spread.items()},
    }


def _spread(values: list[float]) -> dict[str, dict[str, float | None]]:
    """Return how far the values of seeds lie apart, by the name of each number."""
    ends = {"lowest_seed": min(values), "highest_seed": max(values)}
    spread = {name: dict(zip(KEYS, (value, None, None), strict=True)) for name, value in ends.items()}
    if len(values) >= FEWEST_SEEDS:
        return {**spread, "sd_between_seeds": dict(standard_deviation(np.array(values)).json())}
    return spread


def _mean(intervals: list[dict[str, float]]) -> Interval:
    """Return the mean of values with the means of their limits, which hold however the errors are correlated."""
    return Interval(*(float(np.mean([interval[key] for interval in intervals])) for key in KEYS))


def standard_deviation(values: np.ndarray) -> Interval:
    """Return the standard deviation of normal values (n,), n ≥ 2, with the limits that chi-squared gives it."""
    freedom = len(values) - 1
    sd, tail = float(values.std(ddof=1)), (1 - CONFIDENCE) / 2
    # χ² of ν degrees of freedom has the quantiles of a gamma distribution of shape ν/2 and scale 2.
    low, high = (float(sd * np.sqrt(freedom / (2 * gammaincinv(freedom / 2, p)))) for p in (1 - tail, tail))
    return Interval(sd, low, high)
