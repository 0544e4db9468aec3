"""The control of `complexity`: what the image alone predicts of the statistic, and nothing of what the model said."""

from __future__ import annotations

import numpy as np

from simaudit.attacks.derived.complexity import Complexity
from simaudit.vocabulary.variant import Column


class ComplexityAlone(Complexity):
    """p(image) of `complexity` (arXiv:2603.13421) as a statistic: blind, at no query.

    It must tell nothing: where it does, members and held-out images differ in how complex they are.
    """

    def queries(self, column: Column) -> int:
        return 0

    def statistic(self, logs: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        return np.array(predicted)
