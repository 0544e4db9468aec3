"""How exposed each class, or each group, is: an attack measured within parts of the evaluation fold."""

from typing import Any

import numpy as np
import pandas as pd

from simaudit.evaluation.protocol.metrics import tail_mark
from simaudit.evaluation.sets.levels import FEWEST
from simaudit.evaluation.statistics.intervals import auc_of_few, rate, together
from simaudit.evaluation.statistics.rates import tpr_interval
from simaudit.evaluation.statistics.roc import Roc
from simaudit.vocabulary.metrics import AUC, TPR_AT_1PCT, TPR_LEVELS


def samples_of(part: np.ndarray) -> dict[str, np.ndarray]:
    """Return the samples of each part in order, by name; `part` (N,) has the name of each sample's, or None."""
    number, names = pd.factorize(part, sort=True)
    order, first = (
        np.argsort(number, kind="stable"),
        np.searchsorted(np.sort(number), np.arange(len(names) + 1)),
    )
    return {str(name): order[rows] for name, rows in zip(names, map(slice, first, first[1:]), strict=True)}


def by_part(
    statistic: np.ndarray, is_member: np.ndarray, member_when: str, part: np.ndarray, accused: np.ndarray
) -> dict[str, Any]:
    """Return AUC and TPR at 1 % FPR of a statistic (N,) within each part, by `of_<part>`, with the sizes of the part.

    `accused` (N,) says which samples one threshold for all parts accuses, which was set on other samples: the shares of
    members and of held-out samples that it accuses in each part have exact limits. All limits of one metric hold
    together (Bonferroni over the parts that are measured). A part with fewer members or held-out samples than FEWEST
    has its sizes alone; so has one in which the statistic is constant. There is nothing to compare, and the result is
    empty, where all samples are of one part.
    """
    sizes, rocs, shares = {}, {}, {}
    for name, samples in samples_of(part).items():
        members = int(is_member[samples].sum())
        heldout = len(samples) - members
        sizes[name] = {"members": members, "heldout": heldout}
        if min(members, heldout) >= FEWEST and np.ptp(statistic[samples]) > 0:
            rocs[name] = Roc.of(statistic[samples], is_member[samples], member_when)
            within = accused[samples]
            shares[name] = {
                "members_accused": (int((within & is_member[samples]).sum()), members),
                "heldout_accused": (int((within & ~is_member[samples]).sum()), heldout),
            }
    confidence = together(max(len(rocs), 1))
    measured = {
        name: _metrics(roc, confidence)
        | {side: rate(*counts, confidence).json() for side, counts in shares[name].items()}
        for name, roc in rocs.items()
    }
    return {f"of_{name}": sizes[name] | measured.get(name, {}) for name in sizes if len(sizes) > 1}


def _metrics(roc: Roc, confidence: float) -> dict[str, Any]:
    auc = auc_of_few(roc.placements(), roc.is_member, confidence)
    rate = tpr_interval(roc, TPR_LEVELS[TPR_AT_1PCT], confidence)
    return {AUC: auc.json(), TPR_AT_1PCT: rate.json() | tail_mark(TPR_AT_1PCT, roc.members, roc.heldout)}
