"""The headline numbers once more, without the held-out samples that are nearly the same image as a member.

An attack that takes such a sample for a member is right in all but name, and the numbers with it are too low.
"""

from typing import Any

import numpy as np

from simaudit.data.sizes import SMALLEST_SIDE
from simaudit.evaluation.protocol.metrics import headline_metrics, tail_mark
from simaudit.evaluation.protocol.selected import SelectedScores
from simaudit.evaluation.statistics.roc import Roc


def without_near_duplicates(selected: SelectedScores, is_near: np.ndarray) -> dict[str, Any]:
    """Return the headline metrics of each attack, with limits, on the evaluation samples that are no near duplicates.

    `is_near` (N,) says which samples are; members stay. Knobs and threshold are those that calibration chose, on all of
    its samples. The result is empty where no held-out sample is left out, or fewer than SMALLEST_SIDE would be left.
    """
    left_out = ~selected.is_calibration & ~selected.is_member & is_near
    rows = ~selected.is_calibration & ~left_out
    is_member = selected.is_member[rows]
    members, heldout = int(is_member.sum()), int((~is_member).sum())
    if not left_out.any() or heldout < SMALLEST_SIDE:
        return {}
    without = {}
    for attack, statistic in selected.statistics.items():
        roc = Roc.of(statistic[rows], is_member, selected.knobs[attack].member_when)
        metrics = headline_metrics(roc, selected.threshold(attack))
        without[attack] = {
            metric: interval.json() | tail_mark(metric, members, heldout)
            for metric, interval in metrics.items()
        }
    return without
