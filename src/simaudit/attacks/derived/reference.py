"""Reference: what a statistic says beyond what models that were trained on other members say of the same sample."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from simaudit.attacks.derived._of_one import OfOneAttack
from simaudit.attacks.derived._references import Logarithms, mean_over
from simaudit.attacks.derived_attack import Known, Statistics, each_with
from simaudit.vocabulary.bounds import Several

Weight = Annotated[float, Field(gt=0, le=1)]


class AgainstReferences(OfOneAttack):
    """log s − w · mean over references of log s_r, low for members where s is: s is any positive statistic.

    A sample that is difficult has a high statistic under every model, and this hides who is a member; calibration by
    difficulty is of Watson et al. 2022 (arXiv:2111.08440). The mean is over those references that were not trained on
    the sample, since only they say how difficult it is for a model that has not seen it; where all were trained on it,
    over all. `weights` are the variants: with 1 the statistic is the logarithm of a ratio, and
    with less the references' own noise adds less to it. `queries` counts those of the audited target alone, as of `of`;
    each reference is asked as often.
    """

    needs_references = True

    weights: Several[Weight] = (0.5, 1.0)

    def derive(self, known: Known) -> Statistics:
        logs = Logarithms.of(known, self.of, self.norms)
        outside = ~logs.members
        taken = outside | ~outside.any(axis=0)
        difficulty = mean_over(logs.references, taken)
        values = np.concatenate([logs.audited - weight * difficulty for weight in self.weights])
        return Statistics(each_with(logs.columns, "weight", self.weights), values, logs.member_when)
