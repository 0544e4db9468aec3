"""LiRA: how likely a statistic is for a model that was trained on the sample, against one that was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from simaudit.attacks.derived._of_one import OfOneAttack
from simaudit.attacks.derived._references import Logarithms, mean_over
from simaudit.attacks.derived_attack import Known, Statistics, each_with
from simaudit.vocabulary.bounds import Several
from simaudit.vocabulary.errors import SimauditError

LEAST = 2
"""References on each side of a sample that its own means need."""
LEAST_VARIANCE = 1e-12


class LiRA(OfOneAttack):
    """A likelihood ratio on log s, high for members: s is any positive statistic (arXiv:2112.03570, of diffusion models
    2301.13188).

    References give each sample a Gaussian of log s for models that were trained on it (in), and one for models that
    were not (out). `online` is the logarithm of the ratio of both densities at the audited target's log s. `offline`
    reads the out Gaussian alone: by how many standard deviations log s lies from its mean to the side of members, which
    orders samples as the one-sided tail does. Means are each sample's own, variances are pooled over all samples, as
    published for few references (below some 64).

    In `online` a sample with fewer than two references on either side gets pooled means: in − out is the mean
    difference of all samples that have both, and out is the mean over all its references after this difference is taken
    from those that were trained on it. In `offline` this is so where all were trained on it. `queries` counts those of
    the audited target alone, as of `of`.
    """

    needs_references = True

    modes: Several[Literal["online", "offline"]] = ("online", "offline")

    def derive(self, known: Known) -> Statistics:
        logs = Logarithms.of(known, self.of, self.norms)
        _require_both_sides(logs.members)
        ratios = {"online": online, "offline": offline}
        values = np.concatenate([ratios[mode](logs) for mode in self.modes])
        return Statistics(each_with(logs.columns, "mode", self.modes), values, "high")


def online(logs: Logarithms) -> np.ndarray:
    """Return log N(ℓ; μ_in, σ_in²) − log N(ℓ; μ_out, σ_out²) of each statistic of each sample: (K, N)."""
    inside, outside, level, difference = _means(logs)
    own = (logs.members.sum(axis=0) >= LEAST) & ((~logs.members).sum(axis=0) >= LEAST)
    inside, outside = np.where(own, inside, level + difference), np.where(own, outside, level)
    var_out = _variance(logs.references, ~logs.members)
    has_inside = (logs.members.sum(axis=0) >= LEAST).any()
    var_in = _variance(logs.references, logs.members) if has_inside else var_out
    far_out, far_in = (np.square(logs.audited - mean) for mean in (outside, inside))
    ratio: np.ndarray = (far_out / var_out - far_in / var_in + np.log(var_out / var_in)) / 2
    return ratio


def offline(logs: Logarithms) -> np.ndarray:
    """Return (ℓ − μ_out)/σ_out, with the sign with which it is high for members: (K, N)."""
    _, outside, level, _ = _means(logs)
    outside = np.where(logs.members.all(axis=0), level, outside)
    score: np.ndarray = (logs.audited - outside) / np.sqrt(_variance(logs.references, ~logs.members))
    return score if logs.member_when == "high" else -score


def _means(logs: Logarithms) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return each sample's mean over references that were trained on it, over the others, and by pooling (K, N).

    The fourth is the mean difference of the first two (K, 1), which the third takes from references that were trained
    on the sample.
    """
    inside, outside = mean_over(logs.references, logs.members), mean_over(logs.references, ~logs.members)
    difference = np.nanmean(inside - outside, axis=1, keepdims=True)
    pairs = zip(logs.references, logs.members, strict=True)
    without = [values - difference * members for values, members in pairs]
    return inside, outside, mean_over(without, np.ones_like(logs.members)), difference


def _variance(references: Sequence[np.ndarray], taken: np.ndarray) -> np.ndarray:
    """Return the variance around each sample's own mean, over samples with two references or more taken: (K, 1)."""
    mean, several = mean_over(references, taken), taken.sum(axis=0) >= LEAST
    squares = sum(
        np.square(values - mean)[:, rows & several].sum(axis=1)
        for values, rows in zip(references, taken, strict=True)
    )
    freedom = (taken.sum(axis=0) - 1)[several].sum()
    variance: np.ndarray = np.maximum(squares / freedom, LEAST_VARIANCE)
    return variance[:, None]


def _require_both_sides(members: np.ndarray) -> None:
    """Raise SimauditError when the references' members (R, N) leave a Gaussian unknown."""
    inside = members.any(axis=0)
    if not ((inside & ~members.all(axis=0)).any() and ((~members).sum(axis=0) >= LEAST).any()):
        raise SimauditError(
            f"needs {LEAST} references or more that were trained on different members (found {len(members)}); "
            "set splits of the audit's references higher"
        )
