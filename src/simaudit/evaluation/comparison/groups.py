"""Several seeds of one target: their mean and their standard deviation, each with its own interval."""

from typing import Any

import numpy as np
from scipy.stats import chi2

from simaudit.evaluation.protocol.choice import COMPARED
from simaudit.evaluation.protocol.metrics import AUC, tail_mark
from simaudit.evaluation.protocol.quality import DISTANCES
from simaudit.evaluation.results import Results
from simaudit.evaluation.statistics.intervals import CONFIDENCE, Delong, Interval

KEYS = ("value", "low", "high")


def over_seeds(seeds: list[Results]) -> dict[str, Any]:
    """Return mean and spread per metric of each attack that all of these targets have, each at its calibrated knobs.

    `mean_over_seeds` has the limits that these samples give it; all seeds see the same samples, so their errors do not
    average out. `sd_between_seeds` has the limits of a standard deviation, which are wide for few seeds.
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
    summary: dict[str, Any] = {"mean_over_seeds": {}, "sd_between_seeds": {}}
    for metric in COMPARED:
        mark = tail_mark(metric, curves[0].members, curves[0].heldout)
        values = np.array([row[metric]["value"] for row in selected])
        summary["mean_over_seeds"][metric] = means[metric].json() | mark
        summary["sd_between_seeds"][metric] = standard_deviation(values).json() | mark
    return summary


def _distance(name: str, seeds: list[Results]) -> dict[str, Any]:
    """Return mean and spread of a Fréchet distance, for which all seeds are compared with the same images."""
    distances = [results.quality[name] for results in seeds]
    unit = {"unit": distances[0]["unit"]}
    return {
        "mean_over_seeds": _mean(distances).json() | unit,
        "sd_between_seeds": standard_deviation(np.array([row["value"] for row in distances])).json() | unit,
    }


def _mean(intervals: list[dict[str, float]]) -> Interval:
    """Return the mean of values with the means of their limits, which hold however the errors are correlated."""
    return Interval(*(float(np.mean([interval[key] for interval in intervals])) for key in KEYS))


def standard_deviation(values: np.ndarray) -> Interval:
    """Return the standard deviation of normal values (n,), n ≥ 2, with the limits that chi-squared gives it."""
    freedom = len(values) - 1
    sd, tail = float(values.std(ddof=1)), (1 - CONFIDENCE) / 2
    low, high = (float(sd * np.sqrt(freedom / chi2.ppf(p, freedom))) for p in (1 - tail, tail))
    return Interval(sd, low, high)
