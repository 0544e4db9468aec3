"""What references say of each sample: the logarithms of an attack's statistics, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simaudit.attacks.derived._logarithms import logarithms, of_norms
from simaudit.attacks.derived_attack import Known
from simaudit.vocabulary.knobs import Order
from simaudit.vocabulary.variant import Column


class Logarithms(NamedTuple):
    """Logarithms of K statistics of N samples: `audited` (K, N) under the audited target, `references` R such arrays.

    `columns` says what each statistic is, `member_when` on which side members lie. `members` (R, N) bool are the
    samples that each reference was trained on.
    """

    columns: Sequence[Column]
    member_when: str
    audited: np.ndarray
    references: Sequence[np.ndarray]
    members: np.ndarray

    @classmethod
    def of(cls, known: Known, attack: str, norms: Sequence[Order] | None) -> Logarithms:
        """Return those of the statistics of an attack with these norms, all for None.

        Raises SimauditError where there are none, or one is negative.
        """
        base = of_norms(known.statistics[attack], attack, norms)
        under = [
            logarithms(of_norms(reference.statistics[attack], attack, norms), attack)
            for reference in known.references
        ]
        members = np.array([reference.members for reference in known.references])
        return cls(base.columns, base.member_when, logarithms(base, attack), under, members)


def mean_over(references: Sequence[np.ndarray], taken: np.ndarray) -> np.ndarray:
    """Return the mean of R arrays (K, N) over those that are taken for each sample, `taken` (R, N) bool: (K, N).

    It is not a number where none is.
    """
    total = sum(np.where(rows, values, 0) for values, rows in zip(references, taken, strict=True))
    count = taken.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
