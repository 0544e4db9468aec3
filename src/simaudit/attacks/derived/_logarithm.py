"""The logarithms of the statistics of one attack, of which others are derived."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simaudit.attacks.derived_attack import Statistics
from simaudit.vocabulary.errors import SimauditError, some
from simaudit.vocabulary.knobs import Order


def with_norms(base: Statistics, norms: Sequence[Order] | None, name: str) -> Statistics:
    """Return the statistics of an attack with the norms that are asked for, all if None.

    Raises SimauditError where there are none.
    """
    if norms is None:
        return base
    taken = [k for k, column in enumerate(base.columns) if column.variant.get("norm") in norms]
    if not taken:
        raise SimauditError(f"{name} has no norm of {some(norms)}; add one there, or leave norms out")
    return Statistics([base.columns[k] for k in taken], base.values[taken], base.member_when)


def logarithms(base: Statistics, name: str) -> np.ndarray:
    """Return the logarithms of an attack's statistics (K, N) in float64, a zero as the smallest positive number.

    Raises SimauditError where one is negative.
    """
    negative = (base.values < 0).any(axis=1)
    if negative.any():
        raise SimauditError(
            f"{name} has negative statistics at {base.columns[int(negative.argmax())]}, which have no logarithm; "
            "name another attack under `of`"
        )
    return np.log(np.maximum(base.values.astype(np.float64), np.finfo(np.float32).tiny))
