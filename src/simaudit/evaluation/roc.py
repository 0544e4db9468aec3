"""The ROC of one statistic and what is read off it. Positive class: member."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import auc, roc_curve


@dataclass(frozen=True)
class Roc:
    """Every point of an exact ROC: false and true positive rate, each rising from 0 to 1 (members are positive)."""

    fpr: np.ndarray
    tpr: np.ndarray

    @classmethod
    def of(cls, statistic: np.ndarray, is_member: np.ndarray, member_when: str) -> "Roc":
        """From a statistic (N,), bool labels (N,) and the side on which members lie (`low` or `high`).

        Tied statistics make one point, reached by a diagonal: the area then counts ties by midrank.
        """
        score = -statistic if member_when == "low" else statistic
        fpr, tpr, _ = roc_curve(is_member, score, drop_intermediate=False)
        return cls(fpr, tpr)

    @property
    def auc(self) -> float:
        """Area under the curve: P(a member scores higher) + ½ P(tie)."""
        return float(auc(self.fpr, self.tpr))

    @property
    def asr(self) -> float:
        """Attack success rate: the largest balanced accuracy (TPR + 1 − FPR)/2 over all thresholds."""
        return float(np.max(self.tpr + 1 - self.fpr) / 2)

    def tpr_at(self, level: float) -> float:
        """The largest TPR among exact points whose FPR does not exceed `level`: never nearest, never interpolated."""
        return float(self.tpr[self.fpr <= level].max())
