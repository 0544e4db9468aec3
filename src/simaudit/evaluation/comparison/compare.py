"""Comparison of several targets: controls, seeds of one target, ranks of the attacks."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.comparison.against import against_reference
from simaudit.evaluation.comparison.carried import carried
from simaudit.evaluation.comparison.groups import over_seeds
from simaudit.evaluation.comparison.published import published
from simaudit.evaluation.comparison.ranks import can_separate, mean_ranks
from simaudit.evaluation.controls.controls import all_controls
from simaudit.evaluation.protocol.choice import COMPARED
from simaudit.evaluation.results import Results


def compare(
    targets: list[Results],
    blind: dict[str, dict[str, Any]],
    bootstrap: int,
    seed: int,
    scores: Mapping[str, Mapping[str, Path]] = MappingProxyType({}),
) -> dict[str, dict[str, Any]]:
    """Return what controls.json, groups.json, ranks.json, against.json, carried.json and published.json hold, by name.

    `blind` is the summary of the blind classifiers by split; `scores` are the score files of audits whose knobs and
    thresholds come from another one, by audit and attack.
    """
    groups: dict[str, list[Results]] = {}
    for results in targets:
        groups.setdefault(results.context.group, []).append(results)
    return {
        "controls": all_controls(targets, blind),
        "groups": {
            "groups": {name: over_seeds(members) for name, members in groups.items() if len(members) > 1}
        },
        "against": {"against": against_reference(targets, bootstrap, seed)},
        "carried": {"carried": carried(targets, scores)},
        "published": published(),
        "ranks": ranks([members for members in groups.values() if members[0].context.control is None]),
    }


def ranks(groups: list[list[Results]]) -> dict[str, Any]:
    """Return mean ranks by metric over audited targets; seeds of one target count once, by their mean.

    Ranks need every attack on every target, so the largest set of targets and attacks without a gap is taken, one that
    can show a difference before one that cannot; `of` names its targets. Of several seeds, those that have all of its
    attacks count. With fewer than two targets or attacks there is nothing to rank, and `absent` says so.
    """

    def with_all(names: list[str]) -> list[list[Results]]:
        having = ([seed for seed in seeds if set(names) <= set(seed.attacks)] for seeds in groups)
        return [seeds for seeds in having if seeds]

    def worth(names: list[str]) -> tuple[bool, int]:
        count = len(with_all(names))
        return can_separate(count, len(names)), (len(names) - 1) * (count - 1)

    known = [results.attacks for seeds in groups for results in seeds]
    shared = max(known, key=worth, default=[])
    ranked = with_all(shared)
    if len(ranked) < 2 or len(shared) < 2:
        return {
            "absent": "ranks need two or more audited targets and two or more attacks that were run on all of them; "
            f"this run has {len(groups)} audited"
        }
    return {
        "of": [members[0].context.group for members in ranked],
        "ranks": {
            metric: mean_ranks(
                pd.DataFrame(
                    {attack: [_mean(members, attack, metric) for members in ranked] for attack in shared}
                )
            )
            for metric in COMPARED
        },
    }


def _mean(seeds: list[Results], attack: str, metric: str) -> float:
    values = (results.summary["attacks"][attack]["selected"][metric]["value"] for results in seeds)
    return float(np.mean(list(values)))
