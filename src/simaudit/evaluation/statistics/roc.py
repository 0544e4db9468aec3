"""The ROC of one statistic, and all that is read off it, from a single sort. The positive class is member."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np


def most_errors(level: float, total: int) -> int:
    """Return the largest count of `total` samples whose share is at most `level`, a decimal such as 0.01.

    Counts are compared, never shares: in floating point 1 − 0.99 is more than 0.01.
    """
    return int(Fraction(str(level)) * total)


@dataclass(frozen=True)
class Roc:
    """Every exact point of an ROC, the strictest threshold first.

    `is_member` (N,) labels the samples; `order` (N,) lists them from the most to the least member-like, and members lie
    on the side that `member_when` names, low or high. The G thresholds are the distinct statistics in that order:
    `thresholds` (G,), and `ends` (G,), how many samples each of them accepts. `true_positives` and `false_positives`
    (G + 1,) count the members and held-out samples among these; the first is 0, where no sample is accepted.
    """

    is_member: np.ndarray
    order: np.ndarray
    ends: np.ndarray
    thresholds: np.ndarray
    true_positives: np.ndarray
    false_positives: np.ndarray
    member_when: str

    @classmethod
    def of(cls, statistic: np.ndarray, is_member: np.ndarray, member_when: str) -> "Roc":
        """Sort a statistic (N,), given bool labels (N,) with both classes and the side of members, low or high."""
        order = np.argsort(-statistic if member_when == "high" else statistic)
        ordered = statistic[order]
        ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(ordered))
        members = np.concatenate([[0], np.cumsum(is_member[order])[ends - 1]])
        accepted = np.concatenate([[0], ends])
        return cls(is_member, order, ends, ordered[ends - 1], members, accepted - members, member_when)

    @property
    def members(self) -> int:
        return int(self.true_positives[-1])

    @property
    def heldout(self) -> int:
        return int(self.false_positives[-1])

    @cached_property
    def tpr(self) -> np.ndarray:
        """The true positive rate at each point, (G + 1,), rising from 0 to 1."""
        return self.true_positives / self.members

    @cached_property
    def fpr(self) -> np.ndarray:
        """The false positive rate at each point, (G + 1,), rising from 0 to 1."""
        return self.false_positives / self.heldout

    @property
    def auc(self) -> float:
        """Area under the curve: P(a member ranks before a held-out sample) + ½ P(tie)."""
        pairs = np.diff(self.false_positives) * (self.true_positives[1:] + self.true_positives[:-1])
        return float(pairs.sum() / (2 * self.members * self.heldout))

    @property
    def asr(self) -> float:
        """Attack success rate: the largest balanced accuracy (TPR + 1 − FPR)/2 over all thresholds."""
        return float(np.max(self.tpr - self.fpr) + 1) / 2

    def found_at(self, level: float) -> int:
        """Return the most members that a threshold of FPR ≤ `level` finds: never the nearest, never interpolated."""
        return self.found_within(most_errors(level, self.heldout))

    def found_within(self, errors: int) -> int:
        """Return the most members that a threshold finds which accepts at most so many held-out samples."""
        return int(self.true_positives[self._last_within(errors)]) if errors >= 0 else 0

    def threshold_at(self, level: float) -> float | None:
        """Return the loosest threshold whose FPR does not exceed `level`; None when even the strictest exceeds it."""
        return self._threshold(self._last_within(most_errors(level, self.heldout)))

    @property
    def best_threshold(self) -> float | None:
        """The strictest threshold at which the ASR is reached; None when accepting no sample reaches it."""
        advantage = self.true_positives * self.heldout - self.false_positives * self.members
        return self._threshold(int(advantage.argmax()))

    def turned_round(self) -> "Roc":
        """Return the ROC with the classes exchanged: held-out samples are found while members are flagged wrongly."""
        return Roc(
            ~self.is_member,
            self.order[::-1],
            len(self.order) - self._starts[::-1],
            self.thresholds[::-1],
            self.heldout - self.false_positives[::-1],
            self.members - self.true_positives[::-1],
            "low" if self.member_when == "high" else "high",
        )

    def accepted_at(self, threshold: float | None) -> tuple[int, int]:
        """Return how many (members, held-out samples) are at least as member-like as `threshold`; none without one."""
        last = self._accepting(threshold)
        return int(self.true_positives[last]), int(self.false_positives[last])

    def accepted(self, threshold: float | None) -> np.ndarray:
        """Return which samples are at least as member-like as `threshold`, (N,) bool; none without one."""
        last = self._accepting(threshold)
        accepted = np.zeros(len(self.order), dtype=bool)
        accepted[self.order[: self.ends[last - 1] if last else 0]] = True
        return accepted

    def _accepting(self, threshold: float | None) -> int:
        if threshold is None:
            return 0
        sign = 1 if self.member_when == "low" else -1
        return int(np.searchsorted(sign * self.thresholds, sign * threshold, side="right"))

    def _last_within(self, errors: int) -> int:
        return int(np.searchsorted(self.false_positives, errors, side="right")) - 1

    def _threshold(self, point: int) -> float | None:
        return float(self.thresholds[point - 1]) if point else None

    def placements(self) -> np.ndarray:
        """Return (N,), in sample order: the share of the other class that a sample is ranked rightly against, ties ½.

        Their mean over either class is the AUC; their variances within the classes are DeLong's.
        """
        above = (self.true_positives[1:] + self.true_positives[:-1]) / (2 * self.members)
        below = 1 - (self.false_positives[1:] + self.false_positives[:-1]) / (2 * self.heldout)
        is_member = self.is_member[self.order]
        placed = np.empty(len(self.order))
        placed[self.order] = np.where(is_member, self._spread(below), self._spread(above))
        return placed

    def centred_midranks(self) -> np.ndarray:
        """Return, in sample order (N,), midranks that ascend with member-likeness, minus their mean (N + 1)/2."""
        ranks = np.empty(len(self.order))
        ranks[self.order] = self._spread((len(self.order) - self.ends - self._starts) / 2)
        return ranks

    @property
    def _starts(self) -> np.ndarray:
        return np.concatenate([[0], self.ends[:-1]])

    def _spread(self, values: np.ndarray) -> np.ndarray:
        """Return (N,) from (G,): each threshold's value for all samples that it is the first to accept, in order."""
        return np.repeat(values, self.ends - self._starts)
