"""How much a target leaks, in one word: by the lower limit of the number that says most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simaudit.evaluation.controls.controls import LEAKS, MINUS_BLIND, SELECTED
from simaudit.evaluation.numbers import Ledger, Number
from simaudit.vocabulary.metrics import AUC, CHANCE, TPR_AT_1PCT

STRONG, CLEAR, WEAK, UNDECIDED, NOTHING = "strong", "clear", "weak", "undecided", "no evidence"
GRADES = (STRONG, CLEAR, WEAK, UNDECIDED, NOTHING)
"""Every grade, the worst first."""
FOUND = (STRONG, CLEAR, WEAK)
"""The grades of a target of which members are surely found."""

ABOVE_CHANCE: Mapping[str, Mapping[str, float]] = {
    AUC: {STRONG: 0.3, CLEAR: 0.1},
    TPR_AT_1PCT: {STRONG: 0.12, CLEAR: 0.015},
}
"""How far above chance, or above the blind classifiers on a shifted split, the lower limit must lie for a grade.

An AUC of 0.8 is strong and one of 0.6 is clear. At these AUCs an attack whose statistic is normal, with the same spread
on both sides, has a TPR at 1 % FPR of 0.128 and 0.025. Any lower limit above chance is weak.
"""


@dataclass(frozen=True)
class Grade:
    """The grade of an audited target, and the number whose lower limit gives it.

    Where nothing is surely found, it is the number whose upper limit says what would have been missed. `is_above_blind`
    says that the number is a difference: what an attack has above the blind classifiers.
    """

    word: str
    by: Number
    is_above_blind: bool

    @property
    def missed(self) -> Number | None:
        """The number up to whose upper limit a leak would have been missed; None where one is found."""
        return None if self.word in FOUND else self.by


def grade(ledger: Ledger, target: str, verdict: Mapping[str, Any], is_shifted: bool) -> Grade:
    """Return the grade of an audited target, whose `verdict` is the one in controls.json.

    It is that of the AUC that decides the verdict, with limits that hold for all attacks together; or that of TPR at
    1 % FPR of the attack that did best on the calibration fold, where its own lower limit says more and its tail can be
    read, since a model may leak few members surely. Either lower limit is too high by chance for about one target in
    forty, so about one in twenty at most is graded above what it leaks.
    """
    of = MINUS_BLIND if is_shifted else SELECTED
    decisive = {
        attack: number
        for attack in ledger.attacks(target)
        if (number := ledger.get(AUC, target, attack, of)) is not None
    }
    auc = decisive[verdict["attack"]]
    word = _word(auc, is_shifted) if verdict["verdict"] == LEAKS else None
    tpr = ledger.get(TPR_AT_1PCT, target, ledger.best(target), "minus_blind" if is_shifted else None)
    said = None if tpr is None or tpr.tail_too_small else _word(tpr, is_shifted)
    if tpr is not None and said and (not word or GRADES.index(said) < GRADES.index(word)):
        return Grade(said, tpr, is_shifted)
    if word:
        return Grade(word, auc, is_shifted)
    most = max(decisive.values(), key=lambda number: _limit(number.high))
    return Grade(UNDECIDED if verdict["verdict"] == UNDECIDED else NOTHING, most, is_shifted)


def begin(word: str, metric: str, is_above_blind: bool) -> float:
    """Return the lower limit at which a grade of FOUND begins."""
    return (0.0 if is_above_blind else CHANCE[metric]) + ABOVE_CHANCE[metric].get(word, 0.0)


def _word(number: Number, is_above_blind: bool) -> str | None:
    """Return the grade that a number's lower limit gives; None where that is not above chance."""
    low = _limit(number.low)
    begins = {word: begin(word, number.metric, is_above_blind) for word in FOUND}
    return next(
        (word for word in (STRONG, CLEAR) if low >= begins[word]), WEAK if low > begins[WEAK] else None
    )


def _limit(limit: float | None) -> float:
    assert limit is not None  # whatever is measured has limits
    return limit
