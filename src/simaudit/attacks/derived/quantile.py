"""Quantile: how far a statistic lies below what few held-out samples of this image's kind would have."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from simaudit.attacks.derived._logarithms import logarithms, of_norms
from simaudit.attacks.derived._of_one import OfOneAttack
from simaudit.attacks.derived._quantiles import predict_quantiles
from simaudit.attacks.derived.complexity import require_heldout
from simaudit.attacks.derived_attack import Known, Statistics, crossfits, each_with
from simaudit.vocabulary.bounds import Several, Share


class Quantile(OfOneAttack):
    """log s − q̂_α(image), low for members where s is (Tang et al. 2023, arXiv:2312.05140).

    s is any positive statistic; q̂_α is linear in the features of the image (`simaudit.data.complexity`) and fitted, for
    each timestep and variant of `of`, to the held-out samples of the calibration fold alone. A share α of held-out
    samples lies below 0, whatever the image; where members have a high s, above 0. So each image has a threshold of
    its own, where `complexity` has a mean: both order samples alike unless the spread of s differs among images.
    The paper fits a network to the images of many more samples. No query beside those of `of`.
    """

    alphas: Annotated[Several[Share], Field(max_length=20)] = (0.01, 0.05, 0.5)

    def derive(self, known: Known) -> Statistics:
        base = of_norms(known.statistics[self.of], self.of, self.norms)
        logs = logarithms(base, self.of)
        require_heldout(known)
        levels = [alpha if base.member_when == "low" else 1 - alpha for alpha in self.alphas]
        x = np.stack(list(known.features.values()), axis=1)
        predicted = np.empty((len(levels), *logs.T.shape))
        for rows, fitted in crossfits(known, known.heldout):
            predicted[:, rows] = predict_quantiles(x[fitted], logs.T[fitted], levels, x[rows])
        values = np.concatenate([logs - of_level.T for of_level in predicted])
        return Statistics(each_with(base.columns, "alpha", self.alphas), values, base.member_when)
